import { PacketError } from "./packet_error.ts";
import type { Reader } from "./reader.ts";
import { ReasonCode } from "./reason_code.ts";
import type { ConnectPacket, QoS, Version, WillFields } from "./types.ts";
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

export function decodeConnect(body: Reader): ConnectPacket {
  const version = decodeVersion(body);
  const flags = body.u8();
  checkFlags(flags, version);
  const keepAliveSeconds = body.u16();
  // The order of the payload fields is fixed. [MQTT-3.1.3-1]
  const clientId = body.string(); // [MQTT-3.1.3-3] [MQTT-3.1.3-4]
  const will = flags & WILL ? decodeWill(flags, body) : undefined; // [MQTT-3.1.2-9] [MQTT-3.1.2-11]
  const username = flags & USERNAME ? body.string() : undefined; // [MQTT-3.1.2-18] [MQTT-3.1.2-19] [MQTT-3.1.3-11]
  const password = flags & PASSWORD ? body.binary() : undefined; // [MQTT-3.1.2-20] [MQTT-3.1.2-21]
  body.end(); // [MQTT-3.1.4-1]
  const cleanStart = (flags & CLEAN_START) !== 0;
  return { type: "connect", version, cleanStart, keepAliveSeconds, clientId, will, username, password };
}

export function encodeConnect(packet: ConnectPacket): Uint8Array {
  const { version, will, username, password } = packet;
  if (version === 5) throw new UnsupportedVersionError("MQTT", version);
  if (password !== undefined && username === undefined) { // [MQTT-3.1.2-22]
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
  writer.string(packet.clientId);
  if (will !== undefined) {
    writer.string(will.topic);
    writer.binary(will.payload);
  }
  if (username !== undefined) writer.string(username);
  if (password !== undefined) writer.binary(password);
  return writer.finishPacket(0x10);
}

function decodeVersion(body: Reader): Version {
  const name = body.string();
  const level = body.u8();
  if (name === "MQTT" && level === 4) return 4;
  if (name === "MQIsdp" && level === 3) return 3;
  throw new UnsupportedVersionError(name, level); // [MQTT-3.1.2-1] [MQTT-3.1.2-2]
}

function checkFlags(flags: number, version: Version): void {
  if (flags & RESERVED) refuse(flags, "its reserved bit is 1"); // [MQTT-3.1.2-3]
  if (flags & WILL) {
    if ((flags & WILL_QOS) === WILL_QOS) refuse(flags, "Will QoS is 3"); // [MQTT-3.1.2-14]
  } else if (version !== 3) { // MQTT 3.1 disregards these bits when there is no Will.
    if (flags & WILL_QOS) refuse(flags, "Will QoS is set without a Will"); // [MQTT-3.1.2-11] [MQTT-3.1.2-13]
    if (flags & WILL_RETAIN) refuse(flags, "Will Retain is set without a Will"); // [MQTT-3.1.2-15]
  }
  if ((flags & PASSWORD) && !(flags & USERNAME)) refuse(flags, "password without user name"); // [MQTT-3.1.2-22]
}

function refuse(flags: number, why: string): never {
  const bits = flags.toString(2).padStart(8, "0");
  throw new PacketError(ReasonCode.malformedPacket, `Cannot accept CONNECT flags ${bits}: ${why}`);
}

function decodeWill(flags: number, body: Reader): WillFields {
  const topic = body.string(); // [MQTT-3.1.3-10]
  const payload = body.binary();
  return { topic, payload, qos: ((flags & WILL_QOS) >> 3) as QoS, retain: (flags & WILL_RETAIN) !== 0 };
}
