import { connectTcp } from "../transport/tcp.ts";
import { openTls, type TlsTrust } from "../transport/tls_client.ts";
import type { Link } from "../transport/transport.ts";
import { connectUnix } from "../transport/unix.ts";
import { openWebSocket } from "../transport/websocket.ts";
import { isExtraHeader, type WebSocketRequest } from "../transport/websocket_request.ts";
import {
  type BrokerUrl,
  isRequestTarget,
  isTlsScheme,
  isWebSocketScheme,
  parseBrokerUrl,
  UrlError,
} from "./broker_url.ts";

/** Where the broker is, and what MQTT travels through. */
export interface AddressOptions {
  /**
   * `mqtt://`, `mqtts://`, `ws://` or `wss://` with `[user:password@]host[:port]`, and the path of a WebSocket; or `unix:`
   * and the path of a socket. Other options win over it.
   */
  readonly url?: string | URL | undefined;
  /** 127.0.0.1 unless given. */
  readonly host?: string | undefined;
  /**
   * Unless given 1883, and 8883 with TLS; over WebSocket 8080 and 8443, as Pregón's HTTP, but in a URL 80 and 443, as HTTP
   * itself.
   */
  readonly port?: number | undefined;
  /** True, or how: over TLS. */
  readonly tls?: boolean | TlsOptions | undefined;
  /** True, or how: over WebSocket. */
  readonly webSocket?: boolean | WebSocketOptions | undefined;
  /** The path of a Unix socket, in the place of host and port. */
  readonly unixSocket?: string | undefined;
}

/** Texts, not files; certificates and keys in PEM. */
export interface TlsOptions {
  /** Authorities to trust, or certificates that vouch for themselves, and no others; Mozilla's list unless given. */
  readonly ca?: string | readonly string[] | undefined;
  /** The client's certificate, then those of its issuers. */
  readonly cert?: string | undefined;
  /** Its key, which must not be encrypted. */
  readonly key?: string | undefined;
  /** The name that the broker's certificate must be for; that of the host unless given. */
  readonly servername?: string | undefined;
  /** False: a certificate for any name will do, from an authority that is trusted. */
  readonly checkServerName?: boolean | undefined;
  /** What ALPN names: `mqtt`, over WebSocket `http/1.1`, unless given. */
  readonly alpnProtocols?: readonly string[] | undefined;
}

export interface WebSocketOptions {
  /** With its query, if it needs one; `/mqtt` unless given. */
  readonly path?: string | undefined;
  /** Sent with the request. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Layers as they lie upon each other: TCP or a Unix socket, TLS, WebSocket. */
export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
  readonly unixSocket: string | undefined;
  readonly tls: TlsTrust | undefined;
  readonly webSocket: WebSocketRequest | undefined;
}

const DEFAULT_HOST = "127.0.0.1";
const DEFAULT_PATH = "/mqtt";
/** Without TLS and with it. */
const PORTS = { mqtt: [1883, 8883], webSocket: [8080, 8443], webSocketOfUrl: [80, 443] } as const;

/** Settles what the options leave open; throws `TypeError` for what cannot go together. */
export function brokerAddress(options: AddressOptions): BrokerAddress {
  const url = options.url === undefined ? undefined : readUrl(options.url);
  const unixSocket = options.unixSocket ?? (url?.scheme === "unix" ? url.path : undefined);
  const tls = options.tls ?? (url !== undefined && isTlsScheme(url.scheme));
  const webSocket = options.webSocket ?? (url !== undefined && isWebSocketScheme(url.scheme));
  if (unixSocket !== undefined && (tls || webSocket)) {
    throw new TypeError(
      `Cannot use ${tls ? "TLS" : "WebSocket"} on a Unix socket: MQTT is spoken there as it is`,
    );
  }
  if (url && isTlsScheme(url.scheme) && !tls) {
    throw new TypeError(`Cannot do without TLS: the URL says ${url.scheme}://`);
  }
  if (url && isWebSocketScheme(url.scheme) && !webSocket) {
    throw new TypeError(`Cannot do without WebSocket: the URL says ${url.scheme}://`);
  }
  const host = options.host ?? (url?.host || DEFAULT_HOST);
  const isOfUrl = url !== undefined && isWebSocketScheme(url.scheme);
  const layers = { tls: tls !== false, webSocket: webSocket !== false, isOfUrl };
  const port = options.port ?? url?.port ?? defaultPort(layers);
  return {
    host,
    port,
    unixSocket,
    tls: tls === false ? undefined : tlsTrust(host, tls === true ? {} : tls, layers.webSocket),
    webSocket: webSocket === false
      ? undefined
      : webSocketRequest({ host, port }, webSocket === true ? {} : webSocket, url),
  };
}

