import { assertEquals } from "@std/assert";
import { type ConnectFields, decode, encode, FrameReader } from "../../broker/packet/mod.ts";
import { assertNotEncoded, assertRefused, hex, testInvalid, testValid } from "./fixtures.ts";

const plain: ConnectFields = {
  type: "connect",
  version: 5,
  cleanStart: true,
  keepAliveSeconds: 60,
  clientId: "ab",
  will: undefined,
  username: undefined,
  password: undefined,
};
const will = { topic: "w", payload: hex("'x'"), qos: 0, retain: false } as const;

testValid([
  {
    name: "CONNECT of MQTT 5.0 with a client identifier only [MQTT5-3.1.3-3]",
    hex: "10 0f 00 04 'MQTT' 05 02 00 3c 00 00 02 'ab'",
    version: 5,
    packet: plain,
  },
  {
    name: "CONNECT of MQTT 5.0 before its version is known",
    hex: "10 0f 00 04 'MQTT' 05 02 00 3c 00 00 02 'ab'",
    version: 4,
    packet: plain,
  },
  {
    name: "CONNECT of MQTT 5.0 with an empty client identifier and no clean start [MQTT5-3.1.3-6]",
    hex: "10 0d 00 04 'MQTT' 05 00 00 00 00 00 00",
    version: 5,
    packet: { ...plain, cleanStart: false, keepAliveSeconds: 0, clientId: "" },
  },
  {
    name: "CONNECT with a password and no user name [MQTT5-3.1.2-19]",
    hex: "10 14 00 04 'MQTT' 05 42 00 3c 00 00 02 'ab' 00 03 'key'",
    version: 5,
    packet: { ...plain, password: hex("'key'") },
  },
  {
    name: "CONNECT with numbers in its properties",
    hex:
      "10 21 00 04 'MQTT' 05 02 00 3c 14 11 00 00 00 3c 17 00 19 01 21 00 01 22 ff ff 27 00 00 00 01 00 00",
    version: 5,
    packet: {
      ...plain,
      clientId: "",
      sessionExpirySeconds: 60,
      requestProblemInformation: false,
      requestResponseInformation: true,
      receiveMaximum: 1,
      topicAliasMax: 65_535,
      packetBytesMax: 1,
    },
  },
  {
    name: "CONNECT with a session that never ends, and the largest packet size",
    hex: "10 17 00 04 'MQTT' 05 02 00 3c 0a 11 ff ff ff ff 27 ff ff ff ff 00 00",
    version: 5,
    packet: { ...plain, clientId: "", sessionExpirySeconds: Infinity, packetBytesMax: 4_294_967_295 },
  },
  {
    name: "CONNECT with the defaults in so many words",
    hex: "10 1e 00 04 'MQTT' 05 02 00 3c 0f 11 00 00 00 00 17 01 19 00 21 ff ff 22 00 00 00 02 'ab'",
    version: 5,
    packet: plain,
    decodeOnly: true,
  },
  {
    name: "CONNECT with authentication and user properties in order [MQTT5-4.12.0-5]",
    hex:
      "10 2c 00 04 'MQTT' 05 02 00 3c 1d 15 00 01 'm' 16 00 02 00 ff 26 00 01 'b' 00 01 '1' 26 00 01 'a' 00 00 26 00 01 'b' 00 01 '2' 00 02 'ab'",
    version: 5,
    packet: {
      ...plain,
      authenticationMethod: "m",
      authenticationData: hex("00 ff"),
      userProperties: [["b", "1"], ["a", ""], ["b", "2"]],
    },
  },
  {
    name: "CONNECT with all payload fields in order [MQTT5-3.1.3-1] [MQTT5-3.1.2-9] [MQTT5-3.1.2-17]",
    hex: "10 22 00 04 'MQTT' 05 f6 00 0a 00 00 01 'c' 00 00 03 'w/t' 00 02 00 ff 00 02 'us' 00 04 'pass'",
    version: 5,
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
    name: "CONNECT with a will that waits and says nothing else",
    hex: "10 1a 00 04 'MQTT' 05 06 00 3c 00 00 01 'c' 05 18 00 00 00 05 00 01 'w' 00 01 'x'",
    version: 5,
    packet: { ...plain, clientId: "c", will: { ...will, delaySeconds: 5 } },
  },
  {
    name: "CONNECT with all properties of a will [MQTT5-3.1.3-10] [MQTT5-3.1.3-11]",
    hex:
      "10 43 00 04 'MQTT' 05 06 00 3c 00 00 01 'c' 2e 02 00 00 00 0a 01 01 03 00 01 't' 08 00 01 'r' 09 00 02 00 ff 18 ff ff ff ff 26 00 01 'b' 00 01 '1' 26 00 01 'a' 00 01 '2' 26 00 01 'b' 00 01 '3' 00 01 'w' 00 01 'x'",
    version: 5,
    packet: {
      ...plain,
      clientId: "c",
      will: {
        ...will,
        delaySeconds: 4_294_967_295,
        properties: {
          expirySeconds: 10,
          payloadIsText: true,
          contentType: "t",
          responseTopic: "r",
          correlationData: hex("00 ff"),
          userProperties: [["b", "1"], ["a", "2"], ["b", "3"]],
        },
      },
    },
  },
]);

