import { PacketError } from "./packet_error.ts";
import type { Reader } from "./reader.ts";
import { ReasonCode } from "./reason_code.ts";
import type { Writer } from "./writer.ts";

/** Repeated user properties and their order are part of the message (MQTT 5.0, 3.3.2.3.7). */
export type UserProperties = readonly (readonly [name: string, value: string])[];

/** How values of one type stand in a packet. */
export interface PropertyType<Value> {
  decode(body: Reader, name: string): Value;
  encode(writer: Writer, value: Value, name: string): void;
}

const NEVER = 0xffff_ffff;

const flag: PropertyType<boolean> = {
  decode: (body, name) => decodeBit(body, name) === 1,
  encode: (writer, value) => writer.u8(value ? 1 : 0),
};
const qos: PropertyType<0 | 1 | 2> = {
  decode: decodeBit,
  encode: (writer, value, name) => writer.u8(checkBit(value, name)), // Absent means 2.
};
const u16: PropertyType<number> = {
  decode: (body) => body.u16(),
  encode: (writer, value) => writer.u16(value),
};
const u32: PropertyType<number> = {
  decode: (body) => body.u32(),
  encode: (writer, value) => writer.u32(value),
};
/** Seconds; Infinity is for ever. */
const lifetime: PropertyType<number> = {
  decode: (body) => {
    const seconds = body.u32();
    return seconds === NEVER ? Infinity : seconds;
  },
  encode: (writer, value) => writer.u32(value === Infinity ? NEVER : value),
};
const varint: PropertyType<number> = {
  decode: (body) => body.varint(),
  encode: (writer, value) => writer.varint(value),
};
const string: PropertyType<string> = {
  decode: (body) => body.cachedString(),
  encode: (writer, value) => writer.string(value),
};
/** A copy: it may outlive the chunk that came in, and must not hold that in memory. */
const binary: PropertyType<Uint8Array> = {
  decode: (body) => body.binary().slice(),
  encode: (writer, value) => writer.binary(value),
};
const pair: PropertyType<readonly [name: string, value: string]> = {
  decode: (body) => [body.cachedString(), body.string()], // [MQTT5-1.5.7-1]
  encode: (writer, [name, value]) => {
    writer.string(name);
    writer.string(value);
  },
};

/** One row of the table. */
interface PropertySpec {
  readonly id: number;
  readonly type: PropertyType<unknown>;
  /** Where it may stand. */
  readonly packets: readonly string[];
  /** Its value is a list, with an entry for each time that it stands there. */
  readonly isList?: true;
  /** Where even a list may have one entry only. */
  readonly oncePackets?: readonly string[];
  /** The reason why it must not be 0. */
  readonly zero?: number;
}

const ANSWERS = ["puback", "pubrec", "pubrel", "pubcomp", "suback", "unsuback"] as const;

/**
 * The properties of MQTT 5.0, under the names that packets have them. Encoded in this order: where a Message Expiry
 * Interval stands, it stands first, so that a frame knows where.
 */
