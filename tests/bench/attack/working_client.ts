import { encode } from "../../../broker/packet/mod.ts";
import { FrameScanner } from "../load/frame_scanner.ts";
import { openClient, subscribe, writeAll } from "../load/handshake.ts";
import { Histogram } from "../load/histogram.ts";

const TOPIC = "work/ping";
const BUFFER_BYTES = 4 * 1024;
const STAMP_BYTES = 8;
const PER_SECOND = 200;

/** Somebody with work to do: sends itself 200 messages a second, and measures how long each takes, in microseconds. */
export class WorkingClient {
  readonly #connection: Deno.TcpConn;
  readonly #times = new Histogram();
  #sentCount = 0;
  #isClosed = false;
  readonly #timer: ReturnType<typeof setInterval>;

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
    void this.#readAll();
    this.#timer = setInterval(() => void this.#send(), 1000 / PER_SECOND);
  }

  static async start(port: number): Promise<WorkingClient> {
    const client = await openClient(port, 4, "work");
    await subscribe(client, TOPIC, 0);
    return new WorkingClient(client.connection);
  }

  /** Measures for so long; what is under way at the end counts for what comes next. */
  async measure(
    seconds: number,
  ): Promise<{ readonly p99: number; readonly received: number; readonly sent: number }> {
    this.#times.clear();
    this.#sentCount = 0;
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    return { p99: this.#times.quantile(0.99), received: this.#times.count, sent: this.#sentCount };
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#connection.close();
  }

  async #send(): Promise<void> {
    const payload = new Uint8Array(STAMP_BYTES);
    new DataView(payload.buffer).setFloat64(0, performance.now());
    this.#sentCount++;
    const message = { type: "publish", topic: TOPIC, payload, qos: 0, retain: false, dup: false } as const;
    await writeAll(this.#connection, encode({ ...message, packetId: 0 }, 4)).catch(() => {});
  }

  async #readAll(): Promise<void> {
    const frames = new FrameScanner(BUFFER_BYTES);
    try {
      for (;;) {
        const count = await this.#connection.read(frames.room());
        if (count === null) return;
        frames.filled(count);
        while (frames.next()) this.#take(frames.bytes, frames.end);
      }
    } catch (error) {
      if (!this.#isClosed) throw error;
    }
  }

  #take(bytes: Uint8Array, end: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset + end - STAMP_BYTES, STAMP_BYTES);
    this.#times.add(Math.round((performance.now() - view.getFloat64(0)) * 1000));
  }
}
