import { ClientError, type TlsOptions } from "../client/mod.ts";
import { certificatesIn, checkIdentity, IdentityError } from "../transport/tls_identity.ts";
import { type CommandLine, valueOf } from "./command_line.ts";
import { describeSystemError } from "./system_error.ts";

/** Where systems keep the authorities that they trust: Debian, Fedora, openSUSE, and Alpine, macOS and the BSDs. */
const SYSTEM_FILES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/** What `openssl rehash` calls a certificate, so that it is found by its subject. */
const HASHED_NAME = /^[0-9a-f]{8}\.\d+$/;

/** What the flags of TLS say, with their files read; rejects with `ClientError` for one that cannot be used. */
export async function loadTls(line: CommandLine): Promise<TlsOptions> {
  const [cert, key] = [valueOf(line, "cert"), valueOf(line, "key")];
  const protocol = valueOf(line, "tls-alpn");
  try {
    const ca = await loadAuthorities(line);
    return {
      ...(ca.length > 0 && { ca }),
      ...(cert !== undefined && key !== undefined && await loadIdentity(cert, key)),
      checkServerName: !line.has("insecure"),
      ...(protocol !== undefined && { alpnProtocols: [protocol] }),
    };
  } catch (error) {
    if (error instanceof IdentityError) throw new ClientError(error.message);
    throw error;
  }
}

async function loadAuthorities(line: CommandLine): Promise<readonly string[]> {
  const [file, folder] = [valueOf(line, "cafile"), valueOf(line, "capath")];
  return [
    ...(file === undefined ? [] : [await readCertificates(file)]),
    ...(folder === undefined ? [] : await readFolder(folder)),
    ...(line.has("tls-use-os-certs") ? [await readCertificates(await systemFile())] : []),
  ];
}

async function loadIdentity(cert: string, key: string): Promise<Pick<TlsOptions, "cert" | "key">> {
  const identity = { certificate: await read(cert), key: await read(key) };
  checkIdentity(identity, { certificate: cert, key }, Date.now());
  return { cert: identity.certificate, key: identity.key };
}

async function readFolder(folder: string): Promise<readonly string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(folder)) if (HASHED_NAME.test(name)) names.push(name);
  } catch (error) {
    throw new ClientError(`Cannot read ${folder}: ${describeSystemError(error)}`);
  }
  if (names.length === 0) {
    throw new ClientError(
      `Cannot use ${folder}: it has no certificates by their hash, run openssl rehash on it`,
    );
  }
  return await Promise.all(names.sort().map((name) => readCertificates(`${folder}/${name}`)));
}

async function systemFile(): Promise<string> {
  for (const file of SYSTEM_FILES) {
    try {
      await Deno.stat(file);
      return file;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) {
        throw new ClientError(`Cannot read ${file}: ${describeSystemError(error)}`);
      }
    }
  }
  throw new ClientError(
    `Cannot find the authorities of this system in ${SYSTEM_FILES.join(", ")}: use --cafile FILE`,
  );
}

async function readCertificates(file: string): Promise<string> {
  const text = await read(file);
  certificatesIn(text, file, "clientAuthorities");
  return text;
}

async function read(file: string): Promise<string> {
  try {
    return await Deno.readTextFile(file);
  } catch (error) {
    throw new ClientError(`Cannot read ${file}: ${describeSystemError(error)}`);
  }
}
