import { assert, assertEquals, assertThrows } from "@std/assert";
import { decode, encode, FrameReader, PacketError, StringCache } from "../../broker/packet/mod.ts";
import type {
  OutgoingPacket,
  Packet,
  PublishFrame,
  PublishPacket,
  Version,
} from "../../broker/packet/mod.ts";

export const PACKET_BYTES_MAX = 300_000;

/** A packet and its bytes. The name ends in the clauses that it is about. */
export interface ValidFixture {
  readonly name: string;
  readonly hex: string;
  /** What has a default may be left out. */
  readonly packet: Exclude<OutgoingPacket, PublishPacket>;
  /** 4 if left out. */
  readonly version?: Version;
  /** These bytes are accepted, but we would not write them. */
  readonly decodeOnly?: true;
}

/** Bytes that are no packet, and the reason. */
export interface InvalidFixture {
  readonly name: string;
  readonly hex: string;
  readonly reasonCode: number;
  readonly version?: Version;
}

/** Bytes from hex digits and quoted text: `hex("00 04 'MQTT' 04")`. */
export function hex(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const [part] of text.matchAll(/'[^']*'|[0-9a-f]{2}|[^\s]/gi)) {
    if (part.startsWith("'")) bytes.push(...new TextEncoder().encode(part.slice(1, -1)));
    else if (part.length === 2) bytes.push(parseInt(part, 16));
    else throw new Error(`Cannot read fixture ${text}: ${part}`);
  }
  return Uint8Array.from(bytes);
}

/** Decodes all packets of a stream that comes in these chunks. */
export function decodeChunks(
  chunks: readonly Uint8Array[],
  version: Version,
  strings?: StringCache,
): Packet[] {
  const frames = new FrameReader(PACKET_BYTES_MAX, strings && { strings });
  const packets: Packet[] = [];
  for (const chunk of chunks) {
    frames.push(chunk);
    while (frames.next()) packets.push(decode(frames, version));
  }
  return packets;
}

/** Runs a table: each fixture both ways, split at every byte, truncated at every byte. */
export function testValid(fixtures: readonly ValidFixture[]): void {
  for (const fixture of fixtures) {
    const version = fixture.version ?? 4;
    Deno.test(`decodes ${fixture.name}`, () => {
      const bytes = hex(fixture.hex);
      assertSame(decodeChunks([bytes], version), fixture, bytes);
      const strings = new StringCache();
      for (let turn = 0; turn < 2; turn++) {
        assertSame(decodeChunks([bytes], version, strings), fixture, bytes);
      }
    });
    if (!fixture.decodeOnly) {
      Deno.test(`encodes ${fixture.name}`, () =>
        assertEquals(encode(fixture.packet, version), hex(fixture.hex)));
    }
    Deno.test(`decodes in pieces ${fixture.name}`, () => {
      const bytes = hex(fixture.hex);
      for (let at = 0; at <= bytes.length; at++) {
        assertSame(decodeChunks([bytes.slice(0, at), bytes.slice(at)], version), fixture, bytes);
      }
      assertSame(decodeChunks([...bytes].map((byte) => Uint8Array.of(byte)), version), fixture, bytes);
    });
    Deno.test(`waits for the rest of ${fixture.name}`, () => {
      const bytes = hex(fixture.hex);
      for (let at = 0; at < bytes.length; at++) assertEquals(decodeChunks([bytes.slice(0, at)], version), []);
    });
    Deno.test(`accepts no shortened body of ${fixture.name}`, () => {
      const bytes = hex(fixture.hex);
      assert(bytes.length < 130, "A fixture has one byte of remaining length");
      for (let length = 0; length < bytes.length - 2; length++) {
        const shortened = Uint8Array.of(bytes[0]!, length, ...bytes.subarray(2, 2 + length));
        assertThrowsOrMeansIt(shortened, version);
      }
    });
  }
}

export function testInvalid(fixtures: readonly InvalidFixture[]): void {
  for (const fixture of fixtures) {
    Deno.test(`refuses ${fixture.name}`, () => {
      const bytes = hex(fixture.hex);
      const version = fixture.version ?? 4;
      assertRefused([bytes], version, fixture.reasonCode);
      assertRefused([...bytes].map((byte) => Uint8Array.of(byte)), version, fixture.reasonCode);
      for (let at = 0; at < bytes.length; at++) {
        try {
          assertEquals(decodeChunks([bytes.slice(0, at)], version), []);
        } catch (error) {
          assert(error instanceof PacketError);
        }
      }
    });
  }
}

