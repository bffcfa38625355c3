import { UsageError } from "./command_line.ts";

export interface MqttUrl {
  readonly host: string;
  readonly port: number | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** As it stands in the URL, wildcards included; undefined when there is none. */
  readonly topic: string | undefined;
}

const PATTERN =
  /^(?<scheme>[a-z+]+):\/\/(?:(?<login>[^/]*)@)?(?<host>\[[^\]]*\]|[^/:@]+)(?::(?<port>\d+))?(?:\/(?<topic>.*))?$/s;

/**
 * Reads `mqtt://[user[:password]@]host[:port][/topic]`. Not with `URL`, which takes the `#` of a filter for a fragment
 * and removes dot levels. The topic is taken literally, as by mosquitto_sub; user name and password may be
 * percent-encoded, since `@` and `/` cannot stand there otherwise.
 */
export function parseMqttUrl(text: string): MqttUrl {
  const { scheme, login, host, port, topic } = PATTERN.exec(text)?.groups ?? {};
  if (scheme === undefined || host === undefined) {
    throw new UsageError(
      "Cannot use the value of --url: it must look like mqtt://user:password@host:port/topic",
    );
  }
  if (scheme !== "mqtt") throw new UsageError(`Cannot use ${scheme}:// for --url: only mqtt:// is spoken`);
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) {
    throw new UsageError(`Cannot use port ${port} for --url: it must be from 1 to 65535`);
  }
  const colon = login?.indexOf(":") ?? -1;
  return {
    host: host.replace(/^\[|\]$/g, ""),
    port: port === undefined ? undefined : Number(port),
    username: login === undefined ? undefined : percentDecode(colon < 0 ? login : login.slice(0, colon)),
    password: login === undefined || colon < 0 ? undefined : percentDecode(login.slice(colon + 1)),
    topic: topic || undefined,
  };
}

function percentDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new UsageError("Cannot read user name and password of --url: % must begin an escape such as %25");
  }
}