export const PROPERTIES = {
  /** Message Expiry Interval. */
  expirySeconds: { id: 0x02, type: u32, packets: ["publish", "will"] },
  /** Payload Format Indicator: the payload is UTF-8 text. False says "unspecified bytes" in so many words. */
  payloadIsText: { id: 0x01, type: flag, packets: ["publish", "will"] },
  contentType: { id: 0x03, type: string, packets: ["publish", "will"] }, // [MQTT5-3.3.2-19]
  responseTopic: { id: 0x08, type: string, packets: ["publish", "will"] }, // [MQTT5-3.3.2-13]
  correlationData: { id: 0x09, type: binary, packets: ["publish", "will"] },
  /** From server to client only, in a PUBLISH: those of all subscriptions that match. */
  subscriptionIds: {
    id: 0x0b,
    type: varint,
    isList: true,
    packets: ["publish", "subscribe"],
    oncePackets: ["subscribe"],
    zero: ReasonCode.protocolError,
  },
  /** Infinity: the session never ends by itself. */
  sessionExpirySeconds: { id: 0x11, type: lifetime, packets: ["connect", "connack", "disconnect"] },
  assignedClientId: { id: 0x12, type: string, packets: ["connack"] },
  serverKeepAliveSeconds: { id: 0x13, type: u16, packets: ["connack"] },
  authenticationMethod: { id: 0x15, type: string, packets: ["connect", "connack", "auth"] },
  authenticationData: { id: 0x16, type: binary, packets: ["connect", "connack", "auth"] },
  requestProblemInformation: { id: 0x17, type: flag, packets: ["connect"] },
  /** Will Delay Interval. */
  delaySeconds: { id: 0x18, type: u32, packets: ["will"] },
  requestResponseInformation: { id: 0x19, type: flag, packets: ["connect"] },
  responseInformation: { id: 0x1a, type: string, packets: ["connack"] },
  /** From server to client only. */
  serverReference: { id: 0x1c, type: string, packets: ["connack", "disconnect"] },
  reasonString: { id: 0x1f, type: string, packets: ["connack", ...ANSWERS, "disconnect", "auth"] },
  receiveMaximum: { id: 0x21, type: u16, packets: ["connect", "connack"], zero: ReasonCode.protocolError },
  topicAliasMax: { id: 0x22, type: u16, packets: ["connect", "connack"] },
  topicAlias: { id: 0x23, type: u16, packets: ["publish"], zero: ReasonCode.topicAliasInvalid }, // [MQTT5-3.3.2-8]
  qosMax: { id: 0x24, type: qos, packets: ["connack"] },
  retainAvailable: { id: 0x25, type: flag, packets: ["connack"] },
  userProperties: {
    id: 0x26,
    type: pair,
    isList: true, // In order. [MQTT5-3.3.2-18] [MQTT5-3.1.3-10]
    packets: [
      "connect",
      "connack",
      "publish",
      "will",
      ...ANSWERS,
      "subscribe",
      "unsubscribe",
      "disconnect",
      "auth",
    ],
  },
  /** Maximum Packet Size. */
  packetBytesMax: { id: 0x27, type: u32, packets: ["connect", "connack"], zero: ReasonCode.protocolError },
  wildcardSubscriptionsAvailable: { id: 0x28, type: flag, packets: ["connack"] },
  subscriptionIdsAvailable: { id: 0x29, type: flag, packets: ["connack"] },
  sharedSubscriptionsAvailable: { id: 0x2a, type: flag, packets: ["connack"] },
} as const satisfies Readonly<Record<string, PropertySpec>>;

type Table = typeof PROPERTIES;
export type PropertyName = keyof Table;
/** The blocks of properties that there are: one a packet type, and one for the will inside a CONNECT. */
export type PropertyPacket = Table[PropertyName]["packets"][number];

type ValueOf<Name extends PropertyName> = Table[Name]["type"] extends PropertyType<infer Value>
  ? Table[Name] extends { isList: true } ? readonly Value[] : Value
  : never;

/** The properties that may stand in a block, each of them left out if it was. */
export type PropertiesOf<Packet extends PropertyPacket> = {
  readonly [Name in PropertyName as Packet extends Table[Name]["packets"][number] ? Name : never]?: ValueOf<
    Name
  >;
};

/** A row as one packet sees it. */
export interface PropertyRow {
  readonly name: PropertyName;
  readonly id: number;
  readonly type: PropertyType<unknown>;
  readonly isList: boolean;
  readonly mayRepeat: boolean;
  readonly zero: number | undefined;
}

const rows = new Map<PropertyPacket, PropertyRow[]>();
for (const [name, spec] of Object.entries(PROPERTIES) as [PropertyName, PropertySpec][]) {
  const { id, type, isList = false, oncePackets = [], zero } = spec;
  for (const packet of spec.packets as readonly PropertyPacket[]) {
    const row = { name, id, type, isList, mayRepeat: isList && !oncePackets.includes(packet), zero };
    rows.set(packet, [...rows.get(packet) ?? [], row]);
  }
}
const rowsById = new Map([...rows].map(([packet, list]) => {
  const byId: (PropertyRow | undefined)[] = Array(256).fill(undefined);
  for (const row of list) byId[row.id] = row;
  return [packet, byId];
}));

/** All rows of a packet, in the order of the table. */
export function rowsOf(packet: PropertyPacket): readonly PropertyRow[] {
  return rows.get(packet)!;
}

/** The row of an identifier (one byte), undefined for a stranger in this packet. */
export function rowOf(packet: PropertyPacket, id: number): PropertyRow | undefined {
  return rowsById.get(packet)![id];
}

function decodeBit(body: Reader, name: string): 0 | 1 {
  return checkBit(body.u8(), name);
}

function checkBit(value: number, name: string): 0 | 1 {
  if (value === 0 || value === 1) return value;
  throw new PacketError(ReasonCode.protocolError, `Cannot accept ${name} ${value}: it must be 0 or 1`);
}
