import { checkAuthentication } from "./auth.ts";
import type { FrameReader } from "./frame.ts";
import { PacketError } from "./packet_error.ts";
import { decodeProperties, encodeProperties, messageProperties } from "./property_block.ts";
import type { Reader } from "./reader.ts";
import { ReasonCode } from "./reason_code.ts";
import type { ConnectFields, ConnectPacket, QoS, Version, WillDraft, WillFields } from "./types.ts";
import { UnsupportedVersionError } from "./unsupported_version_error.ts";
import { Writer } from "./writer.ts";

/** Connect flags. */
const USERNAME = 0x80;
const PASSWORD = 0x40;
const WILL_RETAIN = 0x20;
const WILL_QOS = 0x18;
const WILL = 0x04;
const CLEAN_START = 0x02;
const RESERVED = 0x01;

/** What MQTT 5.0 takes for said when it was not. */
const DEFAULTS = {
  sessionExpirySeconds: 0,
  receiveMaximum: 65_535,
  packetBytesMax: Infinity,
  topicAliasMax: 0,
  requestProblemInformation: true,
  requestResponseInformation: false,
} as const;

/** Decodes the CONNECT that `frames` found. It says its version itself. */
export function decodeConnect(frames: FrameReader): ConnectPacket {
  const { body } = frames;
  const version = decodeVersion(body);
  if (version === 5) frames.refusePadding();
  const flags = body.u8();
  checkFlags(flags, version);
  const cleanStart = (flags & CLEAN_START) !== 0;
  const keepAliveSeconds = body.u16();
  const said = version === 5
    ? { ...DEFAULTS, ...decodeProperties(body, "connect") }
    : { ...DEFAULTS, sessionExpirySeconds: cleanStart ? 0 : Infinity };
  // The order of the payload fields is fixed. [MQTT-3.1.3-1] [MQTT5-3.1.3-1]
  const clientId = body.string(); // [MQTT-3.1.3-3] [MQTT-3.1.3-4] [MQTT5-3.1.3-3] [MQTT5-3.1.3-4]
  const will = flags & WILL ? decodeWill(flags, body, version) : undefined; // [MQTT-3.1.2-9] [MQTT-3.1.2-11] [MQTT5-3.1.2-9]
  const username = flags & USERNAME ? body.string() : undefined; // [MQTT-3.1.2-18] [MQTT-3.1.2-19] [MQTT-3.1.3-11] [MQTT5-3.1.2-16] [MQTT5-3.1.2-17] [MQTT5-3.1.3-12]
  const password = flags & PASSWORD ? body.binary() : undefined; // [MQTT-3.1.2-20] [MQTT-3.1.2-21] [MQTT5-3.1.2-18] [MQTT5-3.1.2-19]
  body.end(); // [MQTT-3.1.4-1] [MQTT5-3.1.4-1]
  checkAuthentication(said);
  return {
    type: "connect",
    version,
    cleanStart,
    keepAliveSeconds,
    clientId,
    will,
    username,
    password,
    ...said,
  };
}

export function encodeConnect(packet: ConnectFields): Uint8Array {
  const { version, will, username, password } = packet;
  if (version !== 5 && password !== undefined && username === undefined) { // [MQTT-3.1.2-22]
    throw new PacketError(
      ReasonCode.malformedPacket,
      "Cannot encode CONNECT with password and without user name",
    );
  }
  const writer = new Writer();
  writer.string(version === 3 ? "MQIsdp" : "MQTT");
  writer.u8(version);
  let flags = packet.cleanStart ? CLEAN_START : 0;
  if (will !== undefined) flags |= WILL | (will.qos << 3) | (will.retain ? WILL_RETAIN : 0);
  if (username !== undefined) flags |= USERNAME;
  if (password !== undefined) flags |= PASSWORD;
  writer.u8(flags);
  writer.u16(packet.keepAliveSeconds);
  if (version === 5) {
    checkAuthentication(packet);
    encodeProperties(writer, "connect", packet, DEFAULTS);
  }
  writer.string(packet.clientId);
  if (will !== undefined) encodeWill(writer, will, version);
  if (username !== undefined) writer.string(username);
  if (password !== undefined) writer.binary(password);
  return writer.finishPacket(0x10);
}

function decodeVersion(body: Reader): Version {
  const name = body.string();
  const level = body.u8();
  if (name === "MQTT" && (level === 4 || level === 5)) return level;
  if (name === "MQIsdp" && level === 3) return 3;
  throw new UnsupportedVersionError(name, level); // [MQTT-3.1.2-1] [MQTT-3.1.2-2] [MQTT5-3.1.2-1] [MQTT5-3.1.2-2]
}

function checkFlags(flags: number, version: Version): void {
  if (flags & RESERVED) refuse(flags, "its reserved bit is 1"); // [MQTT-3.1.2-3] [MQTT5-3.1.2-3]
  if (flags & WILL) {
    if ((flags & WILL_QOS) === WILL_QOS) refuse(flags, "Will QoS is 3"); // [MQTT-3.1.2-14] [MQTT5-3.1.2-12]
  } else if (version !== 3) { // MQTT 3.1 disregards these bits when there is no Will.
    if (flags & WILL_QOS) refuse(flags, "Will QoS is set without a Will"); // [MQTT-3.1.2-11] [MQTT-3.1.2-13] [MQTT5-3.1.2-11]
    if (flags & WILL_RETAIN) refuse(flags, "Will Retain is set without a Will"); // [MQTT-3.1.2-15] [MQTT5-3.1.2-13]
  }
  if (version === 5) return; // A password may stand alone there.
  if ((flags & PASSWORD) && !(flags & USERNAME)) refuse(flags, "password without user name"); // [MQTT-3.1.2-22]
}

function refuse(flags: number, why: string): never {
  const bits = flags.toString(2).padStart(8, "0");
  throw new PacketError(ReasonCode.malformedPacket, `Cannot accept CONNECT flags ${bits}: ${why}`);
}

function decodeWill(flags: number, body: Reader, version: Version): WillFields {
  const { delaySeconds = 0, ...said } = version === 5 ? decodeProperties(body, "will") : {};
  const topic = body.string(); // [MQTT-3.1.3-10] [MQTT5-3.1.3-11]
  const payload = body.binary();
  const qos = ((flags & WILL_QOS) >> 3) as QoS;
  const retain = (flags & WILL_RETAIN) !== 0;
  return { topic, payload, qos, retain, delaySeconds, properties: messageProperties(said) };
}

function encodeWill(writer: Writer, will: WillDraft, version: Version): void {
  const { delaySeconds = 0, properties } = will;
  if (version === 5) encodeProperties(writer, "will", { ...properties, delaySeconds }, { delaySeconds: 0 });
  writer.string(will.topic);
  writer.binary(will.payload);
}
