import {
  type ConnackPacket,
  type ConnectFields,
  decode,
  encode,
  FrameReader,
  type OutgoingPacket,
  type Packet,
  type PublishPacket,
  type QoS,
  ReasonCode,
  type Version,
} from "../../../broker/packet/mod.ts";
import type { Random } from "../../topic/random_names.ts";
import { pause } from "./pause.ts";

const PACKET_BYTES_MAX = 1024 * 1024;
const RECONNECT_MS = 10;
const EXPIRY_SECONDS = 3600;
/** One acknowledgement in so many is late, and with it those behind it. */
const LATE_ONE_IN = 40;
const LATE_MS_MAX = 25;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export interface DurableClientOptions {
  readonly clientId: string;
  readonly version: Version;
  /** The session outlives the connection. */
  readonly isPersistent: boolean;
  readonly port: number;
  readonly random: Random;
  /** Of MQTT 5.0: messages it takes before it acknowledges one. */
  readonly receiveMaximum?: number;
  /** Called with each message, which is the application's from then on. */
  readonly onMessage?: (topic: string, payload: string) => void;
  /** Called with what comes, before anything is done with it. */
  readonly onPacket?: (type: Packet["type"]) => void;
  /** Called with whatever a broker must not do. */
  readonly onViolation: (what: string) => void;
}

/** `forgotten`: its session ended before the acknowledgement. */
export type FlowEnd = "acknowledged" | "forgotten";

interface OutboundFlow {
  step: "published" | "released";
  wasSent: boolean;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 1 | 2;
  readonly retain: boolean;
  readonly onResent: () => void;
  readonly end: (outcome: FlowEnd) => void;
}

/** What is asked once, on one connection; false when that ended before the answer. */
interface Request {
  readonly answer: (isAnswered: boolean) => void;
}

/**
 * A client as MQTT wants it: it comes back to its session whenever the broker does, sends again what was not
 * acknowledged, with DUP and the same packet identifier, and hands a QoS 2 message to its application once.
 * [MQTT-4.4.0-1] [MQTT-4.3.3-2]
 */
export class DurableClient {
  readonly #options: DurableClientOptions;
  readonly #outbound = new Map<number, OutboundFlow>();
  /** QoS 2 messages that the application has and that are not released. */
  readonly #inbound = new Set<number>();
  readonly #requests = new Map<number, Request>();
  #lastPacketId = 0;
  #hasSession = false;
  #connection: Deno.TcpConn | undefined;
  /** CONNACK came. */
  #isOpen = false;
  #writes: Promise<void> = Promise.resolve();
  #late: OutgoingPacket[] = [];
  #running: Promise<void> | undefined;
  #isStopped = true;
  #opened = Promise.withResolvers<void>();
  connectCount = 0;

  constructor(options: DurableClientOptions) {
    this.#options = options;
  }

  /** Connects, and again whenever the connection is lost. */
  start(): void {
    this.#isStopped = false;
    this.#running ??= this.#run();
  }

