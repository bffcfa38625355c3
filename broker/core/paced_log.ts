import type { Log, LogFields } from "./log.ts";

const PACE_MS = 1_000;

interface Said {
  readonly at: number;
  unsaid: number;
}

/** What a flood repeats, said at most once a second for each event and reason; `unsaid` is how often it was not. */
export class PacedLog {
  readonly #log: Log;
  readonly #now: () => number;
  /** As many entries as there are events and reasons. */
  readonly #said = new Map<string, Said>();

  constructor(log: Log, now: () => number) {
    this.#log = log;
    this.#now = now;
  }

  info(event: string, fields: LogFields = {}): void {
    const paced = this.#pace(event, fields);
    if (paced) this.#log.info(event, paced);
  }

  warn(event: string, fields: LogFields): void {
    const paced = this.#pace(event, fields);
    if (paced) this.#log.warn(event, paced);
  }

  error(event: string, fields: LogFields): void {
    const paced = this.#pace(event, fields);
    if (paced) this.#log.error(event, paced);
  }

  #pace(event: string, fields: LogFields): LogFields | undefined {
    const key = `${event} ${fields["reason"] ?? ""}`;
    const now = this.#now();
    const said = this.#said.get(key);
    if (said && Math.abs(now - said.at) < PACE_MS) {
      said.unsaid++;
      return undefined;
    }
    this.#said.set(key, { at: now, unsaid: 0 });
    return said && said.unsaid > 0 ? { ...fields, unsaid: said.unsaid } : fields;
  }
}
