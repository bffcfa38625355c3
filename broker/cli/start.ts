import { ANONYMOUS, CERTIFICATE, HOOK, JWT, PASSWORD_FILE } from "../auth/method_names.ts";
import { isOffered } from "../auth/offer.ts";
import { ConfigError, hasSecret, type ListenerName, type Options, type OptionSources } from "../config.ts";
import { isLoopback, OFF } from "../config_kinds.ts";
import { CERTIFICATE_LISTENERS } from "../config_schema.ts";
import { isReachedByOthers } from "../config_http.ts";
import type { Log } from "../core/log.ts";
import { type CommandLine, valueOf } from "./command_line.ts";
import { warnOfOthers } from "./option_file.ts";
import { describeSystemError } from "./system_error.ts";

/** The server cannot start; the message says why, in one line. */
export class StartError extends Error {
  override readonly name = "StartError";
}

export interface Bound {
  /** Where it listens, as URLs. */
  readonly mqtt: readonly string[];
  readonly http: readonly string[];
  readonly version: string;
}

const DEFAULT_FILE = "pregon.toml";
/** Flags of `serve` that are no options. */
const OTHER_FLAGS: ReadonlySet<string> = new Set(["config", "memory", "print-config", "help", "version"]);

/** Gathers what flags, environment and file say. */
export async function optionSources(line: CommandLine): Promise<OptionSources> {
  const flags: Record<string, string> = {};
  for (const [name, values] of line) if (!OTHER_FLAGS.has(name)) flags[name] = values[0] ?? "";
  if (line.has("memory")) {
    const contrary = Object.entries(flags).find(([name, value]) =>
      name === "data" || (name === "durability" && value !== "memory")
    );
    if (contrary) throw new ConfigError(`Cannot use --memory with --${contrary.join(" ")}: give one of them`);
    flags["durability"] = "memory";
  }
  return { flags, env: Deno.env.toObject(), file: await readFile(valueOf(line, "config")) };
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

/** Says so if others may read a file of options with a secret in it. */
export async function warnOfOpenFile({ file }: OptionSources, log: Log): Promise<void> {
  if (!file || !hasSecret(file)) return;
  // One that went since it was read is nothing that others can read.
  const { mode } = await Deno.stat(file.name).catch(() => ({ mode: null }));
  warnOfOthers("config-file-open", { file: file.name, mode }, log);
}

/** Opens a socket on a port; what the system has against it becomes one line. */
export function openPort<Socket>(
  name: string,
  { host, port }: { readonly host: string; readonly port: number },
  opener: () => Socket,
): Socket {
  try {
    return opener();
  } catch (error) {
    const where = `${bracketed(host)}:${port}`;
    const section = name.slice(0, name.indexOf("-"));
    if (error instanceof Deno.errors.AddrInUse) {
      throw new StartError(
        `Cannot listen on ${where}: the port is in use; choose another with --${name} (key ${
          pathOf(name)
        }), 0 for a free one`,
      );
    }
    const reason = describeSystemError(error);
    const option = error instanceof Deno.errors.PermissionDenied ? name : `${section}-host`;
    throw new StartError(
      `Cannot listen on ${where}: ${reason}; choose another with --${option} (key ${pathOf(option)})`,
    );
  }
}

/** What somebody sees who starts the server: where it is, who can reach it, what to try. */
export function banner(options: Options, { mqtt: mqttUrls, http: httpUrls, version }: Bound): string {
  const { mqtt, http, auth } = options;
  const isLocal = isLoopback(mqtt.host) && isLoopback(http.host);
  const openToOthers = isLocal ? undefined : placesWithoutName(options);
  // A stranger's name may have been pointed here by a page, so the bridge answers to none that it was not told.
  const names = isLoopback(http.host) || http.allowedHosts.length > 0 || httpUrls.length === 0
    ? ""
    : "HTTP answers only as localhost, 127.0.0.1 or [::1]: give the name or address that others use to --http-allowed-hosts\n";
  return `Pregón ${version}
${
    [...mqttUrls.map((url) => `  MQTT  ${url}\n`), ...httpUrls.map((url) => `  HTTP  ${url}\n`)].join("")
  }  Data  ${
    options.durability === "disk"
      ? `${options.data}: what is acknowledged is on the disk`
      : "none: everything is forgotten at the end"
  }

${
    isLocal
      ? auth.methods.length > 0
        ? "Only this machine can connect. To open it to others: --host 0.0.0.0"
        : "Only this machine can connect. To open it to others, say who may come in (--auth-password-file) and what they may do (--auth-acl-file), then --host 0.0.0.0"
      : openToOthers !== undefined
      ? `Other machines can connect, and may ${may(auth)} without a password${openToOthers}`
      : "Other machines can connect with what shows who they are, which travels as it is where there is no TLS"
  }
${names}Try:
${examples(options, { mqtt: mqttUrls, http: httpUrls, version })}`;
}

/** Warns of plain HTTP that has no bounds although others than this machine reach it. */
export function warnOfDirect({ http }: Options, log: Log): void {
  if (http.port === OFF || !http.isDirect || !isReachedByOthers(http)) return;
  const fragments = http.hasWebSocket ? ", and one client the memory, with fragments of a message" : "";
  log.warn("http-unbounded", {
    port: "http.port",
    risk: `connections can take all descriptors${fragments}`,
    instead: 'http.direct = "local", or http.tls-port',
  });
}

/** Who shows who they are is let in, and wonders why nothing comes. */
export function warnOfNoRules({ auth: { aclFile, isOpen } }: Options, log: Log): void {
  if (aclFile !== undefined || isOpen) return;
  log.warn("no-rules", {
    key: "auth.acl-file",
    risk: "nobody may do more than their token or the hook names",
    instead: "rules there, or auth.allow-everything = true",
  });
}

/** Commands that work on this machine as they stand, as far as there is something that they can connect to. */
function examples(options: Options, { mqtt, http }: Bound): string {
  const [sub] = mqtt.filter((url) => /^mqtts?:/.test(url)).flatMap((url) => subExample(options, url));
  const [curl] = http.map((url) => curlExamples(options, url)).filter((lines) => lines.length > 0);
  return [...sub === undefined ? [] : [sub], ...curl ?? []].map((line) => `  ${line}\n`).join("");
}

function subExample(options: Options, mqttUrl: string): string[] {
  const { host, port, isSecure } = partsOf(mqttUrl);
  const [asUser] = waysToShow(options, isSecure ? "mqtt-tls-port" : "mqtt-port");
  if (asUser === undefined) return [];
  const trust = isSecure ? " --cafile CA.pem" : "";
  return [`mosquitto_sub -h ${reachable(host)} -p ${port}${trust}${asUser} -t 'home/#' -v`];
}

function curlExamples(options: Options, httpUrl: string): string[] {
  const { host, port, isSecure } = partsOf(httpUrl);
  const [, withUser] = waysToShow(options, isSecure ? "http-tls-port" : "http-port");
  if (withUser === undefined) return [];
  const trust = isSecure ? " --cacert CA.pem" : "";
  const url = `${isSecure ? "https" : "http"}://${bracketed(reachable(host))}:${port}`;
  return [
    `curl${trust}${withUser} -N ${url}/stream/home/%23`,
    `curl${trust}${withUser} -d 21.5 ${url}/topics/home/kitchen/temp`,
  ];
}

function partsOf(url: string): { readonly host: string; readonly port: string; readonly isSecure: boolean } {
  const [, scheme = "", host = "", port = ""] = /^(\w+):\/\/\[?(.*?)\]?:(\d+)$/.exec(url) ?? [];
  return { host, port, isSecure: scheme.endsWith("s") };
}

function pathOf(option: string): string {
  return option.replace("-", ".");
}

function may({ aclFile, isOpen }: Options["auth"]): string {
  if (aclFile !== undefined) return `do what ${aclFile} allows everybody`;
  return isOpen ? "read and publish everything" : "do nothing";
}

/** Where other machines need no name, if that is not everywhere: ` at mqtt.port`. Undefined if they always need one. */
function placesWithoutName({ auth, offers, mqtt, http }: Options): string | undefined {
  const open: readonly (readonly [ListenerName, boolean])[] = [
    ["mqtt-port", mqtt.port !== OFF],
    ["mqtt-tls-port", mqtt.tlsPort !== OFF],
    ["mqtt-websocket-port", mqtt.websocketPort !== OFF],
    ["mqtt-websocket-tls-port", mqtt.websocketTlsPort !== OFF],
    ["http-port", http.port !== OFF],
    ["http-tls-port", http.tlsPort !== OFF],
  ];
  const reached = open.filter(([name, isOn]) =>
    isOn && !isLoopback(name.startsWith("mqtt") ? mqtt.host : http.host)
  );
  const nameless = reached.filter(([name]) => auth.allowAnonymous && isOffered(offers[name], ANONYMOUS));
  if (nameless.length === reached.length) return auth.allowAnonymous ? "" : undefined;
  return nameless.length === 0 ? undefined : ` at ${nameless.map(([name]) => pathOf(name)).join(" and ")}`;
}

/** What the examples for mosquitto_sub and curl need there; undefined where that is nothing that they could show. */
function waysToShow(
  { auth, offers }: Options,
  listener: ListenerName,
): readonly [mqtt?: string, http?: string] {
  const { allowAnonymous, jwt } = auth;
  if (allowAnonymous && isOffered(offers[listener], ANONYMOUS)) return ["", ""];
  const methods = auth.methods.filter((method) => isOffered(offers[listener], method));
  if (methods.includes(PASSWORD_FILE) || methods.includes(HOOK)) {
    return [" -u USER -P PASSWORD", " -u USER"];
  }
  if (methods.includes(JWT)) {
    return [jwt.field === "username" ? " -u TOKEN" : " -u '' -P TOKEN", " -H 'Authorization: Bearer TOKEN'"];
  }
  const isShown = methods.includes(CERTIFICATE) && CERTIFICATE_LISTENERS.includes(listener);
  return isShown ? [" --cert CERTIFICATE.pem --key KEY.pem"] : [];
}

/** An address that a client on this machine can use. */
function reachable(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  return host === "::" ? "::1" : host;
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
