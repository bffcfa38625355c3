import { pathOf } from "../interop/support/outside_tool.ts";
import { run, runWell, ToolProcess } from "../interop/support/tool_process.ts";
import { BrokerProcess, type Command, onBrokerCore } from "./broker_process.ts";
import type { BenchVersion } from "./load/options.ts";

export const HOST = "127.0.0.1";
/** Debian puts it where only root looks. */
const SERVER_PATH = "/usr/sbin/mosquitto";

/** A broker that takes part. */
export interface Contestant {
  readonly name: string;
  readonly versions: readonly BenchVersion[];
  start(): Promise<BrokerProcess>;
  /** The same, and prints each pause of its garbage collector; without, there is none to be measured. */
  readonly startTraced?: () => Promise<BrokerProcess>;
  /** Somebody gave it to the bench (`--peer`), so it may be one that cannot do everything. */
  readonly isGiven?: boolean;
}

/** Who cannot take part, and why. */
export interface Absent {
  readonly name: string;
  readonly reason: string;
}

/** Pregón out of a check-out, as `deno task start` starts it: in an empty folder, where it keeps its data. */
export function pregon(name: string, checkout: string, temporary: string): Contestant {
  const start = (runtimeFlags: readonly string[]) =>
    startPregon(checkout, temporary, "mqtt", { runtimeFlags });
  return {
    name,
    versions: [4, 5],
    start: () => start([]),
    startTraced: () => start(["--v8-flags=--trace-gc"]),
  };
}

export interface StartOptions {
  /** Of `serve`. */
  readonly flags?: readonly string[];
  /** Of `deno run`. */
  readonly runtimeFlags?: readonly string[];
}

/** @param scheme whose port is the broker's port */
export async function startPregon(
  checkout: string,
  temporary: string,
  scheme: "mqtt" | "http",
  { flags = [], runtimeFlags = [] }: StartOptions = {},
): Promise<BrokerProcess> {
  const cwd = await Deno.makeTempDir({ dir: temporary });
  const [, run, ...task] = await startTask(checkout);
  const process = begin([
    Deno.execPath(),
    ...[run!, ...runtimeFlags, "--config", `${checkout}/deno.json`],
    ...task.map((word) => word === "main.ts" ? `${checkout}/main.ts` : word),
    ...["--mqtt-port", "0", "--http-port", "0"],
    ...flags,
  ], cwd);
  return await ready(process, () => saidPort(process, new RegExp(`${scheme}://127\\.0\\.0\\.1:(\\d+)`)));
}

/** `deno run … main.ts serve`, with the permissions and the flags of V8 that everybody gets. */
async function startTask(checkout: string): Promise<readonly string[]> {
  const { tasks } = JSON.parse(await Deno.readTextFile(`${checkout}/deno.json`));
  return tasks.start.split(" ");
}

export async function mosquitto(temporary: string): Promise<Contestant | Absent> {
  const path = pathOf("mosquitto") ?? (exists(SERVER_PATH) ? SERVER_PATH : undefined);
  if (!path) return { name: "mosquitto", reason: "it is not installed" };
  const [version = "?"] = /[\d.]+/.exec((await run(path, ["-h"])).text) ?? [];
  return {
    name: `mosquitto ${version}`,
    versions: [4, 5],
    async start() {
      const port = freePort();
      const config = `${temporary}/mosquitto.conf`;
      await Deno.writeTextFile(
        config,
        `listener ${port} ${HOST}\nallow_anonymous true\npersistence false\nlog_dest stderr\n`,
      );
      const process = begin([path, "-c", config]);
      return await ready(process, () => process.prints("running").then(() => port));
    },
  };
}

/** Installed beside the project: what it is compared with is none of its dependencies. */
export async function aedes(temporary: string): Promise<Contestant | Absent> {
  const missing = ["node", "npm"].filter((tool) => pathOf(tool) === undefined);
  if (missing.length > 0) return { name: "aedes", reason: `${missing.join(" and ")} is not installed` };
  const folder = `${temporary}/aedes`;
  await Deno.mkdir(folder);
  const script = `${folder}/serve.mjs`;
  await Deno.writeTextFile(script, AEDES_SCRIPT);
  const flags = ["--prefix", folder, "--no-audit", "--no-fund", "--loglevel=error"];
  const install = await run("npm", ["install", ...flags, "aedes@1"]);
  if (install.code !== 0) return { name: "aedes", reason: `npm cannot install it: ${install.stderr.trim()}` };
  const manifest = JSON.parse(await Deno.readTextFile(`${folder}/node_modules/aedes/package.json`));
  return {
    name: `aedes ${manifest.version}`,
    versions: [4],
    async start() {
      const process = begin(["node", script]);
      return await ready(process, () => saidPort(process, /listening on (\d+)/));
    },
  };
}

const AEDES_SCRIPT = `import { Aedes } from "aedes";
import { createServer } from "node:net";
const broker = await Aedes.createBroker();
const server = createServer(broker.handle);
server.listen(0, "${HOST}", () => console.log("listening on " + server.address().port));
`;

/** The commit of a check-out, with a word on whether it was changed since. */
export async function commitOf(checkout: string): Promise<string> {
  if (!pathOf("git")) return "commit unknown";
  const { code, text } = await run("git", ["-C", checkout, "rev-parse", "--short", "HEAD"]);
  if (code !== 0) return "commit unknown";
  const { text: changes } = await runWell("git", ["-C", checkout, "status", "--porcelain"]);
  return `commit ${text.trim()}${changes === "" ? "" : ", changed"}`;
}

/** Without the variables that would change its options. */
export function begin(command: Command, cwd?: string): ToolProcess {
  const [program, ...args] = onBrokerCore(command);
  const env = Object.entries(Deno.env.toObject()).filter(([name]) => !name.startsWith("PREGON_"));
  return new ToolProcess(program, args, {
    env: { ...Object.fromEntries(env), NO_COLOR: "1" },
    ...(cwd !== undefined && { cwd }),
  });
}

/** Waits until the broker is ready and its port is known; one that never is does not stay behind. */
export async function ready(process: ToolProcess, port: () => Promise<number>): Promise<BrokerProcess> {
  try {
    return new BrokerProcess(process, await port());
  } catch (error) {
    await process.end("SIGKILL");
    throw error;
  }
}

/** The port that the broker says it listens on. */
export async function saidPort(process: ToolProcess, pattern: RegExp): Promise<number> {
  const [, port] = await process.printsMatch(pattern);
  return Number(port);
}

/** One that was free a moment ago: mosquitto does not say which it got. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: HOST, port: 0 });
  return listener.addr.port;
}

export function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
