import type { TlsFiles } from "../config.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { TlsIdentity } from "../transport/tls.ts";
import { checkIdentity, IdentityError } from "../transport/tls_identity.ts";
import { StartError } from "./start.ts";
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

  /** Rejects with `StartError`. */
  static async load(init: CertificateInit): Promise<Certificate> {
    try {
      const identity = await readIdentity(init.files);
      return new Certificate(init, identity, checkIdentity(identity, init.files, init.clock.now()));
    } catch (error) {
      if (error instanceof IdentityError) throw new StartError(error.message);
      throw error;
    }
  }

  get name(): string {
    return this.#init.name;
  }

  onChange(present: (identity: TlsIdentity) => void): void {
    this.#presenters.push(present);
  }

  /** Reads the files again now; rejects, and keeps what was in force, if they cannot be used. */
  async reload(): Promise<void> {
    const identity = await readIdentity(this.#init.files);
    this.#seen = this.#judged = JSON.stringify(identity);
    this.#use(identity);
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
      log.error("certificate-refused", { name, error: error.message });
    }
  }

  #use(identity: TlsIdentity): void {
    this.#expiry = checkIdentity(identity, this.#init.files, this.#init.clock.now());
    this.identity = identity;
    this.#warnedAt = -Infinity;
    for (const present of this.#presenters) present(identity);
    this.#warnOfExpiry();
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
  const read = async (file: string): Promise<string> => {
    try {
      return await Deno.readTextFile(file);
    } catch (error) {
      throw new IdentityError(`Cannot read ${file}: ${describeSystemError(error)}`);
    }
  };
  const { clientAuthorities } = files;
  return {
    certificate: await read(files.certificate),
    key: await read(files.key),
    clientAuthorities: clientAuthorities === undefined ? undefined : await read(clientAuthorities),
  };
}
