import { assertEquals, assertStrictEquals } from "@std/assert";
import {
  encode,
  encodePublishFrame,
  frameOf,
  type PublishFields,
  type PublishPacket,
} from "../../broker/packet/mod.ts";
import { assertNotEncoded, assertRefused, decodeChunks, hex, testInvalid, testValid } from "./fixtures.ts";

const plain: PublishFields = {
  type: "publish",
  dup: false,
  qos: 0,
  retain: false,
  topic: "a/b",
  packetId: 0,
  payload: hex("'hi'"),
};
const properties = {
  expirySeconds: 10,
  payloadIsText: true,
  contentType: "t/p",
  responseTopic: "r",
  correlationData: hex("00 ff"),
  userProperties: [["b", "1"], ["a", ""], ["b", "1"]],
} as const;

function decodePublish(bytes: Uint8Array): PublishPacket {
  const [packet] = decodeChunks([bytes], 5);
  if (packet?.type !== "publish") throw new Error(packet?.type);
  return packet;
}

testValid([
  {
    name: "PUBLISH of MQTT 5.0, QoS 0 [MQTT5-2.2.1-2] [MQTT5-2.2.2-1] [MQTT5-3.3.2-1]",
    hex: "30 08 00 03 'a/b' 00 'hi'",
    version: 5,
    packet: plain,
  },
  {
    name: "PUBLISH of MQTT 5.0, QoS 1, retained",
    hex: "33 0a 00 03 'a/b' 00 01 00 'hi'",
    version: 5,
    packet: { ...plain, qos: 1, retain: true, packetId: 1 },
  },
  {
    name: "PUBLISH of MQTT 5.0, QoS 2, sent again, without payload",
    hex: "3c 08 00 03 'a/b' ff ff 00",
    version: 5,
    packet: { ...plain, dup: true, qos: 2, packetId: 65535, payload: hex("") },
  },
  {
    name: "PUBLISH with all that a message can say [MQTT5-3.3.2-13] [MQTT5-3.3.2-18] [MQTT5-3.3.2-19]",
    hex:
      "30 32 00 03 'a/b' 2a 02 00 00 00 0a 01 01 03 00 03 't/p' 08 00 01 'r' 09 00 02 00 ff 26 00 01 'b' 00 01 '1' 26 00 01 'a' 00 00 26 00 01 'b' 00 01 '1' 'hi'",
    version: 5,
    packet: { ...plain, properties },
  },
  {
    name: "PUBLISH whose properties come in another order",
    hex: "32 1e 00 03 'a/b' 00 07 14 26 00 01 'b' 00 01 '1' 01 00 26 00 00 00 01 'c' 02 ff ff ff ff 'hi'",
    version: 5,
    packet: {
      ...plain,
      qos: 1,
      packetId: 7,
      properties: {
        expirySeconds: 4_294_967_295,
        payloadIsText: false,
        userProperties: [["b", "1"], ["", "c"]],
      },
    },
    decodeOnly: true,
  },
  {
    name: "PUBLISH of unspecified bytes in so many words [MQTT5-3.3.2-4]",
    hex: "30 0a 00 03 'a/b' 02 01 00 'hi'",
    version: 5,
    packet: { ...plain, properties: { payloadIsText: false } },
  },
  {
    name: "PUBLISH with a topic alias",
    hex: "30 0b 00 03 'a/b' 03 23 00 01 'hi'",
    version: 5,
    packet: { ...plain, topicAlias: 1 },
  },
  {
    name: "PUBLISH with the largest topic alias in the place of its topic",
    hex: "32 0a 00 00 00 01 03 23 ff ff 'hi'",
    version: 5,
    packet: { ...plain, qos: 1, packetId: 1, topic: "", topicAlias: 65_535 },
  },
  {
    name: "PUBLISH without topic, which the connection judges",
    hex: "30 05 00 00 00 'hi'",
    version: 5,
    packet: { ...plain, topic: "" },
  },
  {
    name: "PUBLISH with the identifiers of three subscriptions [MQTT5-3.3.4-4]",
    hex: "30 16 00 03 'a/b' 0e 02 00 00 00 01 0b 01 0b ff ff ff 7f 0b 01 'hi'",
    version: 5,
    packet: { ...plain, properties: { expirySeconds: 1 }, subscriptionIds: [1, 268_435_455, 1] },
  },
  {
    name: "PUBLISH with U+FEFF where strings are [MQTT5-1.5.4-3]",
    hex: "30 12 00 04 ef bb bf 'a' 0b 26 00 03 ef bb bf 00 03 ef bb bf",
    version: 5,
    packet: {
      ...plain,
      topic: "\uFEFFa",
      payload: hex(""),
      properties: { userProperties: [["\uFEFF", "\uFEFF"]] },
    },
  },
]);

