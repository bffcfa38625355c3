export type LogLevel = "debug" | "info" | "warn" | "error";
export const LOG_LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * Facts, each logged once: an event from a fixed vocabulary (`slow-consumer`) with its fields. Never a payload, never
 * a password. A class of our own and not a library, since those keep their configuration in module state and two
 * brokers in one process share nothing.
 */
export class Log {
  readonly #threshold: number;
  readonly #write: (line: string) => void;

  constructor(level: LogLevel | "off", write: (line: string) => void) {
    this.#threshold = level === "off" ? LOG_LEVELS.length : LOG_LEVELS.indexOf(level);
    this.#write = write;
  }

  debug(event: string, fields?: LogFields): void {
    if (this.#threshold === 0) this.#emit("debug", event, fields);
  }

  info(event: string, fields?: LogFields): void {
    if (this.#threshold <= 1) this.#emit("info", event, fields);
  }

  warn(event: string, fields?: LogFields): void {
    if (this.#threshold <= 2) this.#emit("warn", event, fields);
  }

  error(event: string, fields?: LogFields): void {
    if (this.#threshold <= 3) this.#emit("error", event, fields);
  }

  #emit(level: LogLevel, event: string, fields: LogFields | undefined): void {
    let line = `${new Date().toISOString()} ${level.padEnd(5)} ${event}`;
    for (const [name, value] of Object.entries(fields ?? {})) {
      if (value !== undefined) line += ` ${name}=${formatValue(value)}`;
    }
    this.#write(line);
  }
}

/** What JSON leaves as it is, and a terminal or a reader of lines does not. */
const CONTROLS = /[\u007f-\u009f\u2028\u2029]/g;

/** Quotes whatever a peer may have chosen, so that a line break in a client identifier cannot forge a line. */
function formatValue(value: string | number | boolean): string {
  if (typeof value !== "string") return String(value);
  if (/^[\w.:/@-]+$/.test(value)) return value;
  const escape = (control: string) => `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(value).replace(CONTROLS, escape);
}

/** A log that nobody reads. */
export const silentLog: Log = new Log("off", () => {});
