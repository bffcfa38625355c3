import { eventually } from "../../support/eventually.ts";
import { HOST, type Reachable } from "./start_mqtt.ts";
import { TOOL_PATIENCE_MS, ToolProcess } from "./tool_process.ts";

export interface MosquittoOptions {
  /** Lines of its configuration. */
  readonly options?: readonly string[];
  /** Lines of its list of rights; everybody may do everything without one. */
  readonly acl?: readonly string[];
}

/** Mosquitto's broker, on a port of its own. */
export class Mosquitto implements Reachable, AsyncDisposable {
  readonly mqttPort: number;
  readonly #process: ToolProcess;
  readonly #folder: string;

  private constructor(mqttPort: number, process: ToolProcess, folder: string) {
    this.mqttPort = mqttPort;
    this.#process = process;
    this.#folder = folder;
  }

  /** Starts it; resolves when it takes connections. */
  static async start({ options = [], acl }: MosquittoOptions = {}): Promise<Mosquitto> {
    const port = freePort();
    const folder = await Deno.makeTempDir();
    const lines = [`listener ${port} ${HOST}`, "allow_anonymous true", "user root", ...options];
    if (acl) {
      await Deno.writeTextFile(`${folder}/acl`, acl.join("\n") + "\n");
      lines.push(`acl_file ${folder}/acl`);
    }
    await Deno.writeTextFile(`${folder}/mosquitto.conf`, lines.join("\n") + "\n");
    const process = new ToolProcess("mosquitto", ["-c", `${folder}/mosquitto.conf`]);
    await eventually(async () => (await Deno.connect({ hostname: HOST, port })).close(), TOOL_PATIENCE_MS);
    return new Mosquitto(port, process, folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.end("SIGKILL");
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** A port that was free a moment ago, for a program that cannot choose one itself. */
export function freePort(): number {
  const listener = Deno.listen({ hostname: HOST, port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
}