testInvalid([
  {
    name: "PUBLISH of MQTT 5.0 with QoS 3 [MQTT5-3.3.1-4]",
    hex: "36 0a 00 03 'a/b' 00 01 00 'hi'",
    version: 5,
    reasonCode: 0x81,
  },
  {
    name: "PUBLISH of MQTT 5.0 with DUP and QoS 0 [MQTT5-3.3.1-2]",
    hex: "38 08 00 03 'a/b' 00 'hi'",
    version: 5,
    reasonCode: 0x81,
  },
  {
    name: "PUBLISH of MQTT 5.0 with identifier 0 [MQTT5-2.2.1-3]",
    hex: "32 0a 00 03 'a/b' 00 00 00 'hi'",
    version: 5,
    reasonCode: 0x82,
  },
  { name: "PUBLISH of MQTT 5.0 without properties", hex: "30 05 00 03 'a/b'", version: 5, reasonCode: 0x81 },
  {
    name: "PUBLISH with topic alias 0 [MQTT5-3.3.2-8]",
    hex: "30 0b 00 03 'a/b' 03 23 00 00 'hi'",
    version: 5,
    reasonCode: 0x94,
  },
  {
    name: "PUBLISH with subscription identifier 0",
    hex: "30 0c 00 03 'a/b' 04 0b 05 0b 00 'hi'",
    version: 5,
    reasonCode: 0x82,
  },
  {
    name: "PUBLISH with an ill-formed response topic [MQTT5-3.3.2-13]",
    hex: "30 0d 00 03 'a/b' 05 08 00 02 c3 28 'hi'",
    version: 5,
    reasonCode: 0x81,
  },
  {
    name: "PUBLISH with an ill-formed content type [MQTT5-3.3.2-19]",
    hex: "30 0c 00 03 'a/b' 04 03 00 01 ff 'hi'",
    version: 5,
    reasonCode: 0x81,
  },
  {
    name: "PUBLISH whose block goes beyond its end",
    hex: "30 08 00 03 'a/b' 05 01 01",
    version: 5,
    reasonCode: 0x81,
  },
  {
    name: "PUBLISH whose block ends inside a property",
    hex: "30 0d 00 03 'a/b' 03 02 00 00 00 0a 'hi'",
    version: 5,
    reasonCode: 0x81,
  },
  {
    name: "PUBLISH whose block has a length of more bytes than it needs [MQTT5-1.5.5-1]",
    hex: "30 0b 00 03 'a/b' 82 00 01 01 'hi'",
    version: 5,
    reasonCode: 0x81,
  },
]);

Deno.test("a padded remaining length is refused in MQTT 5.0 [MQTT5-1.5.5-1]", () => {
  assertRefused([Uint8Array.of(0x30, 0x86, 0x00, 0, 1, 0x61, 0, 1, 2)], 5, 0x81);
  assertRefused([Uint8Array.of(0xc0, 0x80, 0x00)], 5, 0x81);
});

