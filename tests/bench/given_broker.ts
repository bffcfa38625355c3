import { UsageError } from "../../broker/cli/command_line.ts";
import { pathOf } from "../interop/support/outside_tool.ts";
import { TOOL_PATIENCE_MS, type ToolProcess } from "../interop/support/tool_process.ts";
import type { Command } from "./broker_process.ts";
import { begin, type Contestant, exists, freePort, HOST, ready } from "./contestant.ts";

const PORT = "{port}";
const POLL_MS = 2;
/** How names end that the bench gives to Pregón. */
const OURS = "Pregón";

/** A broker that the bench knows nothing of but its name and how it is started. */
export interface Given {
  readonly name: string;
  /** Its words; in at least one stands `{port}`. */
  readonly command: Command;
}

/** Reads what `--peer` says: `NAME=COMMAND`, the words of the command with spaces between them. */
export function givenOf(texts: readonly string[]): readonly Given[] {
  const all: Given[] = [];
  for (const text of texts) {
    const refuse = (why: string): never => {
      throw new UsageError(`Cannot use --peer ${JSON.stringify(text)}: ${why}`);
    };
    const [, name, command] = /^\s*([^=]*[^=\s])\s*=(.*)$/s.exec(text) ?? [];
    const [program, ...args] = command?.split(/\s+/).filter((word) => word !== "") ?? [];
    if (name === undefined || program === undefined) return refuse("NAME=COMMAND is needed");
    if (!args.some((word) => word.includes(PORT))) refuse(`${PORT} is needed among the arguments of COMMAND`);
    if (name.endsWith(OURS) || all.some((given) => given.name === name)) refuse(`the name ${name} is taken`);
    if (!(program.includes("/") ? exists(program) : pathOf(program))) {
      refuse(`there is no program ${program}`);
    }
    all.push({ name, command: [program, ...args] });
  }
  return all;
}

/** The command with the port in its place. */
export function commandAt({ command: [program, ...args] }: Given, port: number): Command {
  return [program, ...args.map((word) => word.replaceAll(PORT, String(port)))];
}

/** Asked for any version of MQTT: it shows at work what it can do. */
export function givenBroker(given: Given): Contestant {
  return {
    name: given.name,
    versions: [4, 5],
    isGiven: true,
    async start() {
      const port = freePort();
      const process = begin(commandAt(given, port));
      return await ready(process, () => untilItListens(process, port));
    },
  };
}

/** Not every broker says that it is ready, so it is tried. */
async function untilItListens(process: ToolProcess, port: number): Promise<number> {
  const deadline = performance.now() + TOOL_PATIENCE_MS;
  while (!await takesConnections(port)) {
    if (process.hasEnded) {
      const { code, stderr } = await process.outcome();
      throw new Error(`It ended with ${code} before it listened: ${stderr.trim()}`);
    }
    if (performance.now() > deadline) throw new Error(`It does not listen on port ${port}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return port;
}

async function takesConnections(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: HOST, port })).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return false;
    throw error;
  }
}