/** @param layers what there is, and whether a URL says that it is over WebSocket */
export function defaultPort(
  layers: { readonly tls: boolean; readonly webSocket: boolean; readonly isOfUrl: boolean },
): number {
  const { tls, webSocket, isOfUrl } = layers;
  const [plain, secured] = PORTS[isOfUrl ? "webSocketOfUrl" : webSocket ? "webSocket" : "mqtt"];
  return tls ? secured : plain;
}

/** For people; nothing of it is secret. */
export function describeAddress({ host, port, unixSocket }: BrokerAddress): string {
  return unixSocket ?? endpoint({ host, port });
}

/** A link to the broker, which is to be opened; rejects with the system's error when there is no way. */
export async function reach({ host, port, unixSocket, tls, webSocket }: BrokerAddress): Promise<Link> {
  const link = unixSocket === undefined ? await connectTcp(host, port) : await connectUnix(unixSocket);
  const secured = tls ? openTls(link, tls) : link;
  return webSocket ? openWebSocket(secured, webSocket) : secured;
}

/** What to think of a broker that goes away without a word. */
export function certificateHint(tls: AddressOptions["tls"]): string {
  if (!tls) return "";
  const isShown = typeof tls === "object" && tls.cert !== undefined;
  return `; perhaps it ${isShown ? "does not accept the client's" : "demands a client's"} certificate`;
}

export function readUrl(url: string | URL): BrokerUrl {
  const read = parseBrokerUrl(String(url));
  if ((read.scheme === "mqtt" || read.scheme === "mqtts") && read.path !== undefined) {
    throw new UrlError("Cannot use the path of the URL: a topic is given to publish and subscribe");
  }
  return read;
}

function tlsTrust(host: string, tls: TlsOptions, isWebSocket: boolean): TlsTrust {
  const { ca, cert, key, servername = host, checkServerName = true, alpnProtocols } = tls;
  if ((cert === undefined) !== (key === undefined)) {
    const [given, missing] = cert === undefined ? ["key", "cert"] : ["cert", "key"];
    throw new TypeError(`Cannot use tls.${given} without tls.${missing}`);
  }
  return {
    host: servername,
    authorities: typeof ca === "string" ? [ca] : ca,
    certificate: cert,
    key,
    checksHost: checkServerName,
    protocols: alpnProtocols ?? [isWebSocket ? "http/1.1" : "mqtt"],
  };
}

function webSocketRequest(
  where: Pick<BrokerAddress, "host" | "port">,
  { path, headers = {} }: WebSocketOptions,
  url: BrokerUrl | undefined,
): WebSocketRequest {
  const isOfUrl = url !== undefined && isWebSocketScheme(url.scheme) && url.path !== undefined;
  const target = path ?? (isOfUrl ? `/${url.path}` : DEFAULT_PATH);
  if (!target.startsWith("/") || !isRequestTarget(target)) {
    throw new TypeError("Cannot use webSocket.path: it must begin with / and be escaped as in a URL");
  }
  const refused = Object.entries(headers).find(([name, value]) => !isExtraHeader(name, value));
  if (refused) throw new TypeError(`Cannot use header ${JSON.stringify(refused[0])} in webSocket.headers`);
  return { host: endpoint(where), path: target, headers };
}

function endpoint({ host, port }: Pick<BrokerAddress, "host" | "port">): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
