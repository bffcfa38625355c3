import type { Outcome, ToolProcess } from "../interop/support/tool_process.ts";
import { pathOf } from "../interop/support/outside_tool.ts";

const BROKER_CORE = 0;
const LOAD_CORE = 1;
const STOP_SIGNAL = "SIGTERM";

/** A broker that runs until it is stopped. */
export class BrokerProcess implements AsyncDisposable {
  readonly port: number;
  readonly #process: ToolProcess;

  constructor(process: ToolProcess, port: number) {
    this.#process = process;
    this.port = port;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** By the clock of `performance.now`. */
  get spawnedAt(): number {
    return this.#process.spawnedAt;
  }

  /** Ends it, and answers what it printed. */
  end(): Promise<Outcome> {
    return this.#process.end(STOP_SIGNAL);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}

/** A program with its arguments. */
export type Command = readonly [program: string, ...args: string[]];

export function onBrokerCore(command: Command): Command {
  return onCore(BROKER_CORE, command);
}

export function onLoadCore(command: Command): Command {
  return onCore(LOAD_CORE, command);
}

/** Moves this process, with all its threads, to the core of the load: whoever measures must not take from the broker. */
export async function moveToLoadCore(): Promise<void> {
  if (!isPinned()) return;
  const args = ["--all-tasks", "--cpu-list", "--pid", String(LOAD_CORE), String(Deno.pid)];
  const { success, stderr } = await new Deno.Command("taskset", { args, stdout: "null" }).output();
  if (!success) throw new Error(`Cannot move to core ${LOAD_CORE}: ${new TextDecoder().decode(stderr)}`);
}

/** Whether broker and load have a core each. Without, they take from each other what is measured. */
export function isPinned(): boolean {
  return navigator.hardwareConcurrency > LOAD_CORE && pathOf("taskset") !== undefined;
}

/** `taskset` becomes the program, so the process that was started is the one that is measured. */
function onCore(core: number, command: Command): Command {
  return isPinned() ? ["taskset", "-c", String(core), ...command] : command;
}
