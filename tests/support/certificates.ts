/** A certificate and its key, as PEM text. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

export interface CertificateOptions {
  /** Common name of the subject. */
  readonly name: string;
  /** Alternative names; this machine's if not given. */
  readonly names?: readonly string[];
  readonly days?: number;
}

const THIS_MACHINE = ["DNS:localhost", "IP:127.0.0.1"];

/**
 * An authority for one test, which makes certificates by openssl. Everything is in a folder that goes with it; no key
 * outlives the test.
 */
export class Authority implements Disposable {
  readonly folder: string = Deno.makeTempDirSync({ prefix: "pregon-tls-" });
  readonly #name: string;
  #count = 0;

  /** @param issuer who vouches for it; if not given, it does so itself */
  constructor(name = "Test authority", issuer?: Authority) {
    this.#name = name;
    this.#openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "ca.key");
    const subject = ["-key", "ca.key", "-subj", `/CN=${name}`];
    if (!issuer) {
      this.renew();
      return;
    }
    this.#openssl("req", "-new", ...subject, "-out", "ca.csr");
    Deno.writeTextFileSync(this.path("extensions"), "basicConstraints=critical,CA:TRUE");
    const signed = ["-CA", issuer.path("ca.pem"), "-CAkey", issuer.path("ca.key"), "-set_serial", "7"];
    this.#openssl(
      ...["x509", "-req", "-in", "ca.csr", ...signed, "-days", "2", "-extfile", "extensions"],
      ...["-out", "ca.pem"],
    );
  }

  /** Has another certificate for the same name and key. */
  renew(): void {
    const subject = ["-key", "ca.key", "-subj", `/CN=${this.#name}`];
    this.#openssl("req", "-x509", "-days", "2", ...subject, "-out", "ca.pem");
  }

  /** Its own certificate: who has that believes the others. */
  get certificate(): string {
    return this.read("ca.pem");
  }

  /** A path in the folder. */
  path(file: string): string {
    return `${this.folder}/${file}`;
  }

  read(file: string): string {
    return Deno.readTextFileSync(this.path(file));
  }

  issue({ name, names = THIS_MACHINE, days = 60 }: CertificateOptions): Certificate {
    const file = this.issueFiles({ name, names, days });
    return { certificate: this.read(`${file}.pem`), key: this.read(`${file}.key`) };
  }

  /** A certificate that nobody vouches for but itself. */
  selfSigned(name: string, names: readonly string[] = THIS_MACHINE): Certificate {
    const file = `issued-${++this.#count}`;
    const subject = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=${names.join(",")}`];
    this.#openssl(
      ...[
        "req",
        "-x509",
        "-nodes",
        "-days",
        "2",
        ...subject,
        ...newKey(`${file}.key`),
        "-out",
        `${file}.pem`,
      ],
    );
    return { certificate: this.read(`${file}.pem`), key: this.read(`${file}.key`) };
  }

  /** Leaves `<answer>.pem` and `<answer>.key` in the folder. */
  issueFiles({ name, names = THIS_MACHINE, days = 60 }: CertificateOptions): string {
    const file = `issued-${++this.#count}`;
    this.#openssl("req", "-nodes", "-subj", `/CN=${name}`, ...newKey(`${file}.key`), "-out", `${file}.csr`);
    const extensions = [
      "basicConstraints=CA:FALSE",
      ...(names.length > 0 ? [`subjectAltName=${names.join(",")}`] : []),
    ];
    Deno.writeTextFileSync(this.path("extensions"), extensions.join("\n"));
    const issuer = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
    this.#openssl(
      ...["x509", "-req", "-in", `${file}.csr`, ...issuer, "-days", `${days}`, "-extfile", "extensions"],
      ...["-out", `${file}.pem`],
    );
    return file;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.folder, { recursive: true });
  }

  #openssl(...args: readonly string[]): void {
    const command = new Deno.Command("openssl", { args: [...args], cwd: this.folder, stderr: "piped" });
    const { success, stderr } = command.outputSync();
    if (!success) throw new Error(`openssl ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  }
}

function newKey(file: string): readonly string[] {
  return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-keyout", file];
}
