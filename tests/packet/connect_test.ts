import { assertEquals, assertThrows } from "@std/assert";
import {
  type ConnectFields,
  decode,
  encode,
  encodeVersionRefusal,
  FrameReader,
  UnsupportedVersionError,
} from "../../broker/packet/mod.ts";
import { assertNotEncoded, hex, testInvalid, testValid } from "./fixtures.ts";

const plain: ConnectFields = {
  type: "connect",
  version: 4,
  cleanStart: true,
  keepAliveSeconds: 60,
  clientId: "ab",
  will: undefined,
  username: undefined,
  password: undefined,
};

testValid([
  {
    name: "CONNECT with a client identifier only [MQTT-3.1.3-3]",
    hex: "10 0e 00 04 'MQTT' 04 02 00 3c 00 02 'ab'",
    packet: plain,
  },
  {
    name: "CONNECT of MQTT 3.1",
    hex: "10 10 00 06 'MQIsdp' 03 02 00 3c 00 02 'ab'",
    packet: { ...plain, version: 3 },
    version: 3,
  },
  {
    name: "CONNECT of MQTT 3.1 before its version is known",
    hex: "10 10 00 06 'MQIsdp' 03 02 00 3c 00 02 'ab'",
    packet: { ...plain, version: 3 },
  },
  {
    name: "CONNECT of MQTT 3.1 with 30 characters of client identifier",
    hex: "10 2c 00 06 'MQIsdp' 03 02 00 3c 00 1e 'abcdefghijklmnopqrstuvwxyz0123'",
    packet: { ...plain, version: 3, clientId: "abcdefghijklmnopqrstuvwxyz0123" },
  },
  {
    name: "CONNECT of MQTT 3.1 with Will bits and no Will, which it disregards",
    hex: "10 10 00 06 'MQIsdp' 03 3a 00 3c 00 02 'ab'",
    packet: { ...plain, version: 3 },
    decodeOnly: true,
  },
  {
    name: "CONNECT with an empty client identifier, clean session [MQTT-3.1.3-6]",
    hex: "10 0c 00 04 'MQTT' 04 02 ff ff 00 00",
    packet: { ...plain, clientId: "", keepAliveSeconds: 65535 },
  },
  {
    name: "CONNECT with an empty client identifier, kept session: the connection answers it [MQTT-3.1.3-8]",
    hex: "10 0c 00 04 'MQTT' 04 00 00 00 00 00",
    packet: { ...plain, clientId: "", keepAliveSeconds: 0, cleanStart: false },
  },
  {
    name: "CONNECT of MQTT 3.1 with an empty client identifier: the connection answers it [MQTT-3.1.3-9]",
    hex: "10 0e 00 06 'MQIsdp' 03 02 00 3c 00 00",
    version: 3,
    packet: { ...plain, version: 3, clientId: "" },
  },
  {
    name: "CONNECT with all fields in order [MQTT-3.1.3-1] [MQTT-3.1.2-9] [MQTT-3.1.2-19] [MQTT-3.1.2-21]",
    hex: "10 20 00 04 'MQTT' 04 f6 00 0a 00 01 'c' 00 03 'w/t' 00 02 00 ff 00 02 'us' 00 04 'pass'",
    packet: {
      ...plain,
      keepAliveSeconds: 10,
      clientId: "c",
      will: { topic: "w/t", payload: hex("00 ff"), qos: 2, retain: true },
      username: "us",
      password: hex("'pass'"),
    },
  },
  {
    name: "CONNECT with an empty Will payload, user name and password",
    hex: "10 16 00 04 'MQTT' 04 c4 00 0a 00 01 'c' 00 01 'w' 00 00 00 00 00 00",
    packet: {
      ...plain,
      cleanStart: false,
      keepAliveSeconds: 10,
      clientId: "c",
      will: { topic: "w", payload: hex(""), qos: 0, retain: false },
      username: "",
      password: hex(""),
    },
  },
  {
    name: "CONNECT with a user name that begins with U+FEFF, which is kept [MQTT-1.5.3-3]",
    hex: "10 12 00 04 'MQTT' 04 82 00 3c 00 00 00 04 ef bb bf 41",
    packet: { ...plain, clientId: "", username: "\uFEFFA" },
  },
]);

