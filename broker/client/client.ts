import { type Clock, systemClock } from "../core/clock.ts";
import { assert, ProtocolError } from "../core/errors.ts";
import { type ConnackPacket, type Packet, PacketError, ReasonCode, type Version } from "../packet/mod.ts";
import { TlsError } from "../transport/tls_client.ts";
import type { Link } from "../transport/transport.ts";
import type { AuthenticationData } from "./authentication.ts";
import { certificateHint } from "./broker_address.ts";
import type { CloseOptions, PublishOptions, SubscribeOptions, UnsubscribeOptions } from "./call_options.ts";
import {
  closedByDisconnect,
  closedByProtocol,
  ClosedError,
  describeError,
  RefusedError,
} from "./client_error.ts";
import { bytesOf, checkTopics, type ConnectOptions, refuseBefore5 } from "./connect_options.ts";
import { lastWords, sayGoodbye } from "./goodbye.ts";
import { Handshake } from "./handshake.ts";
import { Inbox, type Subscription } from "./inbox.ts";
import { IncomingFlows } from "./incoming_flows.ts";
import { KeepAlive } from "./keep_alive.ts";
import { type Published, Publisher } from "./publisher.ts";
import { Receiver } from "./receiver.ts";
import { Requests } from "./requests.ts";
import { Sender } from "./sender.ts";
import { Subscriptions } from "./subscriptions.ts";

/** The largest packet that there is. Memory follows what arrives, never what a header claims. */
const PACKET_BYTES_MAX = 268_435_460;
/** How long the broker may take to close the connection after DISCONNECT. */
const CLOSE_SECONDS = 2;

/** A connection to a broker in MQTT 5.0, 3.1.1 or 3.1. It does not connect anew by itself. */
export class Client implements AsyncDisposable {
  readonly #opening = Promise.withResolvers<void>();
  readonly #closing = Promise.withResolvers<ClosedError | undefined>();
  readonly #clock: Clock;
  readonly #version: Version;
  readonly #tls: ConnectOptions["tls"];
  readonly #sender: Sender;
  readonly #receiver: Receiver;
  readonly #handshake: Handshake;
  readonly #keepAlive: KeepAlive;
  readonly #requests: Requests;
  readonly #publisher: Publisher;
  readonly #inbox: Inbox;
  readonly #incoming: IncomingFlows;
  readonly #subscriptions: Subscriptions;
  #isClosing = false;
  #ended: ClosedError | undefined;
  /** Of the time that the broker has for its end of the connection. */
  #cancelTimer: () => void = () => {};

