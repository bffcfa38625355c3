import { eventually } from "../../support/eventually.ts";
import { HOST } from "./start_mqtt.ts";
import { TOOL_PATIENCE_MS, ToolProcess } from "./tool_process.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;
const PERMISSIONS = ["--allow-net", "--allow-read", "--allow-write", "--allow-env"];

/** The program itself, as `deno task start` runs it, with nothing kept and ports that are free. */
export class RunningProgram implements AsyncDisposable {
  readonly process: ToolProcess;

  private constructor(flags: readonly string[]) {
    const free = ["--memory", "--mqtt-port", "0", "--http-port", "0", "--log-level", "debug"];
    const args = [
      "run",
      "--quiet",
      "--config",
      `${ROOT}deno.json`,
      ...PERMISSIONS,
      `${ROOT}main.ts`,
      "serve",
    ];
    this.process = new ToolProcess(Deno.execPath(), [...args, ...free, ...flags]);
  }

  static async start(flags: readonly string[]): Promise<RunningProgram> {
    const program = new RunningProgram(flags);
    await program.process.prints("Try:");
    return program;
  }

  /** The port of the URL that the program says for the scheme. */
  port(scheme: "mqtt" | "mqtts" | "ws" | "wss" | "http" | "https"): number {
    const [, port] =
      new RegExp(`  ${scheme}://${HOST.replaceAll(".", "\\.")}:(\\d+)\n`).exec(this.process.text) ?? [];
    if (port === undefined) throw new Error(`It does not listen for ${scheme}: ${this.process.text}`);
    return Number(port);
  }

  /** Waits until the log has the words in one line. */
  async logs(...words: readonly string[]): Promise<string> {
    return await eventually(() => {
      const line = this.process.log.split("\n").find((line) => words.every((word) => line.includes(word)));
      if (line === undefined) {
        throw new Error(`No line with ${words.join(", ")}: ${this.process.log.slice(-1000)}`);
      }
      return line;
    }, TOOL_PATIENCE_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { code, stderr } = await this.process.end();
    if (code !== 0 || stderr.includes("internal-error")) {
      throw new Error(`It ended with ${code}: ${stderr.slice(-2000)}`);
    }
  }
}