testInvalid([
  {
    name: "CONNECT with flags in its header [MQTT-2.2.2-2]",
    hex: "11 0e 00 04 'MQTT' 04 02 00 3c 00 02 'ab'",
    reasonCode: 0x81,
  },
  {
    name: "an unknown protocol name [MQTT-3.1.2-1]",
    hex: "10 0e 00 04 'XQTT' 04 02 00 3c 00 02 'ab'",
    reasonCode: 0x84,
  },
  {
    name: "a protocol name in lower case [MQTT-3.1.2-1]",
    hex: "10 0e 00 04 'mqtt' 04 02 00 3c 00 02 'ab'",
    reasonCode: 0x84,
  },
  {
    name: "protocol level 6 [MQTT-3.1.2-2]",
    hex: "10 0e 00 04 'MQTT' 06 02 00 3c 00 02 'ab'",
    reasonCode: 0x84,
  },
  {
    name: "level 3 under the name of 3.1.1 [MQTT-3.1.2-2]",
    hex: "10 0e 00 04 'MQTT' 03 02 00 3c 00 02 'ab'",
    reasonCode: 0x84,
  },
  {
    name: "level 4 under the name of 3.1 [MQTT-3.1.2-2]",
    hex: "10 10 00 06 'MQIsdp' 04 02 00 3c 00 02 'ab'",
    reasonCode: 0x84,
  },
  {
    name: "level 6 before its flags are looked at",
    hex: "10 0b 00 04 'MQTT' 06 ff 00 3c 00 00",
    reasonCode: 0x84,
  },
  {
    name: "CONNECT with the reserved flag [MQTT-3.1.2-3]",
    hex: "10 0e 00 04 'MQTT' 04 03 00 3c 00 02 'ab'",
    reasonCode: 0x81,
  },
  {
    name: "Will QoS 1 without Will [MQTT-3.1.2-13]",
    hex: "10 0e 00 04 'MQTT' 04 0a 00 3c 00 02 'ab'",
    reasonCode: 0x81,
  },
  {
    name: "Will QoS 2 without Will [MQTT-3.1.2-11]",
    hex: "10 0e 00 04 'MQTT' 04 12 00 3c 00 02 'ab'",
    reasonCode: 0x81,
  },
  {
    name: "Will Retain without Will [MQTT-3.1.2-15]",
    hex: "10 0e 00 04 'MQTT' 04 22 00 3c 00 02 'ab'",
    reasonCode: 0x81,
  },
  {
    name: "Will fields without Will flag [MQTT-3.1.2-11]",
    hex: "10 14 00 04 'MQTT' 04 02 00 3c 00 02 'ab' 00 01 'w' 00 01 'x'",
    reasonCode: 0x81,
  },
  {
    name: "Will flag without Will fields [MQTT-3.1.2-9]",
    hex: "10 0e 00 04 'MQTT' 04 06 00 3c 00 02 'ab'",
    reasonCode: 0x81,
  },
  {
    name: "Will QoS 3 [MQTT-3.1.2-14]",
    hex: "10 14 00 04 'MQTT' 04 1e 00 3c 00 02 'ab' 00 01 'w' 00 01 'x'",
    reasonCode: 0x81,
  },
  {
    name: "Will QoS 3 in MQTT 3.1",
    hex: "10 16 00 06 'MQIsdp' 03 1e 00 3c 00 02 'ab' 00 01 'w' 00 01 'x'",
    reasonCode: 0x81,
  },
  {
    name: "a user name without its flag [MQTT-3.1.2-18]",
    hex: "10 12 00 04 'MQTT' 04 02 00 3c 00 02 'ab' 00 02 'us'",
    reasonCode: 0x81,
  },
  {
    name: "a user name flag without user name [MQTT-3.1.2-19]",
    hex: "10 0e 00 04 'MQTT' 04 82 00 3c 00 02 'ab'",
    reasonCode: 0x81,
  },
  {
    name: "a password without its flag [MQTT-3.1.2-20]",
    hex: "10 16 00 04 'MQTT' 04 82 00 3c 00 02 'ab' 00 02 'us' 00 02 'pw'",
    reasonCode: 0x81,
  },
  {
    name: "a password flag without password [MQTT-3.1.2-21]",
    hex: "10 12 00 04 'MQTT' 04 c2 00 3c 00 02 'ab' 00 02 'us'",
    reasonCode: 0x81,
  },
  {
    name: "a password without user name [MQTT-3.1.2-22]",
    hex: "10 12 00 04 'MQTT' 04 42 00 3c 00 02 'ab' 00 02 'pw'",
    reasonCode: 0x81,
  },
  {
    name: "CONNECT without client identifier [MQTT-3.1.3-3]",
    hex: "10 0a 00 04 'MQTT' 04 02 00 3c",
    reasonCode: 0x81,
  },
  {
    name: "an ill-formed client identifier [MQTT-3.1.3-4] [MQTT-1.5.3-1]",
    hex: "10 0e 00 04 'MQTT' 04 02 00 3c 00 02 c3 28",
    reasonCode: 0x81,
  },
  {
    name: "U+0000 in the client identifier [MQTT-1.5.3-2]",
    hex: "10 0e 00 04 'MQTT' 04 02 00 3c 00 02 61 00",
    reasonCode: 0x81,
  },
  {
    name: "an ill-formed Will topic [MQTT-3.1.3-10]",
    hex: "10 14 00 04 'MQTT' 04 06 00 3c 00 00 00 03 ed a0 80 00 01 'x'",
    reasonCode: 0x81,
  },
  {
    name: "an ill-formed user name [MQTT-3.1.3-11]",
    hex: "10 10 00 04 'MQTT' 04 82 00 3c 00 00 00 02 c0 80",
    reasonCode: 0x81,
  },
  {
    name: "bytes behind the last field [MQTT-3.1.4-1]",
    hex: "10 0f 00 04 'MQTT' 04 02 00 3c 00 02 'ab' 00",
    reasonCode: 0x81,
  },
  { name: "an empty CONNECT [MQTT-3.1.4-1]", hex: "10 00", reasonCode: 0x81 },
]);