testInvalid([
  {
    name: "CONNECT of MQTT 5.0 without properties",
    hex: "10 0a 00 04 'MQTT' 05 02 00 3c",
    reasonCode: 0x81,
  },
  {
    name: "CONNECT of MQTT 5.0 without client identifier [MQTT5-3.1.3-3]",
    hex: "10 0b 00 04 'MQTT' 05 02 00 3c 00",
    reasonCode: 0x81,
  },
  {
    name: "CONNECT of MQTT 5.0 with the reserved flag [MQTT5-3.1.2-3]",
    hex: "10 0d 00 04 'MQTT' 05 03 00 3c 00 00 00",
    reasonCode: 0x81,
  },
  {
    name: "Will QoS without Will in MQTT 5.0 [MQTT5-3.1.2-11]",
    hex: "10 0d 00 04 'MQTT' 05 0a 00 3c 00 00 00",
    reasonCode: 0x81,
  },
  {
    name: "Will QoS 3 in MQTT 5.0 [MQTT5-3.1.2-12]",
    hex: "10 13 00 04 'MQTT' 05 1e 00 3c 00 00 00 00 00 01 'w' 00 00",
    reasonCode: 0x81,
  },
  {
    name: "Will Retain without Will in MQTT 5.0 [MQTT5-3.1.2-13]",
    hex: "10 0d 00 04 'MQTT' 05 22 00 3c 00 00 00",
    reasonCode: 0x81,
  },
  {
    name: "a Will without its properties [MQTT5-3.1.2-9]",
    hex: "10 12 00 04 'MQTT' 05 06 00 3c 00 00 00 00 01 'w' 00 00",
    reasonCode: 0x81,
  },
  {
    name: "a Will flag without Will fields [MQTT5-3.1.2-9]",
    hex: "10 0d 00 04 'MQTT' 05 06 00 3c 00 00 00",
    reasonCode: 0x81,
  },
  {
    name: "a user name without its flag in MQTT 5.0 [MQTT5-3.1.2-16]",
    hex: "10 11 00 04 'MQTT' 05 02 00 3c 00 00 00 00 02 'us'",
    reasonCode: 0x81,
  },
  {
    name: "a user name flag without user name in MQTT 5.0 [MQTT5-3.1.2-17]",
    hex: "10 0d 00 04 'MQTT' 05 82 00 3c 00 00 00",
    reasonCode: 0x81,
  },
  {
    name: "a password without its flag in MQTT 5.0 [MQTT5-3.1.2-18]",
    hex: "10 15 00 04 'MQTT' 05 82 00 3c 00 00 00 00 02 'us' 00 02 'pw'",
    reasonCode: 0x81,
  },
  {
    name: "an ill-formed client identifier in MQTT 5.0 [MQTT5-3.1.3-4] [MQTT5-1.5.4-1]",
    hex: "10 10 00 04 'MQTT' 05 02 00 3c 00 00 03 ed a0 80",
    reasonCode: 0x81,
  },
  {
    name: "U+0000 in a user property [MQTT5-1.5.4-2] [MQTT5-1.5.7-1]",
    hex: "10 14 00 04 'MQTT' 05 02 00 3c 07 26 00 01 'a' 00 01 00 00 00",
    reasonCode: 0x81,
  },
  {
    name: "an ill-formed name of a user property [MQTT5-1.5.7-1]",
    hex: "10 15 00 04 'MQTT' 05 02 00 3c 08 26 00 02 c3 28 00 01 'a' 00 00",
    reasonCode: 0x81,
  },
  {
    name: "an ill-formed user name in MQTT 5.0 [MQTT5-3.1.3-12]",
    hex: "10 11 00 04 'MQTT' 05 82 00 3c 00 00 00 00 02 c0 80",
    reasonCode: 0x81,
  },
  {
    name: "authentication data without method",
    hex: "10 11 00 04 'MQTT' 05 02 00 3c 04 16 00 01 00 00 00",
    reasonCode: 0x82,
  },
  {
    name: "bytes behind the last field in MQTT 5.0 [MQTT5-3.1.4-1]",
    hex: "10 0e 00 04 'MQTT' 05 02 00 3c 00 00 00 00",
    reasonCode: 0x81,
  },
]);

