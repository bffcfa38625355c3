import type { Log } from "../core/log.ts";

interface Reloader {
  readonly name: string;
  readonly reload: () => Promise<void> | void;
}

/**
 * What is read again while the broker runs, each under a name. Whatever cannot be used throws, keeps what it had, and
 * stops no other.
 */
export class Reloaders {
  readonly #log: Log;
  readonly #reloaders: Reloader[] = [];
  #last: Promise<void> = Promise.resolve();
  /** The run that has not begun yet. */
  #waiting: Promise<void> | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Reads something again from now on; what it throws says, in one line, why it keeps what it had. */
  add(name: string, reload: () => Promise<void> | void): void {
    this.#reloaders.push({ name, reload });
  }

  /**
   * Reads everything again, one after the other, and resolves when that is done. Never rejects. Asked for again
   * meanwhile, it runs once more afterwards: what changed in between may have been read already.
   */
  run(): Promise<void> {
    return this.#waiting ??= this.#last = this.#last.then(() => {
      this.#waiting = undefined;
      return this.#runAll();
    });
  }

  async #runAll(): Promise<void> {
    for (const { name, reload } of this.#reloaders) {
      try {
        await reload();
        this.#log.info("reloaded", { name });
      } catch (error) {
        this.#log.error("reload-refused", {
          name,
          error: error instanceof Error ? error.message : String(error),
        });
      }
    }
  }
}

/** Reads everything again at each SIGHUP, as daemons do; without this, the signal would end the process. */
export function reloadOnSignal(reloaders: Reloaders): void {
  Deno.addSignalListener("SIGHUP", () => void reloaders.run());
}