function refusalOf(text: string): Uint8Array | undefined {
  const frames = new FrameReader(100);
  frames.push(hex(text));
  frames.next();
  return encodeVersionRefusal(assertThrows(() => decode(frames, 4), UnsupportedVersionError));
}

Deno.test("a version that is not spoken is refused in the words of that version [MQTT-3.1.2-2]", () => {
  assertEquals(encodeVersionRefusal(new UnsupportedVersionError("MQTT", 5)), hex("20 03 00 84 00"));
  assertEquals(refusalOf("10 0c 00 04 'MQTT' 06 02 00 3c 00 00"), hex("20 02 00 01"));
  assertEquals(refusalOf("10 0c 00 04 'MQTT' 84 02 00 3c 00 00"), hex("20 02 00 01"));
  assertEquals(refusalOf("10 0e 00 06 'MQIsdp' 05 02 00 3c 00 00"), hex("20 02 00 01"));
});

Deno.test("a protocol that is not MQTT gets no answer [MQTT-3.1.2-1]", () => {
  assertEquals(refusalOf("10 0c 00 04 'XQTT' 04 02 00 3c 00 00"), undefined);
  assertEquals(refusalOf("10 0c 00 04 'XQTT' 05 02 00 3c 00 00"), undefined);
});

Deno.test("a CONNECT that breaks the rules is not encoded", () => {
  assertNotEncoded({ ...plain, password: hex("'pw'") }, 4, 0x81); // [MQTT-3.1.2-22]
  assertNotEncoded({ ...plain, keepAliveSeconds: 65536 }, 4, 0x81);
  assertNotEncoded({ ...plain, clientId: "a\0b" }, 4, 0x81); // [MQTT-1.5.3-2]
});

Deno.test("the version of a CONNECT comes from the packet", () => {
  assertEquals(encode({ ...plain, version: 3 }, 4), encode({ ...plain, version: 3 }, 3));
});