  /** Use `connect`. */
  constructor(link: Link, options: ConnectOptions, authenticationData?: AuthenticationData) {
    const { clock = systemClock, version = 4, inFlightMax } = options;
    this.#clock = clock;
    this.#version = version;
    this.#tls = options.tls;
    const sender = new Sender({
      link,
      version,
      clock,
      onSent: () => {
        this.#keepAlive.sent();
        this.#publisher.publishWaiting();
      },
      onFailed: (error) => this.#end(this.#connectionLost(error)),
    });
    const onTimeout = (error: ClosedError) => this.#end(error);
    this.#sender = sender;
    this.#handshake = new Handshake({ options, authenticationData, sender, clock, onTimeout });
    const { receiveMaximum = 65_535, topicAliasMax = 0, packetBytesMax = PACKET_BYTES_MAX } =
      this.#handshake.request;
    this.#receiver = new Receiver({
      link,
      version,
      packetBytesMax,
      handle: (packet) => this.#handle(packet),
      onHeard: () => this.#keepAlive.heard(),
      isPaused: () => this.#isPaused,
      isDeaf: () => this.#isClosing || this.#ended !== undefined,
    });
    this.#keepAlive = new KeepAlive({
      clock,
      ping: () => sender.send({ type: "pingreq" }),
      isPaused: () => this.#isPaused,
      onSilent: (seconds) => this.#end(new ClosedError(`The broker was silent for ${seconds} s`)),
    });
    const resume = () => this.#receiver.resume();
    const requests = new Requests({ sender, onAwait: resume });
    this.#requests = requests;
    this.#publisher = new Publisher({ sender, requests, version, inFlightMax });
    this.#incoming = new IncomingFlows({ sender, version, receiveMaximum, topicAliasMax });
    const inbox = new Inbox({
      acknowledge: (qos, packetId) => {
        if (!this.#ended && !this.#isClosing) this.#incoming.acknowledge(qos, packetId);
      },
      onTaken: resume,
    });
    this.#inbox = inbox;
    const onBroken = (error: PacketError) => this.#fail(error);
    this.#subscriptions = new Subscriptions({ requests, inbox, version, onBroken });
    this.#handshake.start();
    void this.#receive();
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
    return this.#handshake.answer?.sessionPresent === true;
  }

  /** The identifier that this client has: its own, or the one that a broker of MQTT 5.0 made up. */
  get clientId(): string {
    return this.#handshake.clientId;
  }

  /** How long the session outlives the connection, as the broker has it. */
  get sessionExpirySeconds(): number {
    return this.#handshake.sessionExpirySeconds;
  }

  /** The keep-alive in force: the broker's if it said one. */
  get keepAliveSeconds(): number {
    return this.#handshake.keepAliveSeconds;
  }

  /** What the broker said when it accepted the connection: what it takes, and in MQTT 5.0 whatever else. */
  get connack(): ConnackPacket | undefined {
    return this.#handshake.answer;
  }

  /** Messages that came and were let go unseen, for want of a subscription or of room. */
  get droppedCount(): number {
    return this.#inbox.droppedCount;
  }

  /**
   * Publishes a message. Resolves with the last acknowledgement of QoS 1 or 2; for QoS 0 when it is with the operating
   * system. Rejects with `RefusedError` when a broker of MQTT 5.0 refuses the message, with `LimitError` when it said that
   * it takes no such message.
   */
  async publish(
    topic: string,
    payload: string | Uint8Array,
    options: PublishOptions = {},
  ): Promise<Published> {
    this.#assertOpen();
    const { qos = 0, retain = false, properties, topicAlias } = options;
    checkTopics(topic, properties);
    refuseBefore5(this.#version, { properties, topicAlias });
    const draft = { topic, payload: bytesOf(payload), qos, retain, properties, topicAlias: topicAlias ?? 0 };
    return await this.#publisher.publish(draft);
  }

  /**
   * Subscribes to one or more filters. Rejects with `RefusedError` when the broker grants none of them; `granted` of
   * the answer says which. Reading stops while its messages are not consumed.
   */
  async subscribe(
    filters: string | readonly string[],
    options: SubscribeOptions = {},
  ): Promise<Subscription> {
    const connack = this.#assertOpen();
    return await this.#subscriptions.subscribe(listOf(filters), options, connack);
  }

  /**
   * Has the broker send no more for the filters; subscriptions that wait for them go on waiting. Resolves with a reason
   * code a filter: 0x11 of a broker of MQTT 5.0 means that there was no such subscription.
   */
  async unsubscribe(
    filters: string | readonly string[],
    options: UnsubscribeOptions = {},
  ): Promise<readonly number[]> {
    this.#assertOpen();
    return await this.#subscriptions.unsubscribe(listOf(filters), options);
  }

  /** Proves again who is who, with the `authentication` of the connection, which ends if that fails. */
  async reauthenticate(): Promise<void> {
    this.#assertOpen();
    const authenticated = this.#handshake.authentication.restart();
    this.#receiver.resume();
    await authenticated;
  }

  /** Says goodbye and closes the connection. What was not taken from subscriptions is not acknowledged. Idempotent. */
  async close(options: CloseOptions = {}): Promise<void> {
    if (!this.#isClosing && !this.#ended) {
      sayGoodbye(options, this.#handshake.request, this.#sender);
      this.#isClosing = true;
      const error = new ClosedError("The client was closed");
      this.#rejectAll(error);
      this.#inbox.end(undefined);
      this.#keepAlive.stop();
      // The broker closes the link; closing it here first could destroy what it has not read yet.
      this.#cancelTimer();
      this.#cancelTimer = this.#clock.after(CLOSE_SECONDS * 1000, () => this.#end(error));
      this.#receiver.resume();
    }
    await this.closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Whether reading waits for the consumers. Not while an answer is awaited: it may be behind the messages, and the
   * consumer may be what awaits it.
   */
  get #isPaused(): boolean {
    const isAwaiting = this.#requests.size > 0 || this.#handshake.authentication.isRunning;
    return this.#inbox.isFull && !isAwaiting && !this.#isClosing && !this.#ended;
  }

  #handle(packet: Packet): void | Promise<void> {
    if (!this.#handshake.answer) return this.#open(packet);
    switch (packet.type) {
      case "publish": {
        const message = this.#incoming.received(packet);
        return message && this.#inbox.put(message);
      }
      case "pubrel":
        return this.#incoming.released(packet);
      case "pubrec":
        return this.#publisher.received(packet);
      case "puback":
      case "pubcomp":
        return this.#publisher.acknowledged(packet);
      case "suback":
      case "unsuback":
        return this.#requests.answered(packet);
      case "pingresp":
        return;
      case "auth":
        return this.#handshake.authentication.received(packet);
      case "disconnect":
        if (this.#version === 5) return this.#end(closedByDisconnect(packet));
        return refusePacket(packet);
      default:
        return refusePacket(packet);
    }
  }

  async #open(packet: Packet): Promise<void> {
    await this.#handshake.received(packet);
    const { answer } = this.#handshake;
    if (!answer || this.#ended) return;
    this.#sender.packetBytesMax = answer.packetBytesMax;
    this.#publisher.limits = answer;
    this.#keepAlive.start(this.#handshake.keepAliveSeconds);
    this.#opening.resolve();
  }

  #assertOpen(): ConnackPacket {
    if (this.#ended) throw this.#ended;
    if (this.#isClosing) throw new ClosedError("The client was closed");
    const { answer } = this.#handshake;
    assert(answer, "A client is used before it is connected");
    return answer;
  }

  #closedByBroker(): string {
    return this.#handshake.answer === undefined
      ? `The broker closed the connection without an answer to CONNECT${certificateHint(this.#tls)}`
      : "The broker closed the connection";
  }

  async #receive(): Promise<void> {
    try {
      await this.#receiver.run();
      this.#end(new ClosedError(this.#closedByBroker()));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Reading threw: in MQTT 5.0 the broker is told why that is the end. */
  #fail(error: unknown): void {
    if (error instanceof PacketError || error instanceof ProtocolError) {
      return this.#end(closedByProtocol(error), error.reasonCode); // 4.13.1
    }
    if (error instanceof RefusedError) {
      this.#opening.reject(error);
      return this.#end(new ClosedError("The broker refused the connection", { reason: error }));
    }
    if (error instanceof ClosedError) return this.#end(error, ReasonCode.unspecifiedError);
    this.#end(this.#connectionLost(error));
  }

  /** What the link broke with; a reset may have overtaken what the broker said of a certificate. */
  #connectionLost(error: unknown): ClosedError {
    const isUnexplained = this.#handshake.answer === undefined && !(error instanceof TlsError);
    const hint = isUnexplained ? certificateHint(this.#tls) : "";
    return new ClosedError(`Connection lost: ${describeError(error)}${hint}`, { cause: error });
  }

  /** @param reasonCode of the DISCONNECT that MQTT 5.0 has for this end; none is sent without */
  #end(error: ClosedError, reasonCode?: number): void {
    if (this.#ended) return;
    this.#ended = error;
    const isTold = this.#version === 5 && reasonCode !== undefined;
    this.#cancelTimer();
    this.#keepAlive.stop();
    this.#sender.close(error, isTold ? lastWords(reasonCode) : undefined);
    this.#opening.reject(error);
    this.#rejectAll(error);
    this.#inbox.end(this.#isClosing ? undefined : error);
    this.#receiver.resume();
    this.#closing.resolve(this.#isClosing ? undefined : error);
  }

  #rejectAll(error: ClosedError): void {
    this.#handshake.end(error);
    this.#requests.rejectAll(error);
    this.#publisher.rejectAll(error);
  }
}

function listOf(filters: string | readonly string[]): readonly string[] {
  return typeof filters === "string" ? [filters] : [...filters];
}

function refusePacket({ type }: Packet): never {
  throw new PacketError(ReasonCode.protocolError, `Cannot accept ${type.toUpperCase()} from a broker`);
}
