import type { ConfigError, TlsFiles } from "../config.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { TlsIdentity } from "../transport/tls.ts";
import { checkIdentity, IdentityError, type IdentityPart } from "../transport/tls_identity.ts";
import { fileProblem, warnOfOthers } from "./option_file.ts";
import { describeSystemError } from "./system_error.ts";

/**
 * How often the files are looked at: by reading them, which works on every file system and with links that are switched
 * over, and costs nothing at their size.
 */
const LOOK_MS = 2_000;
const DAY_MS = 24 * 3600 * 1000;
/** Let's Encrypt renews 30 days before the end; whoever has less has a renewal that does not work. */
const EXPIRY_DAYS_MIN = 14;

export interface CertificateInit {
  /** For the log: `mqtt`. */
  readonly name: string;
  readonly files: TlsFiles;
  readonly log: Log;
  readonly clock: Clock;
}

/** An identity in files: whoever shows it hears of each new one. */
export class Certificate {
  identity: TlsIdentity;
  readonly #init: CertificateInit;
  readonly #presenters: ((identity: TlsIdentity) => void)[] = [];
  #expiry: Date;
  #warnedAt = -Infinity;
  /** What the files said at the last look, and what they said when that was last put in force or refused. */
  #seen: string;
  #judged: string;
  #cancelLook: () => void = () => {};

  private constructor(init: CertificateInit, identity: TlsIdentity, expiry: Date) {
    this.#init = init;
    this.identity = identity;
    this.#expiry = expiry;
    this.#seen = this.#judged = JSON.stringify(identity);
    this.#warnOfExpiry();
  }

  /** Rejects with `ConfigError`. */
  static async load(init: CertificateInit): Promise<Certificate> {
    return await namingOption(init.files, async () => {
      const identity = await readIdentity(init.files);
      const certificate = new Certificate(
        init,
        identity,
        checkIdentity(identity, init.files, init.clock.now()),
      );
      await certificate.#warnOfOpenKey();
      return certificate;
    });
  }

  get name(): string {
    return this.#init.name;
  }

  onChange(present: (identity: TlsIdentity) => void): void {
    this.#presenters.push(present);
  }

  /** Reads the files again now; rejects, and keeps what was in force, if they cannot be used. */
  async reload(): Promise<void> {
    await namingOption(this.#init.files, async () => {
      const identity = await readIdentity(this.#init.files);
      this.#seen = this.#judged = JSON.stringify(identity);
      this.#use(identity);
    });
    await this.#warnOfOpenKey();
  }

  /** Looks at the files from now on, and uses what changed once it stays the same for two looks. */
  watch(): void {
    this.#cancelLook = this.#init.clock.after(LOOK_MS, async () => {
      const looking = this.#cancelLook;
      await this.#look();
      if (this.#cancelLook === looking) this.watch();
    });
  }

  close(): void {
    this.#cancelLook();
    this.#cancelLook = () => {};
  }

  async #look(): Promise<void> {
    const found = await readIdentity(this.#init.files).catch((error: IdentityError) => error);
    const state = found instanceof IdentityError ? found.message : JSON.stringify(found);
    // While it still changes, it may be half of what somebody is writing.
    const isSettled = state === this.#seen;
    this.#seen = state;
    if (isSettled && state !== this.#judged) {
      this.#judged = state;
      this.#judge(found);
    }
    this.#warnOfExpiry();
  }

  #judge(found: TlsIdentity | IdentityError): void {
    const { name, log } = this.#init;
    try {
      if (found instanceof IdentityError) throw found;
      this.#use(found);
      log.info("certificate-changed", { name, expires: this.#expiry.toISOString() });
    } catch (error) {
      if (!(error instanceof IdentityError)) throw error;
      const { message } = problemOf(error, this.#init.files);
      log.error("certificate-refused", { name, error: message });
    }
  }

  #use(identity: TlsIdentity): void {
    this.#expiry = checkIdentity(identity, this.#init.files, this.#init.clock.now());
    this.identity = identity;
    this.#warnedAt = -Infinity;
    for (const present of this.#presenters) present(identity);
    this.#warnOfExpiry();
  }

  async #warnOfOpenKey(): Promise<void> {
    const { key: file } = this.#init.files;
    // A file that went since it was read is for the next look to tell.
    const { mode } = await Deno.stat(file).catch(() => ({ mode: null }));
    warnOfOthers("tls-key-open", { file, mode }, this.#init.log);
  }

  /** Once a day. */
  #warnOfExpiry(): void {
    const { name, log, clock } = this.#init;
    const now = clock.now();
    const days = Math.floor((this.#expiry.getTime() - now) / DAY_MS);
    if (days >= EXPIRY_DAYS_MIN || now - this.#warnedAt < DAY_MS) return;
    this.#warnedAt = now;
    log.warn("certificate-expires", { name, days, expires: this.#expiry.toISOString() });
  }
}

async function readIdentity(files: TlsFiles): Promise<TlsIdentity> {
  const read = async (part: IdentityPart, file: string): Promise<string> => {
    try {
      return await Deno.readTextFile(file);
    } catch (error) {
      throw new IdentityError(part, `Cannot read ${file}: ${describeSystemError(error)}`);
    }
  };
  const { clientAuthorities } = files;
  return {
    certificate: await read("certificate", files.certificate),
    key: await read("key", files.key),
    clientAuthorities: clientAuthorities === undefined
      ? undefined
      : await read("clientAuthorities", clientAuthorities),
  };
}

/** What is wrong with a file is said with the key of its option. */
async function namingOption<Outcome>(files: TlsFiles, work: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof IdentityError ? problemOf(error, files) : error;
  }
}

function problemOf({ part, message }: IdentityError, { keys }: TlsFiles): ConfigError {
  return fileProblem(keys[part], message);
}
