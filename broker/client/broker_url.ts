/** How a broker is spoken to. */
export type Scheme = "mqtt" | "mqtts" | "ws" | "wss" | "unix";

export interface BrokerUrl {
  readonly scheme: Scheme;
  /** Empty for a Unix socket. */
  readonly host: string;
  readonly port: number | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /**
   * What follows the host's `/`, as it stands in the URL; undefined when nothing does. After `mqtt://` it is a topic,
   * wildcards included; after `ws://` the place of the WebSocket; after `unix:` it is the socket's path and has its `/`.
   */
  readonly path: string | undefined;
}

/** The URL says no broker; the message repeats nothing of it that may be secret. */
export class UrlError extends TypeError {
  override readonly name = "UrlError";
}

const SCHEMES: readonly string[] = ["mqtt", "mqtts", "ws", "wss"] satisfies readonly Scheme[];

const PATTERN =
  /^(?<scheme>[a-z+]+):\/\/(?:(?<login>[^/]*)@)?(?<host>\[[^\]]*\]|[^/:@]+)(?::(?<port>\d+))?(?:\/(?<path>.*))?$/s;

/**
 * Reads `mqtt://[user[:password]@]host[:port][/topic]` and the like, or `unix:/path`. Not with `URL`, which takes the `#`
 * of a filter for a fragment and removes dot levels. The topic is taken literally, as by mosquitto_sub; user name and
 * password may be percent-encoded, since `@` and `/` cannot stand there otherwise.
 */
export function parseBrokerUrl(text: string): BrokerUrl {
  const [, socket] = /^unix:(?:\/\/(?=\/))?(?!\/\/)(.+)$/s.exec(text) ?? [];
  if (socket !== undefined) return { ...NOBODY, scheme: "unix", host: "", port: undefined, path: socket };
  const { scheme, login, host, port, path } = PATTERN.exec(text)?.groups ?? {};
  if (scheme === undefined || host === undefined) {
    throw new UrlError(
      "Cannot use the URL: it must look like mqtt://user:password@host:port/topic, ws://host:port/mqtt or unix:/path",
    );
  }
  if (!isScheme(scheme)) {
    throw new UrlError(`Cannot use ${scheme}:// in a URL: ${SCHEMES.join("://, ")}:// and unix: are spoken`);
  }
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) {
    throw new UrlError(`Cannot use port ${port} in a URL: it must be from 1 to 65535`);
  }
  if (isWebSocketScheme(scheme) && path !== undefined && !isRequestTarget(path)) {
    throw new UrlError(
      "Cannot use the path of the URL: spaces, # and what is not ASCII must be escaped, as %20",
    );
  }
  return {
    scheme,
    host: host.replace(/^\[|\]$/g, ""),
    port: port === undefined ? undefined : Number(port),
    ...(login === undefined ? NOBODY : readLogin(login)),
    path: path || undefined,
  };
}

/** Whether the path of a URL goes into a request of HTTP as it is. */
export function isRequestTarget(path: string): boolean {
  return /^[!"$-~]*$/.test(path);
}

export function isWebSocketScheme(scheme: Scheme): boolean {
  return scheme === "ws" || scheme === "wss";
}

export function isTlsScheme(scheme: Scheme): boolean {
  return scheme === "mqtts" || scheme === "wss";
}

type Login = Pick<BrokerUrl, "username" | "password">;

const NOBODY: Login = { username: undefined, password: undefined };

function isScheme(word: string): word is Scheme {
  return SCHEMES.includes(word);
}

function readLogin(login: string): Login {
  const colon = login.indexOf(":");
  return {
    username: percentDecode(colon < 0 ? login : login.slice(0, colon)),
    password: colon < 0 ? undefined : percentDecode(login.slice(colon + 1)),
  };
}

function percentDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new UrlError("Cannot read user name and password of the URL: % must begin an escape such as %25");
  }
}
