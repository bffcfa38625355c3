import { assert, assertEquals } from "@std/assert";
import {
  type ConnectFields,
  decode,
  encode,
  FrameReader,
  type OutgoingPacket,
  type Packet,
  type PublishFields,
  type PublishPacket,
  type QoS,
  ReasonCode,
  type Version,
  type WillDraft,
} from "../../broker/packet/mod.ts";
import type { Link } from "../../broker/transport/transport.ts";
import { within } from "./eventually.ts";
import { lengthOf, packetHex } from "./packet_hex.ts";

const FRAME_BYTES_MAX = 16 * 1024 * 1024;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The fields of CONNECT, with what MQTT 5.0 adds. */
export interface ConnectOptions extends Partial<Omit<ConnectFields, "type" | "will" | "password">> {
  /**
   * True if left out. If false the session is kept, as 3.1.1 does it: at 5.0 for ever, unless `sessionExpirySeconds` says
   * otherwise.
   */
  readonly cleanStart?: boolean;
  readonly will?: WillOptions | undefined;
  readonly password?: string;
}

export interface WillOptions
  extends Partial<Pick<WillDraft, "qos" | "retain" | "delaySeconds" | "properties">> {
  readonly topic: string;
  readonly payload?: string;
}

/** What to publish; QoS 0, not retained, first sent, if left out. */
export interface PublishOptions {
  readonly qos?: QoS;
  readonly retain?: boolean;
  readonly dup?: boolean;
  readonly packetId?: number;
}

/** What a delivery must look like; QoS 0, not retained, first sent, if left out. */
export interface ExpectedPublish {
  readonly topic: string;
  readonly payload: string;
  readonly qos?: QoS;
  readonly retain?: boolean;
  readonly dup?: boolean;
  readonly packetId?: number;
}

/** A client that does nothing by itself: a test says every byte it sends and every packet it must receive. */
export class RawClient {
  version: Version = 4;
  readonly link: Link;
  /** Accepted by CONNACK, and not known to be closed. */
  isConnected = false;
  readonly #settle: () => Promise<void>;
  readonly #frames = new FrameReader(FRAME_BYTES_MAX);
  readonly #inbox: Uint8Array[] = [];
  readonly #buffer = new Uint8Array(64 * 1024);
  #isClosed = false;
  #lastPacketId = 0;

  /** @param settle has the broker handle what every client sent so far */
  constructor(link: Link, settle: () => Promise<void>) {
    this.link = link;
    this.#settle = settle;
  }

  /** Sends CONNECT and expects to be accepted; answers whether a session was present. */
  async connect(options: ConnectOptions = {}): Promise<boolean> {
    this.sendConnect(options);
    const packet = await this.receive();
    assert(packet?.type === "connack", `Expected CONNACK, received ${describe(packet)}`);
    assertEquals(packet.reasonCode, 0, "CONNACK");
    this.isConnected = true;
    return packet.sessionPresent;
  }

  sendConnect(options: ConnectOptions = {}): void {
    const packet = connectPacket(options);
    this.version = packet.version;
    this.send(packet);
  }

  send(...packets: OutgoingPacket[]): void {
    this.sendBytes(...packets.map((packet) => encode(packet, this.version)));
  }

  /** Sends bytes as `packetHex` reads them, in one write. */
  sendHex(...texts: string[]): void {
    this.sendBytes(...texts.map((text) => packetHex(text, this.version)));
  }

  sendBytes(...parts: Uint8Array[]): void {
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let position = 0;
    for (const part of parts) {
      bytes.set(part, position);
      position += part.length;
    }
    this.#write(bytes);
  }

  /** Sends a PUBLISH; for QoS 1 and 2 its acknowledgements are the test's business. Answers its packet identifier. */
  sendPublish(topic: string, payload: string, options: PublishOptions = {}): number {
    const qos = options.qos ?? 0;
    const packetId = qos === 0 ? 0 : options.packetId ?? this.nextPacketId();
    this.send(publishFields(topic, payload, { ...options, packetId }));
    return packetId;
  }

  /** Publishes and takes part in the whole flow; returns when the broker has it. */
  async publish(topic: string, payload: string, options: PublishOptions = {}): Promise<void> {
    const packetId = this.sendPublish(topic, payload, options);
    if (packetId === 0) return await this.ping();
    if (options.qos === 1) return await this.expectAck("puback", packetId);
    await this.expectAck("pubrec", packetId);
    this.sendAck("pubrel", packetId);
    await this.expectAck("pubcomp", packetId);
  }

  /** Subscribes and answers the return codes. */
  async subscribe(...requests: (readonly [filter: string, qos: QoS])[]): Promise<readonly number[]> {
    const packetId = this.nextPacketId();
    this.send({ type: "subscribe", packetId, requests: requests.map(([filter, qos]) => ({ filter, qos })) });
    const packet = await this.receive();
    assert(packet?.type === "suback", `Expected SUBACK, received ${describe(packet)}`);
    assertEquals(packet.packetId, packetId, "SUBACK");
    return packet.reasonCodes;
  }

