import { within } from "../../support/eventually.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;
const decoder = new TextDecoder();
const START_MS_MAX = 20_000;
/** Lines of the log that a broker must not write, however often it is killed. */
const DEFECTS = ["internal-error", "commit-failed", "will-failed"];

/** Where a broker is found, each time that it is started. */
export interface Place {
  readonly folder: string;
  readonly mqttPort: number;
  readonly httpPort: number;
}

/** One life of the broker: a process of its own, from its start to its violent end. */
export class BrokerProcess {
  /** Resolves when it serves, with the milliseconds that took; rejects if it ends before. */
  readonly ready: Promise<number>;
  /** What the log says that it must not say. */
  readonly defects: string[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #outputs: Promise<unknown>;
  #log = "";
  #isKilled = false;

  constructor({ folder, mqttPort, httpPort }: Place) {
    const startedAt = performance.now();
    const ports = ["--mqtt-port", String(mqttPort), "--http-port", String(httpPort)];
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--quiet",
        "--config",
        `${ROOT}deno.json`,
        `${ROOT}main.ts`,
        "serve",
        ...ports,
        "--data",
        folder,
      ],
      cwd: folder,
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const banner = Promise.withResolvers<number>();
    const said = readLines(this.#child.stdout, () => banner.resolve(performance.now() - startedAt));
    const logged = readLines(this.#child.stderr, (line) => this.#logLine(line));
    this.#outputs = Promise.all([said, logged]);
    void this.#outputs.then(() => banner.reject(new Error(`The broker ended: ${this.#log.slice(-500)}`)));
    this.ready = within(banner.promise, () => `for the broker to start: ${this.#log}`, START_MS_MAX);
    // Who kills it early does not ask.
    this.ready.catch(() => {});
  }

  /** Ends it as a power cut would, as far as the process goes: now, wherever it is. */
  strike(): void {
    if (this.#isKilled) return;
    this.#isKilled = true;
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      this.defects.push(`The broker ended by itself: ${this.#log.slice(-500)}`);
    }
  }

  /** As `strike`; returns when nothing is left of it. */
  async kill(): Promise<void> {
    this.strike();
    await Promise.all([this.#child.status, this.#outputs]);
  }

  #logLine(line: string): void {
    this.#log += `${line}\n`;
    if (DEFECTS.some((word) => line.includes(word))) this.defects.push(line);
  }
}

async function readLines(stream: ReadableStream<Uint8Array>, take: (line: string) => void): Promise<void> {
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    for (const line of lines) take(line);
  }
}
