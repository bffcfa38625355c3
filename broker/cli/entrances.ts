import type { Offer } from "../auth/offer.ts";
import type { ListenerName, MqttOptions, Options, Port, TlsFiles } from "../config.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import { AddressSet } from "../core/ip_address.ts";
import type { Log } from "../core/log.ts";
import { ProxyListener } from "../transport/proxy_protocol.ts";
import { TcpListener } from "../transport/tcp.ts";
import { TlsListener } from "../transport/tls.ts";
import type { Listener } from "../transport/transport.ts";
import { UnixListener } from "../transport/unix.ts";
import { WebSocketListener } from "../transport/websocket.ts";
import type { PageGuard } from "../transport/websocket_handshake.ts";
import { Certificate } from "./certificate.ts";
import type { Reloaders } from "./reload.ts";
import { openPort, StartError } from "./start.ts";
import { describeSystemError } from "./system_error.ts";

const HTTPS_PROTOCOLS = ["h2", "http/1.1"];

export interface EntranceOptions {
  readonly log: Log;
  readonly clock?: Clock | undefined;
  /** Says which pages may open a WebSocket. */
  readonly guard: PageGuard;
}

/** A listener of MQTT, and how its clients may say who they are; undefined: by all that is set up. */
export interface Entrance {
  readonly listener: Listener;
  readonly offer: Offer | undefined;
}

/**
 * All that the options open, layer upon layer, beside plain HTTP that is Deno's alone:
 *
 *     TCP ──> PROXY protocol ──> TLS ──> WebSocket ──> MQTT
 *     TCP ─────────────────────> TLS ──> HTTP ───────> MQTT
 *     TCP ─────────────────────────────> HTTP ───────> MQTT
 *     Unix socket ──────────────────────────────────> MQTT
 */
export class Entrances {
  readonly mqtt: Entrance[] = [];
  http: TcpListener | undefined;
  https: TlsListener | undefined;
  readonly #options: Options;
  readonly #settings: EntranceOptions;
  readonly #certificates: Certificate[] = [];

  private constructor(options: Options, settings: EntranceOptions) {
    this.#options = options;
    this.#settings = settings;
  }

  /** Opens all or, with the `StartError` or `ConfigError` that it rejects with, none. */
  static async open(options: Options, settings: EntranceOptions): Promise<Entrances> {
    const entrances = new Entrances(options, settings);
    try {
      await entrances.#openMqtt(options.mqtt);
      entrances.#openHttp(options.http);
      await entrances.#openHttps(options.http);
      return entrances;
    } catch (error) {
      entrances.close();
      throw error;
    }
  }

  /**
   * Uses new certificates from now on, when the files change or somebody asks for it.
   *
   * @param changed called after each change: it may be another one by whom clients are known
   */
  watchCertificates(reloaders: Reloaders, changed: () => void): void {
    for (const certificate of this.#certificates) {
      certificate.onChange(changed);
      certificate.watch();
      reloaders.add(`${certificate.name}-certificate`, () => certificate.reload());
    }
  }

  close(): void {
    for (const certificate of this.#certificates) certificate.close();
    for (const { listener } of this.mqtt) listener.close();
    this.http?.close();
    this.https?.close();
  }

  async #openMqtt(mqtt: MqttOptions): Promise<void> {
    const { port, tlsPort, websocketPort, websocketTlsPort, unixSocket } = mqtt;
    const certificate = tlsPort === "off" && websocketTlsPort === "off"
      ? undefined
      : await this.#loadCertificate("mqtt", mqtt.files);
    const { clientCertificates } = mqtt;
    const tls = (listener: Listener) => this.#secured(listener, certificate!, { clientCertificates });
    const websocket = (listener: Listener) => new WebSocketListener(listener, this.#settings.guard);
    this.#openTcp({ name: "mqtt-port", port, scheme: "mqtt" }, (listener) => listener);
    this.#openTcp({ name: "mqtt-tls-port", port: tlsPort, scheme: "mqtts" }, tls);
    this.#openTcp({ name: "mqtt-websocket-port", port: websocketPort, scheme: "ws" }, websocket);
    this.#openTcp(
      { name: "mqtt-websocket-tls-port", port: websocketTlsPort, scheme: "wss" },
      (listener) => websocket(tls(listener)),
    );
    if (unixSocket !== undefined) {
      this.#add("mqtt-unix-socket", await openUnix(unixSocket, mqtt.unixSocketMode));
    }
  }

  #add(name: ListenerName, listener: Listener): void {
    this.mqtt.push({ listener, offer: this.#options.offers[name] });
  }

  #openTcp(
    { name, port, scheme }: { readonly name: ListenerName; readonly port: Port; readonly scheme: string },
    layer: (listener: Listener) => Listener,
  ): void {
    if (port === "off") return;
    const { host, proxyProtocolFrom } = this.#options.mqtt;
    const tcp = openPort(name, { host, port }, () => new TcpListener(host, port, scheme));
    const proxies = new AddressSet(proxyProtocolFrom);
    this.#add(name, layer(proxies.isEmpty ? tcp : new ProxyListener(tcp, proxies)));
  }

  #openHttp({ host, port, isDirect, trustedProxies }: Options["http"]): void {
    if (port === "off" || isDirect) return;
    const proxies = new AddressSet(trustedProxies);
    this.http = openPort("http-port", { host, port }, () => new TcpListener(host, port, "http", proxies));
  }

  async #openHttps({ host, tlsPort: port, files, trustedProxies }: Options["http"]): Promise<void> {
    if (port === "off") return;
    const certificate = await this.#loadCertificate("http", files);
    const proxies = new AddressSet(trustedProxies);
    const listen = () => new TcpListener(host, port, "https", proxies);
    const tcp = openPort("http-tls-port", { host, port }, listen);
    this.https = this.#secured(tcp, certificate, { protocols: HTTPS_PROTOCOLS });
  }

  #secured(
    listener: Listener,
    certificate: Certificate,
    options: ConstructorParameters<typeof TlsListener>[2],
  ): TlsListener {
    const secured = new TlsListener(listener, certificate.identity, options);
    certificate.onChange((identity) => secured.present(identity));
    return secured;
  }

  async #loadCertificate(name: string, files: TlsFiles | undefined): Promise<Certificate> {
    const { log, clock = systemClock } = this.#settings;
    // The options were refused if there was a port without files.
    const certificate = await Certificate.load({ name, files: files!, log, clock });
    this.#certificates.push(certificate);
    return certificate;
  }
}

async function openUnix(path: string, mode: number): Promise<UnixListener> {
  try {
    return await UnixListener.open(path, mode);
  } catch (error) {
    throw new StartError(
      `Cannot listen on ${path}: ${describeSystemError(error)}; ` +
        "choose another with --mqtt-unix-socket (key mqtt.unix-socket)",
    );
  }
}