export function assertRefused(chunks: readonly Uint8Array[], version: Version, reasonCode: number): void {
  const error = assertThrows(() => decodeChunks(chunks, version), PacketError);
  assertEquals(error.reasonCode, reasonCode, error.message);
}

export function assertNotEncoded(packet: OutgoingPacket, version: Version, reasonCode: number): void {
  const error = assertThrows(() => encode(packet, version), PacketError);
  assertEquals(error.reasonCode, reasonCode, error.message);
}

function assertSame(packets: readonly Packet[], fixture: ValidFixture, bytes: Uint8Array): void {
  assertEquals(packets.length, 1);
  const packet = packets[0]!;
  const expected = completed(fixture.packet);
  if (packet.type !== "publish") return assertEquals<unknown>(packet, expected);
  const { frame, ...fields } = packet;
  assertEquals<unknown>({ ...fields, payload: packet.payload }, expected);
  if (packet.topicAlias !== 0 || packet.subscriptionIds.length > 0) return assertEquals(frame, undefined);
  assertFrame(frame!, packet, bytes);
}

function assertFrame(frame: PublishFrame, packet: PublishPacket, bytes: Uint8Array): void {
  assertEquals(frame.bytes.slice(), bytes);
  const view = new DataView(bytes.buffer);
  if (packet.qos === 0) assertEquals(frame.packetIdOffset, 0);
  else assertEquals(view.getUint16(frame.packetIdOffset), packet.packetId);
  const { expirySeconds } = packet.properties ?? {};
  if (expirySeconds === undefined) assertEquals(frame.expiryOffset, 0);
  else assertEquals(view.getUint32(frame.expiryOffset), expirySeconds);
}

export function withoutFrame(packet: Packet): unknown {
  return packet.type === "publish" ? { ...packet, payload: packet.payload, frame: undefined } : packet;
}

/** The packet and what its frame is, whatever that is cut from: two are equal if they say the same. */
export function contentOf(packet: Packet): unknown {
  if (packet.type !== "publish" || !packet.frame) return packet;
  const { bytes, packetIdOffset, expiryOffset, payloadOffset, version } = packet.frame;
  const frame = { bytes, packetIdOffset, expiryOffset, payloadOffset, version };
  return { ...packet, payload: packet.payload, frame };
}

/** The packet as it is decoded: with the defaults that MQTT 5.0 has for what was left out. */
function completed(packet: Exclude<OutgoingPacket, PublishPacket>): unknown {
  switch (packet.type) {
    case "connect": {
      const will = packet.will && { delaySeconds: 0, properties: undefined, ...packet.will };
      const sessionExpirySeconds = packet.version === 5 || packet.cleanStart ? 0 : Infinity;
      return { ...CONNECT_DEFAULTS, sessionExpirySeconds, ...packet, will };
    }
    case "connack":
      return { ...CONNACK_DEFAULTS, ...packet };
    case "publish":
      return { properties: undefined, topicAlias: 0, subscriptionIds: [], ...packet };
    case "subscribe": {
      const requests = packet.requests.map((request) => ({ ...SUBSCRIPTION_DEFAULTS, ...request }));
      return { subscriptionId: 0, ...packet, requests };
    }
    default:
      return packet;
  }
}

const CONNECT_DEFAULTS = {
  receiveMaximum: 65535,
  packetBytesMax: Infinity,
  topicAliasMax: 0,
  requestProblemInformation: true,
  requestResponseInformation: false,
};
const CONNACK_DEFAULTS = {
  receiveMaximum: 65535,
  qosMax: 2,
  retainAvailable: true,
  packetBytesMax: Infinity,
  topicAliasMax: 0,
  wildcardSubscriptionsAvailable: true,
  subscriptionIdsAvailable: true,
  sharedSubscriptionsAvailable: true,
};
const SUBSCRIPTION_DEFAULTS = { noLocal: false, retainAsPublished: false, retainHandling: 0 };

/** A shorter body is refused, or is a packet of its own that says just this; MQTT 5.0 has several ways to say it. */
function assertThrowsOrMeansIt(bytes: Uint8Array, version: Version): void {
  let packets: Packet[];
  try {
    packets = decodeChunks([bytes], version);
  } catch (error) {
    return assert(error instanceof PacketError);
  }
  assertEquals(packets.length, 1);
  if (version === 5) {
    const again = decodeChunks([encode(packets[0]!, version)], version);
    return assertEquals(again.map(withoutFrame), packets.map(withoutFrame));
  }
  // DUP on what is sent again in MQTT 3.1 is read, not written.
  const written = Uint8Array.from(bytes);
  if (version === 3 && packets[0]!.type !== "publish") written[0]! &= ~0x08;
  assertEquals(encode(packets[0]!, version), written);
}
