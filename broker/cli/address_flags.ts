import { type AddressOptions, UrlError } from "../client/mod.ts";
import { defaultPort } from "../client/broker_address.ts";
import { type BrokerUrl, isTlsScheme, isWebSocketScheme, parseBrokerUrl } from "../client/broker_url.ts";
import { type CommandLine, type Flag, UsageError, valueOf, wholeNumberOf } from "./command_line.ts";

/** Where the broker is, and how it is spoken to; as mosquitto_pub and mosquitto_sub have it. */
export const ADDRESS_FLAGS: readonly Flag[] = [
  { name: "host", short: "h", placeholder: "HOST", help: "Broker to connect to (127.0.0.1)" },
  {
    name: "port",
    short: "p",
    placeholder: "PORT",
    help: "Its port (1883, with TLS 8883; with --ws 8080, with TLS 8443); -p 8883 means TLS",
  },
  {
    name: "url",
    short: "L",
    placeholder: "URL",
    help: "mqtt[s]://[USER:PASSWORD@]HOST[:PORT]/TOPIC, ws[s]://…/PATH or unix:PATH; other flags win over it",
  },
  { name: "unix", placeholder: "PATH", help: "Connect to this Unix socket instead" },
  { name: "ws", help: "MQTT over WebSocket, on /mqtt if no URL says another path" },
];

export const TLS_FLAGS: readonly Flag[] = [
  {
    name: "cafile",
    placeholder: "FILE",
    help: "TLS, trusting the authorities in this file of PEM only (those that Mozilla trusts)",
  },
  { name: "capath", placeholder: "FOLDER", help: "As --cafile, a folder that openssl rehash has prepared" },
  { name: "tls-use-os-certs", help: "As --cafile, the file of authorities that this system has" },
  {
    name: "cert",
    placeholder: "FILE",
    help: "The client's own certificate, in PEM, with those of its issuers",
  },
  { name: "key", placeholder: "FILE", help: "Its key, in PEM and not encrypted" },
  {
    name: "insecure",
    help: "Take a certificate that is for another host; who issued it is checked all the same",
  },
  { name: "tls-alpn", placeholder: "PROTOCOL", help: "Protocol to name in TLS (mqtt, with --ws http/1.1)" },
  { name: "no-tls", help: "No TLS on -p 8883" },
];

const NOT_ON_UNIX = ["host", "port", "ws", ...TLS_FLAGS.map(({ name }) => name)];

/** `mosquitto_pub -p 8883` speaks TLS, too. */
const TLS_PORT = 8883;

/** What `--url` says. */
export function urlOf(line: CommandLine): BrokerUrl | undefined {
  const text = valueOf(line, "url");
  try {
    return text === undefined ? undefined : parseBrokerUrl(text);
  } catch (error) {
    if (error instanceof UrlError) throw new UsageError(error.message);
    throw error;
  }
}

/** The topic or filter that `--url` says. */
export function topicOfUrl(line: CommandLine): string | undefined {
  const url = urlOf(line);
  return url?.scheme === "mqtt" || url?.scheme === "mqtts" ? url.path : undefined;
}

/** The files of TLS are not read yet: `tls` says only whether there is any. */
export function addressOptions(line: CommandLine): AddressOptions {
  const url = urlOf(line);
  const unixSocket = unixSocketOf(line, url);
  if (unixSocket !== undefined) return { unixSocket };
  const tls = wantsTls(line, url);
  const isOfUrl = url !== undefined && isWebSocketScheme(url.scheme);
  const webSocket = isOfUrl || line.has("ws");
  return {
    host: valueOf(line, "host") ?? url?.host ?? "127.0.0.1",
    port: portOf(line) ?? url?.port ?? defaultPort({ tls, webSocket, isOfUrl }),
    ...(tls && { tls }),
    ...(webSocket && { webSocket: isOfUrl && url.path !== undefined ? { path: `/${url.path}` } : true }),
  };
}

function unixSocketOf(line: CommandLine, url: BrokerUrl | undefined): string | undefined {
  const path = valueOf(line, "unix") ?? (url?.scheme === "unix" ? url.path : undefined);
  if (path === undefined) return undefined;
  const other = NOT_ON_UNIX.find((name) => line.has(name));
  if (other) throw new UsageError(`Cannot use --${other} with a Unix socket: there is only MQTT as it is`);
  return path;
}

function portOf(line: CommandLine): number | undefined {
  return line.has("port") ? wholeNumberOf(line, "port", { min: 1, max: 65_535 }) : undefined;
}

function wantsTls(line: CommandLine, url: BrokerUrl | undefined): boolean {
  const flag = TLS_FLAGS.find(({ name }) => name !== "no-tls" && line.has(name));
  const isOfUrl = url !== undefined && isTlsScheme(url.scheme);
  for (const [given, missing] of [["cert", "key"], ["key", "cert"]] as const) {
    if (line.has(given) && !line.has(missing)) {
      throw new UsageError(`Cannot use --${given} without --${missing} FILE`);
    }
  }
  const isMqtt = url === undefined || url.scheme === "mqtt";
  if (!line.has("no-tls")) return flag !== undefined || isOfUrl || (isMqtt && portOf(line) === TLS_PORT);
  if (flag) throw new UsageError(`Cannot use both --no-tls and --${flag.name}`);
  if (isOfUrl) throw new UsageError(`Cannot use --no-tls: the URL says ${url.scheme}://`);
  return false;
}
