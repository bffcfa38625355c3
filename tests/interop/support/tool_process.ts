import { assertEquals } from "@std/assert";
import { within } from "../../support/eventually.ts";

/** A program of others starts slowly on a busy machine. */
export const TOOL_PATIENCE_MS = 20_000;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export interface ToolOptions {
  /** Written to the program's standard input, which is then closed. */
  readonly input?: string | Uint8Array;
  /** All variables that it sees; those of this process unless given. */
  readonly env?: Readonly<Record<string, string>>;
  /** The folder that it runs in. */
  readonly cwd?: string;
}

export interface Outcome {
  readonly code: number;
  readonly stdout: Uint8Array<ArrayBuffer>;
  readonly stderr: string;
  /** Standard output as text. */
  readonly text: string;
  /** Standard output line by line. */
  readonly lines: readonly string[];
}

/** A program of others that runs beside the test, and ends with it. */
export class ToolProcess implements AsyncDisposable {
  /** By the clock of `performance.now`. */
  readonly spawnedAt = performance.now();
  readonly #name: string;
  readonly #child: Deno.ChildProcess;
  readonly #stdout: Output;
  readonly #stderr: Output;
  readonly #input: Promise<void>;
  #hasEnded = false;

  constructor(command: string, args: readonly string[], options: ToolOptions = {}) {
    const { input, env, cwd } = options;
    this.#name = [command, ...args].join(" ").slice(0, 200);
    this.#child = new Deno.Command(command, {
      args: [...args],
      stdin: input === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
      ...(env && { clearEnv: true, env }),
      ...(cwd !== undefined && { cwd }),
    }).spawn();
    void this.#child.status.then(() => this.#hasEnded = true);
    this.#stdout = new Output(this.#child.stdout);
    this.#stderr = new Output(this.#child.stderr);
    this.#input = input === undefined ? Promise.resolve() : this.#write(input);
  }

  get pid(): number {
    return this.#child.pid;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Lines of its standard output, once there are so many. */
  async lines(count: number): Promise<readonly string[]> {
    const what = () =>
      `${this.#name} printed ${this.#stdout.lineCount} of ${count} lines: ` +
      `${this.#stdout.text.slice(-300)}${this.#stderr.text.slice(-300)}`;
    await within(this.#stdout.until((output) => output.lineCount >= count), what, TOOL_PATIENCE_MS);
    return linesOf(this.#stdout.text);
  }

  /** Waits until its standard output or its log has the text. */
  async prints(text: string): Promise<void> {
    const has = (output: Output) => output.text.includes(text);
    const printed = Promise.any([this.#stdout.until(has), this.#stderr.until(has)]);
    await within(printed, () => `${this.#name} did not print ${JSON.stringify(text)}`, TOOL_PATIENCE_MS);
  }

  /** Waits until its standard output has what is looked for, and answers that. */
  async printsMatch(pattern: RegExp): Promise<RegExpExecArray> {
    const what = () => `${this.#name} did not print ${pattern}: ${this.#stderr.text.slice(-300)}`;
    await within(this.#stdout.until((output) => pattern.test(output.text)), what, TOOL_PATIENCE_MS);
    return pattern.exec(this.#stdout.text)!;
  }

  /** Waits until it ends by itself. */
  async outcome(patienceMs = TOOL_PATIENCE_MS): Promise<Outcome> {
    const what = () =>
      `${this.#name} did not end: ${this.#stdout.text.slice(-300)}${this.#stderr.text.slice(-300)}`;
    const { code } = await within(this.#child.status, what, patienceMs);
    await Promise.all([this.#stdout.ended, this.#stderr.ended, this.#input]);
    const { bytes, text } = this.#stdout;
    return { code, stdout: bytes, text, lines: linesOf(text), stderr: this.#stderr.text };
  }

  /** Ends it: by the signal that lets it say good-bye, or by the one that does not. */
  async end(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<Outcome> {
    try {
      this.#child.kill(signal);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // It ended by itself.
    }
    return await this.outcome();
  }

  /** Sends a signal that it does not end by. */
  signal(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** What its standard output has so far. */
  get text(): string {
    return this.#stdout.text;
  }

  /** What its log has so far. */
  get log(): string {
    return this.#stderr.text;
  }

  /** Lets it do nothing from now on, with its connections open. */
  freeze(): void {
    this.#child.kill("SIGSTOP");
  }

  /** Has a daemon read its files again. */
  hangUp(): void {
    this.#child.kill("SIGHUP");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGKILL");
  }

  async #write(input: string | Uint8Array): Promise<void> {
    const writer = this.#child.stdin.getWriter();
    try {
      await writer.write(typeof input === "string" ? encoder.encode(input) : input);
      await writer.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error; // It ended without reading all of it.
    }
  }
}

/** Runs a program to its end. */
export async function run(
  command: string,
  args: readonly string[],
  options: ToolOptions = {},
): Promise<Outcome> {
  await using process = new ToolProcess(command, args, options);
  return await process.outcome();
}

/** Runs a program that must succeed. */
export async function runWell(
  command: string,
  args: readonly string[],
  options: ToolOptions = {},
): Promise<Outcome> {
  const outcome = await run(command, args, options);
  assertEquals(
    outcome.code,
    0,
    `${command} ${args.join(" ").slice(0, 200)}: ${outcome.stderr}${outcome.text}`,
  );
  return outcome;
}

/** What a program prints, as it comes. */
class Output {
  readonly ended: Promise<void>;
  lineCount = 0;
  readonly #chunks: Uint8Array[] = [];
  #hasEnded = false;
  #changed = Promise.withResolvers<void>();

  constructor(stream: ReadableStream<Uint8Array>) {
    this.ended = this.#read(stream);
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0));
    let offset = 0;
    for (const chunk of this.#chunks) {
      bytes.set(chunk, offset);
      offset += chunk.length;
    }
    return bytes;
  }

  get text(): string {
    return decoder.decode(this.bytes);
  }

  /** Resolves when the check holds; rejects when it no longer can. */
  async until(check: (output: Output) => boolean): Promise<void> {
    while (!check(this)) {
      if (this.#hasEnded) throw new Error(`It ended after printing: ${this.text.slice(-300)}`);
      await this.#changed.promise;
    }
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const chunk of stream) {
      this.#chunks.push(chunk);
      for (const byte of chunk) if (byte === 0x0a) this.lineCount++;
      this.#tell();
    }
    this.#hasEnded = true;
    this.#tell();
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

function linesOf(text: string): string[] {
  return text.split("\n").slice(0, -1);
}
