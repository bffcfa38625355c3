import { type Clock, systemClock } from "../core/clock.ts";
import {
  decode,
  encode,
  FrameReader,
  type OutgoingPacket,
  type Packet,
  PacketError,
  type PublishPacket,
  type QoS,
  ReasonCode,
} from "../packet/mod.ts";
import { connectTcp } from "../transport/tcp.ts";
import type { Link } from "../transport/transport.ts";
import { ClosedError, ConnectError, RefusedError } from "./client_error.ts";
import { bytesOf, type ConnectOptions, connectPacket } from "./connect_options.ts";
import { Inbox, type Subscription } from "./inbox.ts";
import { Requests } from "./requests.ts";
import { Sender } from "./sender.ts";

export { ClientError, ClosedError, ConnectError, reasonWords, RefusedError } from "./client_error.ts";
export type { ConnectOptions, WillOptions } from "./connect_options.ts";
export type { IncomingMessage, Subscription } from "./inbox.ts";
/** Rejects a call whose packet cannot be encoded: a topic too long, say. */
export { PacketError };
export type { QoS };

/** The largest packet that there is. Memory follows what arrives, never what a header claims. */
const PACKET_BYTES_MAX = 268_435_460;
const READ_BUFFER_BYTES = 64 * 1024;
/** How long the broker may take to close the connection after DISCONNECT. */
const CLOSE_SECONDS = 2;

export interface PublishOptions {
  readonly qos?: QoS;
  readonly retain?: boolean;
}

export interface SubscribeOptions {
  /** The most at which messages come. */
  readonly qos?: QoS;
  /** Also take the messages that no subscription of this client asks for: a resumed session may bring some. */
  readonly catchAll?: boolean;
}

/**
 * Connects to a broker. Rejects with `ConnectError` when there is no way to it, with `RefusedError` when it says no,
 * with `ClosedError` when it says nothing.
 */
export async function connect(options: ConnectOptions = {}): Promise<Client> {
  const link = options.link ?? await openLink(options);
  const client = new Client(link, options);
  await client.opened;
  return client;
}

/** A connection to a broker in MQTT 3.1.1 or 3.1. It does not connect anew by itself. */
export class Client implements AsyncDisposable {
  readonly #opening = Promise.withResolvers<void>();
  readonly #closing = Promise.withResolvers<ClosedError | undefined>();
  readonly #link: Link;
  readonly #clock: Clock;
  readonly #version: 3 | 4;
  readonly #keepAliveMs: number;
  readonly #sender: Sender;
  readonly #requests: Requests;
  readonly #inbox: Inbox;
  /** Messages of QoS 1 and 2 that came and are not acknowledged yet. */
  readonly #unacknowledged = new Set<number>();
  /** Messages of QoS 2 that were acknowledged and not released yet. */
  readonly #unreleased = new Set<number>();
  /** Undefined before CONNACK. */
  #sessionPresent: boolean | undefined;
  #isClosing = false;
  #ended: ClosedError | undefined;
  /** Goes on with reading, which waits for the consumers. */
  #resume: (() => void) | undefined;
  #lastSentAt: number;
  /** Since when the broker owes a sign of life. */
  #pingSentAt: number | undefined;
  /** Of the one thing that is timed: CONNACK, then the keep-alive, then the broker's end of the connection. */
  #cancelTimer: () => void;