Deno.test("a PUBLISH of MQTT 5.0 that breaks the rules is not encoded", () => {
  assertNotEncoded({ ...plain, subscriptionIds: [0] }, 5, 0x82);
  assertNotEncoded({ ...plain, subscriptionIds: [268_435_456] }, 5, 0x95);
  assertNotEncoded({ ...plain, topicAlias: 65_536 }, 5, 0x81);
  assertNotEncoded({ ...plain, properties: { contentType: "\0" } }, 5, 0x81); // [MQTT5-1.5.4-2]
  assertNotEncoded({ ...plain, properties: { userProperties: [["a", "\uD800"]] } }, 5, 0x81); // [MQTT5-1.5.7-1]
  assertNotEncoded({ ...plain, properties: { expirySeconds: 1.5 } }, 5, 0x81);
  assertNotEncoded({ ...plain, properties: { correlationData: new Uint8Array(65_536) } }, 5, 0x81);
});

Deno.test("PUBLISH leaves out for 3.1.1 what only 5.0 knows", () => {
  assertEquals(encode({ ...plain, properties, topicAlias: 1, subscriptionIds: [1] }, 4), encode(plain, 4));
  const frame = encodePublishFrame({ ...plain, properties }, false, 4);
  const bytes = encode(plain, 4);
  const payloadOffset = bytes.length - plain.payload.length;
  assertEquals(frame, frameOf(bytes, { packetIdOffset: 0, expiryOffset: 0, payloadOffset, version: 4 }));
});

Deno.test("a frame of MQTT 5.0 is the packet but for first byte, identifier and expiry", () => {
  for (const payloadBytes of [0, 2, 200, 20_000]) {
    for (const valueBytes of [0, 90, 120, 20_000]) {
      const fields: PublishFields = {
        ...plain,
        payload: new Uint8Array(payloadBytes).fill(7),
        properties: { ...properties, userProperties: [["name", "v".repeat(valueBytes)]] },
      };
      const { bytes, packetIdOffset, expiryOffset, version } = encodePublishFrame(fields, true, 5);
      assertEquals(version, 5);
      bytes[0] = 0x3d;
      bytes.set(hex("ab cd"), packetIdOffset);
      bytes.set(hex("00 00 00 03"), expiryOffset);
      const sent = { ...fields, dup: true, qos: 2, retain: true, packetId: 0xabcd } as const;
      assertEquals(bytes, encode({ ...sent, properties: { ...fields.properties, expirySeconds: 3 } }, 5));
    }
  }
});

Deno.test("a frame for one subscriber has its alias and identifiers behind what all get", () => {
  const frame = encodePublishFrame(
    {
      topic: "",
      payload: plain.payload,
      properties: { expirySeconds: 9 },
      topicAlias: 2,
      subscriptionIds: [5],
    },
    true,
    5,
  );
  assertEquals(frame.bytes, hex("32 11 00 00 00 00 0a 02 00 00 00 09 0b 05 23 00 02 'hi'"));
  assertEquals([frame.packetIdOffset, frame.expiryOffset], [4, 8]);
});

Deno.test("a packet that came in is the frame that goes out, but for what is between two ends only", () => {
  const chunk = encode({ ...plain, properties }, 5);
  const { frame } = decodePublish(chunk);
  assertStrictEquals(frame?.bytes.buffer, chunk.buffer);
  assertEquals(frame?.version, 5);
  assertEquals(decodePublish(encode({ ...plain, topicAlias: 1 }, 5)).frame, undefined);
  assertEquals(decodePublish(encode({ ...plain, subscriptionIds: [1] }, 5)).frame, undefined);
});

Deno.test("correlation data do not hold the chunk that they came in", () => {
  const chunk = encode({ ...plain, properties }, 5);
  const { correlationData } = decodePublish(chunk).properties ?? {};
  assertEquals(correlationData?.buffer.byteLength, 2);
  chunk.fill(0);
  assertEquals(correlationData, hex("00 ff"));
});