  /** Goes away, and says good-bye or not; `start` brings it back. */
  async stop(saysGoodBye = true): Promise<void> {
    this.#isStopped = true;
    if (this.#isOpen && saysGoodBye) this.#send({ type: "disconnect", reasonCode: 0 });
    await this.#writes;
    this.#closeConnection();
    await this.#running;
    this.#running = undefined;
  }

  /** Loses the connection, as in a bad network: the broker may not know yet when the client is back. */
  cut(): void {
    this.#closeConnection();
  }

  /** Resolves once the broker has it, in whichever life. */
  publish(
    topic: string,
    payload: string,
    options: { qos: 1 | 2; retain?: boolean; onResent?: () => void },
  ): Promise<FlowEnd> {
    const { qos, retain = false, onResent = () => {} } = options;
    const { promise, resolve: end } = Promise.withResolvers<FlowEnd>();
    const packetId = this.#nextPacketId();
    const bytes = encoder.encode(payload);
    const flow: OutboundFlow = {
      step: "published",
      wasSent: false,
      topic,
      payload: bytes,
      qos,
      retain,
      onResent,
      end,
    };
    this.#outbound.set(packetId, flow);
    if (this.#isOpen) this.#sendFlow(packetId, flow);
    return promise;
  }

  /** False if the connection ended before SUBACK: then nobody knows. */
  subscribe(filter: string, qos: QoS): Promise<boolean> {
    return this.#request((packetId) => ({ type: "subscribe", packetId, requests: [{ filter, qos }] }));
  }

  /** As `subscribe`. */
  unsubscribe(filter: string): Promise<boolean> {
    return this.#request((packetId) => ({ type: "unsubscribe", packetId, filters: [filter] }));
  }

  async #request(make: (packetId: number) => OutgoingPacket): Promise<boolean> {
    while (!this.#isOpen) await this.#opened.promise;
    const { promise, resolve: answer } = Promise.withResolvers<boolean>();
    const packetId = this.#nextPacketId();
    this.#requests.set(packetId, { answer });
    this.#send(make(packetId));
    return await promise;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      try {
        this.#connection = await Deno.connect({ hostname: "127.0.0.1", port: this.#options.port });
        await this.#serve(this.#connection);
      } catch (error) {
        if (!isCut(error)) this.#options.onViolation(`${this.#options.clientId}: ${error}`);
      }
      this.#closed();
      if (!this.#isStopped) await pause(RECONNECT_MS);
    }
  }

  async #serve(connection: Deno.TcpConn): Promise<void> {
    const frames = new FrameReader(PACKET_BYTES_MAX);
    const buffer = new Uint8Array(64 * 1024);
    if (this.#isStopped) return;
    this.#send(this.#connectPacket());
    for (let count = await connection.read(buffer); count !== null; count = await connection.read(buffer)) {
      frames.push(buffer.slice(0, count));
      while (frames.next()) this.#handle(decode(frames, this.#options.version));
    }
  }

  #closed(): void {
    this.#closeConnection();
    if (this.#isOpen) this.#opened = Promise.withResolvers();
    this.#isOpen = false;
    this.#late = [];
    for (const { answer } of this.#requests.values()) answer(false);
    this.#requests.clear();
  }

  #closeConnection(): void {
    try {
      this.#connection?.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error; // The other side of `stop` was first.
    }
    this.#connection = undefined;
  }

  #connectPacket(): ConnectFields {
    const { clientId, version, isPersistent, receiveMaximum } = this.#options;
    return {
      type: "connect",
      version,
      cleanStart: !isPersistent,
      keepAliveSeconds: 0,
      clientId,
      will: undefined,
      username: undefined,
      password: undefined,
      ...(isPersistent && version === 5 && { sessionExpirySeconds: EXPIRY_SECONDS }),
      ...(receiveMaximum !== undefined && { receiveMaximum }),
    };
  }

  #handle(packet: Packet): void {
    this.#options.onPacket?.(packet.type);
    switch (packet.type) {
      case "connack":
        return this.#connected(packet);
      case "publish":
        return this.#take(packet);
      case "puback":
        return this.#advance(packet, 1);
      case "pubrec":
        return this.#received(packet);
      case "pubcomp":
        return this.#advance(packet, 2);
      case "pubrel":
        this.#inbound.delete(packet.packetId);
        return this.#acknowledge({ type: "pubcomp", packetId: packet.packetId, reasonCode: 0 });
      case "suback":
      case "unsuback":
        return this.#answer(packet.packetId, packet.reasonCodes);
      default:
        this.#violate(`sent ${packet.type}`);
    }
  }

  #connected({ sessionPresent, reasonCode }: ConnackPacket): void {
    if (reasonCode !== 0) return this.#violate(`refused CONNECT with 0x${reasonCode.toString(16)}`);
    // One that it asked for and never heard of may be there, or not.
    const isWrong = this.#hasSession ? !sessionPresent : sessionPresent && !this.#options.isPersistent;
    if (isWrong) this.#violate(`said that the session is ${sessionPresent ? "" : "not "}present`);
    if (!sessionPresent) this.#forget();
    this.#hasSession = this.#options.isPersistent;
    this.connectCount++;
    this.#isOpen = true;
    this.#opened.resolve();
    for (const [packetId, flow] of this.#outbound) this.#sendFlow(packetId, flow);
  }