Deno.test("a padded length of a CONNECT is refused as soon as it says MQTT 5.0 [MQTT5-1.5.5-1]", () => {
  const body = hex("00 04 'MQTT' 05 02 00 3c 00 00 00");
  assertRefused([Uint8Array.of(0x10, 0x80 | body.length, 0x00, ...body)], 4, 0x81);
  const earlier = hex("00 04 'MQTT' 04 02 00 3c 00 00");
  const frames = new FrameReader(100);
  frames.push(Uint8Array.of(0x10, 0x80 | earlier.length, 0x00, ...earlier));
  frames.next();
  assertEquals(decode(frames, 4).type, "connect");
});

Deno.test("a CONNECT of MQTT 5.0 that breaks the rules is not encoded", () => {
  assertNotEncoded({ ...plain, receiveMaximum: 0 }, 5, 0x82);
  assertNotEncoded({ ...plain, packetBytesMax: 0 }, 5, 0x82);
  assertNotEncoded({ ...plain, authenticationData: hex("00") }, 5, 0x82);
  assertNotEncoded({ ...plain, topicAliasMax: 65_536 }, 5, 0x81);
});

Deno.test("CONNECT leaves out for 3.1.1 what only 5.0 knows", () => {
  const packet: ConnectFields = {
    ...plain,
    version: 4,
    sessionExpirySeconds: 5,
    receiveMaximum: 7,
    userProperties: [["a", "b"]],
    will: { ...will, delaySeconds: 5, properties: { payloadIsText: true } },
  };
  assertEquals(encode(packet, 4), hex("10 14 00 04 'MQTT' 04 06 00 3c 00 02 'ab' 00 01 'w' 00 01 'x'"));
});

Deno.test("the session of 3.1.1 ends with the connection or never", () => {
  for (const cleanStart of [true, false]) {
    const frames = new FrameReader(100);
    frames.push(encode({ ...plain, version: 4, cleanStart }, 4));
    frames.next();
    const packet = decode(frames, 4);
    assertEquals(packet.type === "connect" && packet.sessionExpirySeconds, cleanStart ? 0 : Infinity);
  }
});
