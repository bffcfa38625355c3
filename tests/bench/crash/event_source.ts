import { isRequestCut } from "./http_requests.ts";
import { pause } from "./pause.ts";

/** Sooner than the `retry` of the broker says: what is lost by then is what this is about. */
const RECONNECT_MS = 20;

export interface EventSourceOptions {
  readonly url: string;
  readonly onMessage: (topic: string, payload: string) => void;
  /** An event that is no message: `live`, `reset`, `gap`, `bye`. */
  readonly onControl: (name: string, data: string) => void;
  readonly onViolation: (what: string) => void;
}

/** Reads a stream as a browser's EventSource does, and resumes it behind the last event that it saw. */
export class ResumingEventSource {
  readonly #options: EventSourceOptions;
  readonly #running: Promise<void>;
  #lastEventId: string | undefined;
  #abort = new AbortController();
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #isStopped = false;

  constructor(options: EventSourceOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#abort.abort();
    // A read that waits does not hear of the abort.
    await this.#reader?.cancel().catch(() => {});
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      try {
        await this.#read();
      } catch (error) {
        const isOurs = error instanceof DOMException && error.name === "AbortError";
        if (!isOurs && !isRequestCut(error)) throw error;
      }
      if (!this.#isStopped) await pause(RECONNECT_MS);
    }
  }

  async #read(): Promise<void> {
    this.#abort = new AbortController();
    const headers: Record<string, string> = { accept: "text/event-stream" };
    if (this.#lastEventId !== undefined) headers["last-event-id"] = this.#lastEventId;
    const response = await fetch(this.#options.url, { headers, signal: this.#abort.signal });
    if (response.status !== 200) {
      return this.#options.onViolation(
        `The stream was answered with ${response.status}: ${await response.text()}`,
      );
    }
    this.#reader = response.body!.getReader();
    const decoder = new TextDecoder();
    let rest = "";
    for (let next = await this.#reader.read(); !next.done; next = await this.#reader.read()) {
      const blocks = (rest + decoder.decode(next.value, { stream: true })).split("\n\n");
      rest = blocks.pop()!; // An event that is not whole is none.
      for (const block of blocks) this.#dispatch(block);
    }
  }

  #dispatch(block: string): void {
    const fields = new Map<string, string>();
    for (const line of block.split("\n")) {
      const colon = line.indexOf(":");
      if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).trimStart());
    }
    this.#lastEventId = fields.get("id") ?? this.#lastEventId;
    const data = fields.get("data");
    if (data === undefined) return;
    const name = fields.get("event");
    if (name !== undefined) return this.#options.onControl(name, data);
    const { topic, payload } = JSON.parse(data);
    this.#options.onMessage(topic, payload);
  }
}
