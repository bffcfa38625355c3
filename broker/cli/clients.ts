import { ClientError, type ConnectOptions, PacketError } from "../client/mod.ts";
import { pub } from "../client/pub.ts";
import { sub } from "../client/sub.ts";
import { pubOptions, subOptions } from "./client_flags.ts";
import type { CommandLine } from "./command_line.ts";
import { connectHint } from "./connect_hints.ts";
import { onStopSignal } from "./stop_signal.ts";
import { describeSystemError } from "./system_error.ts";
import { loadTls } from "./tls_files.ts";

/** What mosquitto_sub exits with when its time is over. */
const TIMED_OUT = 27;

/** The `pub` command; the answer is the exit code. */
export async function runPub(line: CommandLine): Promise<number> {
  const options = pubOptions(line);
  return await failing(async () => {
    await pub({ ...options, connect: await withTls(line, options.connect) }, {
      stdin: Deno.stdin.readable,
      readFile,
    });
    return 0;
  });
}

/** The `sub` command; the answer is the exit code. */
export async function runSub(line: CommandLine): Promise<number> {
  const options = subOptions(line);
  const stop = new AbortController();
  onStopSignal(() => stop.abort());
  return await failing(async () => {
    const connect = await withTls(line, options.connect);
    const outcome = await sub({ ...options, connect }, { write, warn: console.error, signal: stop.signal });
    if (outcome === "done") return 0;
    console.error("Timed out");
    return TIMED_OUT;
  });
}

/** What the broker and the system may do to us is told in one line; what is our own mistake keeps its stack. */
async function failing(action: () => Promise<number>): Promise<number> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) return 0; // Whoever read our output has enough: `| head -1`.
    if (!(error instanceof ClientError || error instanceof PacketError)) throw error;
    console.error(error.message + connectHint(error));
    return 1;
  }
}

/** With the files of TLS that the command line names. */
async function withTls(line: CommandLine, options: ConnectOptions): Promise<ConnectOptions> {
  return options.tls ? { ...options, tls: await loadTls(line) } : options;
}

async function readFile(path: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    throw new ClientError(`Cannot read ${path}: ${describeSystemError(error)}`);
  }
}

async function write(bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await Deno.stdout.write(bytes.subarray(sent));
}
