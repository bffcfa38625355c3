import { assertEquals } from "@std/assert";
import { eventually } from "./eventually.ts";

export const ROOT = new URL("../../", import.meta.url).pathname;
export const encoder = new TextEncoder();
export const decoder = new TextDecoder();

interface RunOptions {
  readonly stdin?: Uint8Array | string;
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  /** A module that runs in its process before it. */
  readonly preload?: string;
}

interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly stdoutBytes: Uint8Array;
}

/** A run of the program, with its input open until `finish`. */
export class Program {
  readonly #process: Deno.ChildProcess;
  readonly #stdout: Promise<Uint8Array>;
  readonly #stderr: Promise<Uint8Array>;
  /** What it said so far. */
  stdout = "";
  stderr = "";

  constructor(args: readonly string[], { env = {}, cwd = ROOT, preload }: RunOptions = {}) {
    const flags = [
      "--quiet",
      "--config",
      `${ROOT}deno.json`,
      ...preload === undefined ? [] : ["--preload", preload],
    ];
    const permissions = ["--allow-net", "--allow-read", "--allow-write", "--allow-env"];
    this.#process = new Deno.Command(Deno.execPath(), {
      args: ["run", ...flags, ...permissions, `${ROOT}main.ts`, ...args],
      env: { NO_COLOR: "1", ...env },
      cwd,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#stdout = collect(this.#process.stdout, (text) => this.stdout += text);
    this.#stderr = collect(this.#process.stderr, (text) => this.stderr += text);
  }

  kill(signal: Deno.Signal): void {
    this.#process.kill(signal);
  }

  /** Gives it the rest of its input and waits for its end. */
  async finish(stdin: Uint8Array | string = ""): Promise<Result> {
    const input = this.#process.stdin.getWriter();
    // It may end without reading all of it.
    await input.write(typeof stdin === "string" ? encoder.encode(stdin) : stdin).catch(() => {});
    await input.close().catch(() => {});
    const [{ code }, stdoutBytes] = await Promise.all([this.#process.status, this.#stdout, this.#stderr]);
    return { code, stdout: this.stdout, stderr: this.stderr, stdoutBytes };
  }
}

async function collect(
  stream: ReadableStream<Uint8Array>,
  show: (text: string) => void,
): Promise<Uint8Array> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for await (const chunk of stream) {
    chunks.push(new Uint8Array(chunk));
    show(decoder.decode(chunk, { stream: true }));
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

export function run(args: readonly string[], options: RunOptions = {}): Promise<Result> {
  return new Program(args, options).finish(options.stdin);
}

export interface Serving extends AsyncDisposable {
  readonly program: Program;
  readonly mqttPort: number;
  readonly httpPort: number;
  /** Waits for a `sub` of the filter; it gets the message `ready?`. */
  subscribed(filter: string): Promise<void>;
}

/** Runs the broker on two free ports. */
export async function serve(args: readonly string[] = [], options: RunOptions = {}): Promise<Serving> {
  const free = ["--mqtt-port", "0", "--http-port", "0", "--log-level", "debug", "--memory"];
  const program = new Program(["serve", ...free, ...args], options);
  const port = async (scheme: string) => {
    const line = new RegExp(`${scheme}://127\\.0\\.0\\.1:(\\d+)\n`);
    return await patiently(() => Number(line.exec(program.stdout)![1]));
  };
  const [mqttPort, httpPort] = [await port("mqtt"), await port("http")];
  return {
    program,
    mqttPort,
    httpPort,
    async subscribed(filter) {
      const matching = async () => {
        const url = `http://127.0.0.1:${httpPort}/topics/${filter}?mandatory=1`;
        const response = await fetch(url, { method: "POST", body: "ready?" });
        await response.body?.cancel();
        assertEquals(response.status, 200);
      };
      await patiently(matching);
    },
    async [Symbol.asyncDispose]() {
      program.kill("SIGTERM");
      assertEquals((await program.finish()).code, 0, program.stderr);
    },
  };
}

/** A process may take its time to start on a busy machine. */
export async function patiently<Value>(check: () => Value | Promise<Value>): Promise<Value> {
  for (let rounds = 0; rounds < 10; rounds++) {
    try {
      return await eventually(check);
    } catch {
      continue;
    }
  }
  return await eventually(check);
}

export function assertOneLine(result: Result, code: number, line: string): void {
  assertEquals({ ...result, stdoutBytes: undefined }, {
    code,
    stdout: "",
    stderr: `${line}\n`,
    stdoutBytes: undefined,
  });
}