  /** Unsubscribes and answers the reason codes, which only MQTT 5.0 has. */
  async unsubscribe(...filters: string[]): Promise<readonly number[]> {
    const packetId = this.nextPacketId();
    this.send({ type: "unsubscribe", packetId, filters });
    const packet = await this.receive();
    assert(packet?.type === "unsuback", `Expected UNSUBACK, received ${describe(packet)}`);
    assertEquals(packet.packetId, packetId, "UNSUBACK");
    assertEquals(packet.reasonCodes.length, this.version === 5 ? filters.length : 0);
    return packet.reasonCodes;
  }

  sendAck(type: "puback" | "pubrec" | "pubrel" | "pubcomp", packetId: number): void {
    this.send({ type, packetId, reasonCode: 0 });
  }

  /** Expects an acknowledgement; at 5.0 with this reason code, where 0 is also what nobody subscribed to. */
  async expectAck(
    type: "puback" | "pubrec" | "pubrel" | "pubcomp",
    packetId: number,
    reasonCode = 0,
  ): Promise<void> {
    const packet = await this.receive();
    assert(packet?.type === type, `Expected ${type} ${packetId}, received ${describe(packet)}`);
    const isUnmatched = packet.reasonCode === ReasonCode.noMatchingSubscribers;
    assertEquals(
      [packet.packetId, isUnmatched ? 0 : packet.reasonCode],
      [packetId, this.version === 5 ? reasonCode : 0],
      type,
    );
  }

  /** Expects to be let in; at 3.x there is nothing more to say. */
  async expectConnack(): Promise<void> {
    if (this.version !== 5) return await this.expectHex("20 [00 00]");
    const packet = await this.receive();
    assert(packet?.type === "connack", `Expected CONNACK, received ${describe(packet)}`);
    assertEquals([packet.reasonCode, packet.sessionPresent], [0, false]);
  }

  /** Expects CONNACK with the return code of 3.x or the reason code of 5.0, no session, and the end. */
  async expectRefused(returnCode: number, reasonCode: number): Promise<void> {
    if (this.version !== 5) {
      await this.expectHex(`20 [00 0${returnCode}]`);
    } else {
      const packet = await this.receive();
      assert(packet?.type === "connack", `Expected CONNACK, received ${describe(packet)}`);
      assertEquals([packet.reasonCode, packet.sessionPresent], [reasonCode, false]);
    }
    await this.expectClosed();
  }

  /** Expects packets in this order, and nothing between them. */
  async expect(...packets: Exclude<Packet, PublishPacket>[]): Promise<void> {
    for (const packet of packets) assertEquals<unknown>(await this.receive(), packet);
  }

  /** Expects a PUBLISH; answers its packet identifier, 0 for QoS 0. */
  async expectPublish(expected: ExpectedPublish): Promise<number> {
    const packet = await this.receivePublish();
    const { packetId } = packet;
    assertEquals(summaryOf(packet), {
      topic: expected.topic,
      payload: expected.payload,
      qos: expected.qos ?? 0,
      retain: expected.retain ?? false,
      dup: expected.dup ?? false,
      packetId: expected.packetId ?? packetId,
    });
    assertEquals(packetId === 0, packet.qos === 0, "Packet identifier");
    return packetId;
  }

  /** Expects a PUBLISH and takes part in the rest of its flow. */
  async takePublish(expected: ExpectedPublish): Promise<void> {
    const packetId = await this.expectPublish(expected);
    if (expected.qos === 1) {
      this.sendAck("puback", packetId);
    } else if (expected.qos === 2) {
      this.sendAck("pubrec", packetId);
      await this.expectAck("pubrel", packetId);
      this.sendAck("pubcomp", packetId);
    }
  }

  async receivePublish(): Promise<PublishPacket> {
    const packet = await this.receive();
    assert(packet?.type === "publish", `Expected PUBLISH, received ${describe(packet)}`);
    return packet;
  }

  /** Expects exactly these bytes, each text one whole packet as `packetHex` reads it. */
  async expectHex(...texts: string[]): Promise<void> {
    for (const text of texts) {
      const expected = packetHex(text, this.version);
      const frame = await this.#nextFrame();
      assertEquals(frame && toHex(frame), toHex(expected));
    }
  }

  /** The next packet; `undefined` when the broker closed the connection. */
  async receive(): Promise<Packet | undefined> {
    const frame = await this.#nextFrame();
    return frame && decodeFrame(frame, this.version);
  }

  /** A packet that came while this client waited for something else, as `ping` does. */
  take(): Packet | undefined {
    const frame = this.#inbox.shift();
    return frame && decodeFrame(frame, this.version);
  }

