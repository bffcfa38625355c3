import { ToolProcess } from "../interop/support/tool_process.ts";
import { connectTcp } from "../../broker/transport/tcp.ts";
import { RawClient } from "./raw_client.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const HOST = "127.0.0.1";

/**
 * Runs a command of the program in a process of its own.
 * @param descriptors as many as it may have at most; as many as this process may, if not given
 */
export function runPregon(args: readonly string[], umask = "022", descriptors?: number): ToolProcess {
  // As "deno task start" and the compiled program have them: SQLite can do less then than with all permissions.
  const permissions = "--allow-net --allow-read --allow-write --allow-env";
  const bound = descriptors === undefined ? "" : `ulimit -n ${descriptors}; `;
  const command =
    `umask ${umask}; ${bound}exec "$0" run ${permissions} --quiet --config ${ROOT}deno.json ${ROOT}main.ts "$@"`;
  return new ToolProcess("sh", ["-c", command, Deno.execPath(), ...args]);
}

/** The broker with its data in a folder, in a process that can be killed, on two free ports. */
export function serveProcess(folder: string, umask?: string): ToolProcess {
  return runPregon(["serve", "--mqtt-port", "0", "--http-port", "0", "--data", folder], umask);
}

export interface Ports {
  readonly mqttPort: number;
  /** Begins all URLs of the bridge. */
  readonly url: string;
}

/** Where a process of `serveProcess` is reached, once it says so. */
export async function portsOf(process: ToolProcess): Promise<Ports> {
  const lines = (await process.lines(3)).join("\n");
  const port = (scheme: string) => Number(new RegExp(`${scheme}://${HOST}:(\\d+)`).exec(lines)![1]);
  return { mqttPort: port("mqtt"), url: `http://${HOST}:${port("http")}` };
}

/** A client with a link to the process, and nothing sent. */
export async function openClient({ mqttPort }: Ports): Promise<RawClient> {
  return new RawClient(await connectTcp(HOST, mqttPort), () => Promise.resolve());
}
