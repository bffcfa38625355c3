/** What one run of the stream load does, to which server. */
export interface StreamLoadOptions {
  readonly port: number;
  readonly brokerPid: number;
  readonly streamPath: string;
  readonly publishPath: string;
  readonly streams: number;
  /** Messages published that not every stream has, the one that is being answered included. */
  readonly window: number;
  readonly warmSeconds: number;
  readonly seconds: number;
}

export interface StreamResult {
  readonly eventsPerSecond: number;
  /** In microseconds, from before the POST to after the read. */
  readonly p50: number;
  readonly p99: number;
  /** Bytes of one event on the wire. */
  readonly eventBytes: number;
  /** Events of the whole run, and those that never came. */
  readonly due: number;
  readonly lost: number;
  readonly brokerCores: number;
  readonly loadCores: number;
}

/** Begins every payload and stands nowhere else in what a server sends, so to count it is to count events. */
export const MARK = 0x7e;
export const PAYLOAD = `~${"x".repeat(63)}`;
