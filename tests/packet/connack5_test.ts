import { assertEquals } from "@std/assert";
import { type ConnackFields, encode } from "../../broker/packet/mod.ts";
import { assertNotEncoded, hex, testInvalid, testValid } from "./fixtures.ts";

const plain: ConnackFields = { type: "connack", sessionPresent: false, reasonCode: 0 };

testValid([
  {
    name: "CONNACK of MQTT 5.0 [MQTT5-2.2.2-1] [MQTT5-3.2.2-1]",
    hex: "20 03 00 00 00",
    version: 5,
    packet: plain,
  },
  {
    name: "CONNACK of MQTT 5.0, session present [MQTT5-3.2.2-3]",
    hex: "20 03 01 00 00",
    version: 5,
    packet: { ...plain, sessionPresent: true },
  },
  {
    name: "CONNACK of MQTT 5.0 that refuses [MQTT5-3.2.2-6] [MQTT5-3.2.2-8]",
    hex: "20 17 00 87 14 1f 00 03 'why' 26 00 01 'a' 00 01 'b' 26 00 01 'a' 00 01 'c'",
    version: 5,
    packet: { ...plain, reasonCode: 0x87, reasonString: "why", userProperties: [["a", "b"], ["a", "c"]] },
  },
  {
    name: "CONNACK with all numbers [MQTT5-3.2.2-9]",
    hex:
      "20 20 00 00 1d 11 00 00 00 0a 13 00 05 21 00 14 22 00 03 24 01 25 00 27 00 01 00 00 28 00 29 00 2a 00",
    version: 5,
    packet: {
      ...plain,
      sessionExpirySeconds: 10,
      serverKeepAliveSeconds: 5,
      receiveMaximum: 20,
      topicAliasMax: 3,
      qosMax: 1,
      retainAvailable: false,
      packetBytesMax: 65_536,
      wildcardSubscriptionsAvailable: false,
      subscriptionIdsAvailable: false,
      sharedSubscriptionsAvailable: false,
    },
  },
  {
    name: "CONNACK with all strings [MQTT5-3.2.2-16]",
    hex: "20 1a 00 00 17 12 00 02 'id' 15 00 01 'm' 16 00 01 00 1a 00 01 'r' 1c 00 01 's' 24 00",
    version: 5,
    packet: {
      ...plain,
      assignedClientId: "id",
      authenticationMethod: "m",
      authenticationData: hex("00"),
      responseInformation: "r",
      serverReference: "s",
      qosMax: 0,
    },
  },
  {
    name: "CONNACK with defaults in so many words",
    hex: "20 11 00 00 0e 21 ff ff 22 00 00 25 01 28 01 29 01 2a 01",
    version: 5,
    packet: plain,
    decodeOnly: true,
  },
  {
    name: "CONNACK of a server that knows only 3.1.1, in its words",
    hex: "20 02 00 01",
    version: 5,
    packet: { ...plain, reasonCode: 0x84 },
    decodeOnly: true,
  },
]);

testInvalid([
  { name: "CONNACK of MQTT 5.0 without properties", hex: "20 02 00 00", version: 5, reasonCode: 0x81 },
  {
    name: "CONNACK of MQTT 5.0 with reserved flags [MQTT5-3.2.2-1]",
    hex: "20 03 02 00 00",
    version: 5,
    reasonCode: 0x81,
  },
  {
    name: "CONNACK of MQTT 5.0 that fails with session present [MQTT5-3.2.2-6]",
    hex: "20 03 01 87 00",
    version: 5,
    reasonCode: 0x81,
  },
  {
    name: "CONNACK with a return code of 3.1.1 and properties [MQTT5-3.2.2-8]",
    hex: "20 03 00 05 00",
    version: 5,
    reasonCode: 0x82,
  },
  {
    name: "CONNACK with a reason code of DISCONNECT [MQTT5-3.2.2-8]",
    hex: "20 03 00 8e 00",
    version: 5,
    reasonCode: 0x82,
  },
  {
    name: "CONNACK with authentication data and no method",
    hex: "20 06 00 00 03 16 00 00",
    version: 5,
    reasonCode: 0x82,
  },
  {
    name: "CONNACK of MQTT 5.0 with bytes behind its properties",
    hex: "20 04 00 00 00 00",
    version: 5,
    reasonCode: 0x81,
  },
]);

Deno.test("a CONNACK of MQTT 5.0 says every reason, and no session when it refuses [MQTT5-3.2.2-6]", () => {
  assertEquals(encode({ ...plain, sessionPresent: true, reasonCode: 0x97 }, 5), hex("20 03 00 97 00"));
  assertNotEncoded({ ...plain, reasonCode: 0x8e }, 5, 0x82); // [MQTT5-3.2.2-8]
  assertNotEncoded({ ...plain, receiveMaximum: 0 }, 5, 0x82);
});

Deno.test("CONNACK leaves out for 3.1.1 what only 5.0 knows", () => {
  assertEquals(encode({ ...plain, assignedClientId: "id", receiveMaximum: 5 }, 4), hex("20 02 00 00"));
});