  /** Use `connect`. */
  constructor(link: Link, options: ConnectOptions) {
    const connectBytes = encodeConnect(link, options);
    this.#link = link;
    this.#clock = options.clock ?? systemClock;
    this.#version = options.version ?? 4;
    this.#keepAliveMs = (options.keepAliveSeconds ?? 60) * 1000;
    this.#lastSentAt = this.#clock.now();
    this.#sender = new Sender({
      link,
      onSent: () => {
        this.#lastSentAt = this.#clock.now();
        this.#requests.publishWaiting();
      },
      onFailed: (error) =>
        this.#end(new ClosedError(`Connection lost: ${describe(error)}`, { cause: error })),
    });
    const resume = () => this.#resume?.();
    this.#requests = new Requests({
      sender: this.#sender,
      version: this.#version,
      inFlightMax: options.inFlightMax,
      onAwait: resume,
    });
    this.#inbox = new Inbox({
      acknowledge: (qos, packetId) => this.#acknowledge(qos, packetId),
      onTaken: resume,
    });
    const seconds = options.connectTimeoutSeconds ?? 10;
    this.#cancelTimer = this.#clock.after(seconds * 1000, () => {
      this.#end(new ClosedError(`The broker did not answer CONNECT within ${seconds} s`));
    });
    this.#sender.send(connectBytes);
    void this.#read();
  }

  /** Resolves when the broker accepted the connection. */
  get opened(): Promise<void> {
    return this.#opening.promise;
  }

  /** Resolves when the connection has ended: with the reason, or with nothing after `close`. */
  get closed(): Promise<ClosedError | undefined> {
    return this.#closing.promise;
  }

  /** Whether the broker went on with a session that it had. */
  get sessionPresent(): boolean {
    return this.#sessionPresent === true;
  }

  /** Messages that came and were let go unseen, for want of a subscription or of room. */
  get droppedCount(): number {
    return this.#inbox.droppedCount;
  }

  /**
   * Publishes a message. Resolves with the last acknowledgement of QoS 1 or 2; for QoS 0 when it is with the operating
   * system.
   */
  async publish(topic: string, payload: string | Uint8Array, options: PublishOptions = {}): Promise<void> {
    this.#assertOpen();
    if (topic === "" || /[+#]/.test(topic)) {
      throw new TypeError(
        `Cannot publish to topic ${JSON.stringify(topic)}: it must not be empty nor have wildcards`,
      );
    }
    const { qos = 0, retain = false } = options;
    await this.#requests.publish({ topic, payload: bytesOf(payload), qos, retain });
  }

  /**
   * Subscribes to one or more filters. Rejects with `RefusedError` when the broker grants none of them; `granted` of
   * the answer says which. Reading stops while its messages are not consumed.
   */
  async subscribe(
    filters: string | readonly string[],
    options: SubscribeOptions = {},
  ): Promise<Subscription> {
    this.#assertOpen();
    const list = typeof filters === "string" ? [filters] : [...filters];
    // Open before the request goes out: retained messages may come before its answer.
    const subscription = this.#inbox.open(list, options.catchAll ?? false);
    try {
      subscription.granted = await this.#requests.subscribe(list, options.qos ?? 0);
      if (subscription.granted.length !== list.length) { // [MQTT-3.8.4-5]
        const error = new ClosedError("The broker broke the protocol: SUBACK does not answer each filter");
        this.#end(error);
        throw error;
      }
      const refusal = subscription.granted.find((code) => code >= 0x80);
      if (refusal !== undefined && subscription.granted.every((code) => code >= 0x80)) {
        throw new RefusedError(`Subscription to ${list.join(", ")}`, refusal);
      }
      return subscription;
    } catch (error) {
      void subscription.return();
      throw error;
    }
  }

  /** Has the broker send no more for the filters; subscriptions that wait for them go on waiting. */
  async unsubscribe(filters: string | readonly string[]): Promise<void> {
    this.#assertOpen();
    await this.#requests.unsubscribe(typeof filters === "string" ? [filters] : filters);
  }

  /** Says goodbye and closes the connection. What was not taken from subscriptions is not acknowledged. Idempotent. */
  async close(): Promise<void> {
    if (!this.#isClosing && !this.#ended) {
      this.#isClosing = true;
      const error = new ClosedError("The client was closed");
      this.#requests.rejectAll(error);
      this.#inbox.end(undefined);
      this.#send({ type: "disconnect", reasonCode: ReasonCode.success });
      // The broker closes the link; closing it here first could destroy what it has not read yet.
      this.#cancelTimer();
      this.#cancelTimer = this.#clock.after(CLOSE_SECONDS * 1000, () => this.#end(error));
      this.#resume?.();
    }
    await this.closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #read(): Promise<void> {
    const frames = new FrameReader(PACKET_BYTES_MAX);
    const buffer = new Uint8Array(READ_BUFFER_BYTES);
    try {
      for (;;) {
        const count = await this.#link.read(buffer);
        if (this.#ended) return;
        if (count === null) return this.#end(new ClosedError(this.#closedByBroker()));
        this.#pingSentAt = undefined;
        if (this.#isClosing) continue;
        // The buffer is used again: nothing that is kept from a packet is a view of it (#receive copies).
        frames.push(buffer.subarray(0, count));
        while (!this.#isClosing && frames.next()) {
          this.#handle(decode(frames, this.#version));
          while (this.#isPaused) await this.#consumers();
          if (this.#ended) return;
        }
      }
    } catch (error) {
      const what = error instanceof PacketError ? "The broker broke the protocol" : "Connection lost";
      this.#end(new ClosedError(`${what}: ${describe(error)}`, { cause: error }));
    }
  }

  /**
   * Whether reading waits for the consumers. Not while an answer is awaited: it may be behind the messages, and the
   * consumer may be what awaits it.
   */
  get #isPaused(): boolean {
    return this.#inbox.isFull && this.#requests.size === 0 && !this.#isClosing && !this.#ended;
  }

  async #consumers(): Promise<void> {
    await new Promise<void>((resolve) => this.#resume = resolve);
    this.#resume = undefined;
    this.#pingSentAt = undefined;
  }

  #handle(packet: Packet): void {
    if (this.#sessionPresent === undefined) return this.#open(packet);
    switch (packet.type) {
      case "publish":
        return this.#receive(packet);
      case "pubrel":
        this.#unreleased.delete(packet.packetId);
        return this.#send({ type: "pubcomp", packetId: packet.packetId, reasonCode: ReasonCode.success });
      case "pubrec":
        return this.#requests.received(packet.packetId);
      case "puback":
      case "pubcomp":
      case "unsuback":
        return this.#requests.answered(packet.packetId, packet.type);
      case "suback":
        return this.#requests.answered(packet.packetId, packet.type, packet.reasonCodes);
      case "pingresp":
        return;
      default:
        throw new PacketError(
          ReasonCode.protocolError,
          `Cannot accept ${packet.type.toUpperCase()} from a broker`,
        );
    }
  }

  #open(packet: Packet): void {
    if (packet.type !== "connack") { // [MQTT-3.2.0-1]
      throw new PacketError(
        ReasonCode.protocolError,
        `Cannot accept ${packet.type.toUpperCase()} before CONNACK`,
      );
    }
    this.#cancelTimer();
    if (packet.reasonCode !== ReasonCode.success) {
      this.#opening.reject(new RefusedError("Connection", packet.reasonCode));
      return this.#end(new ClosedError("The broker refused the connection"));
    }
    this.#sessionPresent = packet.sessionPresent;
    if (this.#keepAliveMs > 0) this.#scheduleKeepAlive();
    this.#opening.resolve();
  }

  #receive({ topic, payload, qos, retain, dup, packetId }: PublishPacket): void {
    if (qos === 2 && this.#unreleased.has(packetId)) { // [MQTT-4.3.3-2]
      return this.#send({ type: "pubrec", packetId, reasonCode: ReasonCode.success });
    }
    if (qos > 0) {
      if (this.#unacknowledged.has(packetId)) return; // Still here, and acknowledged when it is taken.
      this.#unacknowledged.add(packetId);
    }
    this.#inbox.put({ topic, payload: new Uint8Array(payload), qos, retain, dup }, packetId);
  }

  #acknowledge(qos: QoS, packetId: number): void {
    this.#unacknowledged.delete(packetId);
    if (this.#ended || this.#isClosing) return;
    if (qos === 2) this.#unreleased.add(packetId);
    const type = qos === 1 ? "puback" : "pubrec"; // [MQTT-4.3.2-2] [MQTT-4.3.3-2]
    this.#send({ type, packetId, reasonCode: ReasonCode.success });
  }

  #send(packet: OutgoingPacket): void {
    this.#sender.send(encode(packet, this.#version));
  }

  #scheduleKeepAlive(): void {
    this.#cancelTimer = this.#clock.after(this.#keepAliveMs / 2, () => {
      this.#keepAlive();
      if (!this.#ended) this.#scheduleKeepAlive();
    });
  }

  /** Pings a broker that was told nothing for half the keep-alive; ends with one that is silent for all of it. */
  #keepAlive(): void {
    const now = this.#clock.now();
    if (this.#pingSentAt !== undefined && now - this.#pingSentAt >= this.#keepAliveMs && !this.#isPaused) {
      return this.#end(new ClosedError(`The broker was silent for ${this.#keepAliveMs / 1000} s`));
    }
    if (now - this.#lastSentAt < this.#keepAliveMs / 2) return;
    this.#pingSentAt ??= now;
    this.#send({ type: "pingreq" }); // [MQTT-3.1.2-23]
  }

  #assertOpen(): void {
    if (this.#ended) throw this.#ended;
    if (this.#isClosing) throw new ClosedError("The client was closed");
  }

  #closedByBroker(): string {
    return this.#sessionPresent === undefined
      ? "The broker closed the connection without an answer to CONNECT"
      : "The broker closed the connection";
  }

  #end(error: ClosedError): void {
    if (this.#ended) return;
    this.#ended = error;
    this.#cancelTimer();
    this.#sender.close(error);
    this.#opening.reject(error);
    this.#requests.rejectAll(error);
    this.#inbox.end(this.#isClosing ? undefined : error);
    this.#resume?.();
    this.#closing.resolve(this.#isClosing ? undefined : error);
  }
}

/** A CONNECT that cannot be said must not leave its link open. */
function encodeConnect(link: Link, options: ConnectOptions): Uint8Array {
  const packet = connectPacket(options);
  try {
    return encode(packet, packet.version);
  } catch (error) {
    link.close();
    throw error;
  }
}

async function openLink(options: ConnectOptions): Promise<Link> {
  const { host = "127.0.0.1", port = 1883, connectTimeoutSeconds = 10, clock = systemClock } = options;
  const connecting = connectTcp(host, port);
  const timeout = Promise.withResolvers<never>();
  const cancel = clock.after(connectTimeoutSeconds * 1000, () => {
    connecting.then((link) => link.close(), () => {});
    timeout.reject(new Error(`no answer within ${connectTimeoutSeconds} s`));
  });
  try {
    return await Promise.race([connecting, timeout.promise]);
  } catch (error) {
    throw new ConnectError(`Cannot connect to ${host}:${port}: ${describe(error)}`, { cause: error });
  } finally {
    cancel();
  }
}

/** Deno's message without the number that the operating system has for it. */
function describe(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/ \(os error \d+\)$/, "");
}
