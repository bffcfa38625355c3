import { ConfigError, type Options, type OptionSources } from "../config.ts";
import { isLoopback } from "../config_schema.ts";
import type { CommandLine } from "./command_line.ts";
import { describeSystemError } from "./system_error.ts";

/** The server cannot start; the message says why, in one line. */
export class StartError extends Error {
  override readonly name = "StartError";
}

export interface Bound {
  readonly mqttPort: number;
  readonly httpPort: number;
  readonly version: string;
}

const DEFAULT_FILE = "pregon.toml";
/** Flags of `serve` that are no options. */
const OTHER_FLAGS: ReadonlySet<string> = new Set(["config", "memory", "print-config", "help", "version"]);

/** Gathers what flags, environment and file say. */
export async function optionSources(line: CommandLine): Promise<OptionSources> {
  const flags: Record<string, string> = {};
  for (const [name, values] of line) if (!OTHER_FLAGS.has(name)) flags[name] = values.at(-1) ?? "";
  if (line.has("memory")) {
    const contrary = Object.entries(flags).find(([name, value]) =>
      name === "data" || (name === "durability" && value !== "memory")
    );
    if (contrary) throw new ConfigError(`Cannot use --memory with --${contrary.join(" ")}: give one of them`);
    flags["durability"] = "memory";
  }
  return { flags, env: Deno.env.toObject(), file: await readFile(line.get("config")?.at(-1)) };
}

async function readFile(path: string | undefined): Promise<OptionSources["file"]> {
  const name = path ?? DEFAULT_FILE;
  try {
    return { name, text: await Deno.readTextFile(name) };
  } catch (error) {
    if (path === undefined && error instanceof Deno.errors.NotFound) return undefined;
    throw new ConfigError(`Cannot read ${name}: ${describeSystemError(error)}`);
  }
}

/** Opens a socket; what the system has against it becomes one line. */
export function open<Socket>(
  kind: "mqtt" | "http",
  options: Options,
  opener: (host: string, port: number) => Socket,
): Socket {
  const { host, port } = options[kind];
  try {
    return opener(host, port);
  } catch (error) {
    const where = `${bracketed(host)}:${port}`;
    if (error instanceof Deno.errors.AddrInUse) {
      throw new StartError(
        `Cannot listen on ${where}: the port is in use; choose another with --${kind}-port (key ${kind}.port), 0 for a free one`,
      );
    }
    const reason = describeSystemError(error);
    const key = error instanceof Deno.errors.PermissionDenied ? "port" : "host";
    throw new StartError(
      `Cannot listen on ${where}: ${reason}; choose another with --${kind}-${key} (key ${kind}.${key})`,
    );
  }
}

/** What somebody sees who starts the server: where it is, who can reach it, what to try. */
export function banner(options: Options, { mqttPort, httpPort, version }: Bound): string {
  const { mqtt, http, auth } = options;
  const http_ = `http://${bracketed(reachable(http.host))}:${httpPort}`;
  const [asUser, withUser] = waysToShow(options);
  const client = `-h ${reachable(mqtt.host)} -p ${mqttPort}${asUser}`;
  const isLocal = isLoopback(mqtt.host) && isLoopback(http.host);
  // A stranger's name may have been pointed here by a page, so the bridge answers to none that it was not told.
  const names = isLoopback(http.host) || http.allowedHosts.length > 0
    ? ""
    : "HTTP answers only as localhost, 127.0.0.1 or [::1]: give the name or address that others use to --http-allowed-hosts\n";
  return `Pregón ${version}
  MQTT  mqtt://${bracketed(mqtt.host)}:${mqttPort}
  HTTP  http://${bracketed(http.host)}:${httpPort}
  Data  ${
    options.durability === "disk"
      ? `${options.data}: what is acknowledged is on the disk`
      : "none: everything is forgotten at the end"
  }

${
    isLocal
      ? auth.methods.length > 0
        ? "Only this machine can connect. To open it to others: --host 0.0.0.0"
        : "Only this machine can connect. To open it to others, say who may come in (--auth-password-file), then --host 0.0.0.0"
      : auth.allowAnonymous
      ? `Other machines can connect, and may ${may(auth)} without a password`
      : "Other machines can connect with what shows who they are, which travels as it is: there is no TLS yet"
  }
${names}Try:
  mosquitto_sub ${client} -t 'home/#' -v
  curl${withUser} -N ${http_}/stream/home/%23
  curl${withUser} -d 21.5 ${http_}/topics/home/kitchen/temp
`;
}

function may({ aclFile }: Options["auth"]): string {
  return aclFile === undefined ? "read and publish everything" : `do what ${aclFile} allows everybody`;
}

/** What the examples for mosquitto_sub and curl need. */
function waysToShow({ auth: { allowAnonymous, methods, jwt } }: Options): [mqtt: string, http: string] {
  if (allowAnonymous) return ["", ""];
  if (methods.includes("password-file") || methods.includes("hook")) {
    return [" -u USER -P PASSWORD", " -u USER"];
  }
  if (!methods.includes("jwt")) return ["", ""];
  return [jwt.field === "username" ? " -u TOKEN" : " -u '' -P TOKEN", " -H 'Authorization: Bearer TOKEN'"];
}

/** An address that a client on this machine can use. */
function reachable(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  return host === "::" ? "::1" : host;
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