  /** Expects the end of the connection, and no packet before it. */
  async expectClosed(): Promise<void> {
    const frame = await this.#nextFrame();
    assertEquals(frame && describe(decodeFrame(frame, this.version)), undefined, "Expected the end");
    this.isConnected = false;
  }

  /** Expects that the broker ends the connection; at 5.0 it says first why. */
  async expectEnded(reasonCode: number): Promise<void> {
    if (this.version === 5) {
      const packet = await this.receive();
      assert(packet?.type === "disconnect", `Expected DISCONNECT, received ${describe(packet)}`);
      assertEquals(packet.reasonCode.toString(16), reasonCode.toString(16), packet.reasonString);
    }
    await this.expectClosed();
  }

  /** Expects that nothing came, once the broker handled everything that any client sent so far. */
  async expectNothing(): Promise<void> {
    await this.#settle();
    const packets = this.#inbox.map((frame) => describe(decodeFrame(frame, this.version)));
    assertEquals(packets, [], "Expected nothing");
  }

  /** Returns when the broker handled all that this client sent; what it receives meanwhile stays for later. */
  async ping(): Promise<void> {
    assert(await this.tryPing(), "The connection is closed");
  }

  /** As `ping`, but false when the broker closed the connection meanwhile. */
  async tryPing(): Promise<boolean> {
    this.sendHex("c0 00");
    for (let frame = await this.#readFrame(); frame; frame = await this.#readFrame()) {
      if (frame[0] === 0xd0) return true;
      this.#inbox.push(frame);
    }
    return false;
  }

  nextPacketId(): number {
    return this.#lastPacketId = this.#lastPacketId % 0xffff + 1;
  }

  /** Ends the connection as the client that it is: DISCONNECT, then the broker closes the link. */
  async disconnect(): Promise<void> {
    this.send({ type: "disconnect", reasonCode: 0 });
    await this.expectClosed();
  }

  /** Cuts the link, as a failing network does. */
  cut(): void {
    this.isConnected = false;
    this.link.close();
  }

  async #nextFrame(): Promise<Uint8Array | undefined> {
    return this.#inbox.shift() ?? await this.#readFrame();
  }

  async #readFrame(): Promise<Uint8Array | undefined> {
    while (!this.#frames.next()) {
      const count = this.#isClosed ? null : await within(this.link.read(this.#buffer), () => "nothing came");
      if (count === null) {
        this.#isClosed = true;
        this.isConnected = false;
        assertEquals(this.#frames.bufferedBytes, 0, "The connection ended inside a packet");
        return undefined;
      }
      this.#frames.push(this.#buffer.slice(0, count));
    }
    const { source, start, end } = this.#frames;
    return source.slice(start, end);
  }

  /** What the broker does not want any more is of no interest to a test either. */
  #write(bytes: Uint8Array): void {
    void (async () => {
      try {
        for (let sent = 0; sent < bytes.length;) sent += await this.link.write(bytes.subarray(sent));
      } catch (error) {
        if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
      }
    })();
  }
}

export function connectPacket(options: ConnectOptions = {}): ConnectFields {
  const { will, password, version = 4, cleanStart = true, keepAliveSeconds = 0, clientId = "client" } =
    options;
  return {
    username: undefined,
    ...version === 5 && !cleanStart && { sessionExpirySeconds: Infinity },
    ...options,
    type: "connect",
    version,
    cleanStart,
    keepAliveSeconds,
    clientId,
    will: will && willFields(will),
    password: password === undefined ? undefined : encoder.encode(password),
  };
}

export function publishFields(topic: string, payload: string, options: PublishOptions = {}): PublishFields {
  const { qos = 0, retain = false, dup = false, packetId = 0 } = options;
  return { type: "publish", topic, payload: encoder.encode(payload), qos, retain, dup, packetId };
}

/** A packet with this body, whatever it is. */
export function frameOf(firstByte: number, body: Uint8Array): Uint8Array {
  return Uint8Array.from([firstByte, ...lengthOf(body), ...body]);
}

function willFields(will: NonNullable<ConnectOptions["will"]>): WillDraft {
  const { payload = "gone", qos = 0, retain = false } = will;
  return { ...will, payload: encoder.encode(payload), qos, retain };
}

function decodeFrame(frame: Uint8Array, version: Version): Packet {
  const frames = new FrameReader(FRAME_BYTES_MAX);
  frames.push(frame);
  assert(frames.next());
  return decode(frames, version);
}

function summaryOf({ topic, payload, qos, retain, dup, packetId }: PublishPacket): Required<ExpectedPublish> {
  return { topic, payload: decoder.decode(payload), qos, retain, dup, packetId };
}

function describe(packet: Packet | undefined): string {
  if (!packet) return "the end of the connection";
  return packet.type === "publish" ? `publish ${JSON.stringify(summaryOf(packet))}` : JSON.stringify(packet);
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