  /** The broker has nothing of what was before, so neither does the client. */
  #forget(): void {
    this.#inbound.clear();
    for (const [packetId, flow] of this.#outbound) {
      if (!flow.wasSent) continue;
      this.#outbound.delete(packetId);
      flow.end("forgotten");
    }
  }

  #sendFlow(packetId: number, flow: OutboundFlow): void {
    if (flow.step === "released") return this.#send({ type: "pubrel", packetId, reasonCode: 0 });
    const { wasSent: dup, topic, payload, qos, retain } = flow;
    flow.wasSent = true;
    if (dup) flow.onResent();
    this.#send({ type: "publish", packetId, dup, qos, retain, topic, payload });
  }

  #take({ qos, packetId, topic, payload }: PublishPacket): void {
    if (qos < 2 || !this.#inbound.has(packetId)) this.#options.onMessage?.(topic, decoder.decode(payload));
    if (qos === 0) return;
    if (qos === 2) this.#inbound.add(packetId);
    this.#acknowledge({ type: qos === 1 ? "puback" : "pubrec", packetId, reasonCode: 0 });
  }

  #received({ packetId, reasonCode }: { packetId: number; reasonCode: number }): void {
    const flow = this.#outbound.get(packetId);
    if (reasonCode >= ReasonCode.unspecifiedError) {
      return this.#violate(`refused PUBLISH with 0x${reasonCode.toString(16)}`);
    }
    if (flow?.qos !== 2) return this.#violate(`sent PUBREC for ${packetId}, which is not under way at QoS 2`);
    flow.step = "released";
    this.#send({ type: "pubrel", packetId, reasonCode: 0 });
  }

  #advance(
    { type, packetId, reasonCode }: { type: string; packetId: number; reasonCode: number },
    qos: QoS,
  ): void {
    const flow = this.#outbound.get(packetId);
    if (qos === 1 && reasonCode >= ReasonCode.unspecifiedError) {
      return this.#violate(`refused PUBLISH with 0x${reasonCode.toString(16)}`);
    }
    if (flow?.qos !== qos || (qos === 2 && flow.step !== "released")) {
      return this.#violate(`sent ${type} for ${packetId}, which does not wait for it`);
    }
    this.#outbound.delete(packetId);
    flow.end("acknowledged");
  }

  #answer(packetId: number, reasonCodes: readonly number[]): void {
    const refusal = reasonCodes.find((code) => code >= ReasonCode.unspecifiedError);
    if (refusal !== undefined) this.#violate(`refused a filter with 0x${refusal.toString(16)}`);
    this.#requests.get(packetId)?.answer(true);
    this.#requests.delete(packetId);
  }

  /** Now or a little later, so that the broker ends with flows in every state; always in order. [MQTT-4.6.0-2] */
  #acknowledge(packet: OutgoingPacket): void {
    const { random } = this.#options;
    if (this.#late.length === 0 && random.below(LATE_ONE_IN) > 0) return this.#send(packet);
    this.#late.push(packet);
    if (this.#late.length > 1) return;
    const late = this.#late;
    setTimeout(() => {
      if (this.#late !== late) return; // Of a connection that is gone
      this.#late = [];
      this.#send(...late);
    }, random.below(LATE_MS_MAX));
  }

  /** What the broker does not get, it gets when it is back. */
  #send(...packets: OutgoingPacket[]): void {
    const connection = this.#connection;
    if (!connection) return;
    const frames = packets.map((packet) => encode(packet, this.#options.version));
    this.#writes = this.#writes.then(async () => {
      try {
        for (const frame of frames) {
          for (let sent = 0; sent < frame.length;) sent += await connection.write(frame.subarray(sent));
        }
      } catch (error) {
        if (!isCut(error)) throw error;
      }
    });
  }

  #nextPacketId(): number {
    do this.#lastPacketId = this.#lastPacketId % 0xffff + 1; while (
      this.#outbound.has(this.#lastPacketId) || this.#requests.has(this.#lastPacketId)
    );
    return this.#lastPacketId;
  }

  #violate(what: string): void {
    this.#options.onViolation(`The broker ${what} to ${this.#options.clientId}`);
  }
}

/** The end of a connection, or its refusal, as a dying broker causes it. */
export function isCut(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionRefused || error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.BadResource ||
    error instanceof Deno.errors.Interrupted || error instanceof Deno.errors.NotConnected;
}
