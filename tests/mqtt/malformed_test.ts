import { assertEquals } from "@std/assert";
import { packetHex } from "../support/packet_hex.ts";
import { startBroker } from "../support/start_broker.ts";
import { BEFORE_5, testVersionPairs, testVersions } from "../support/versions.ts";

/** Packets after CONNECT that end their connection, and that one only. */
const FORBIDDEN: Readonly<Record<string, readonly [packet: string, reasonCode5: number]>> = {
  "[MQTT-2.2.2-2] [MQTT5-2.1.3-1] PINGREQ with flags": ["c1 00", 0x81],
  "[MQTT-2.2.2-2] [MQTT5-2.1.3-1] PUBACK with flags": ["41 02 00 01", 0x81],
  "[MQTT-3.6.1-1] [MQTT-2.2.2-2] [MQTT5-3.6.1-1] [MQTT5-2.1.3-1] PUBREL with flags 0": ["60 02 00 01", 0x81],
  "[MQTT-2.2.2-2] [MQTT5-2.1.3-1] PUBCOMP with flags": ["72 02 00 01", 0x81],
  "[MQTT-3.3.1-4] [MQTT5-3.3.1-4] PUBLISH of QoS 3": ["36 [00 01 'a' 00 01 {00} 31]", 0x81],
  "[MQTT-3.3.1-2] [MQTT5-3.3.1-2] PUBLISH of QoS 0 with DUP": ["38 [00 01 'a' {00} 31]", 0x81],
  "[MQTT-4.8.0-1] [MQTT5-4.13.1-1] CONNACK, which only servers send": ["20 [00 00 {00}]", 0x82],
  "[MQTT-4.8.0-1] [MQTT5-4.13.1-1] SUBACK, which only servers send": ["90 [00 01 {00} 00]", 0x82],
  "[MQTT-4.8.0-1] [MQTT5-4.13.1-1] UNSUBACK, which only servers send": ["b0 [00 01 {00 00}]", 0x82],
  "[MQTT-4.8.0-1] [MQTT5-4.13.1-1] PINGRESP, which only servers send": ["d0 00", 0x82],
  "[MQTT-4.8.0-1] [MQTT5-4.13.1-1] type 0": ["00 00", 0x81],
  "[MQTT-4.8.0-1] [MQTT5-4.13.1-1] type 15": ["f0 00", 0x82],
  "[MQTT-3.3.2-1] [MQTT5-3.3.2-1] PUBLISH without topic": ["30 00", 0x81],
  "[MQTT-3.3.2-1] [MQTT5-3.3.2-1] PUBLISH whose topic is longer than it": ["30 [00 09 'a' {00} 31]", 0x81],
  "[MQTT-3.3.2-1] [MQTT-1.5.3-1] [MQTT5-3.3.2-1] [MQTT5-1.5.4-1] PUBLISH with a topic that is not UTF-8": [
    "30 [00 02 c3 28 {00} 31]",
    0x81,
  ],
  "[MQTT-1.5.3-1] [MQTT5-1.5.4-1] PUBLISH with a surrogate in its topic": [
    "30 [00 03 ed a0 80 {00} 31]",
    0x81,
  ],
  "[MQTT-1.5.3-2] [MQTT-4.7.3-2] [MQTT5-1.5.4-2] [MQTT5-4.7.3-2] PUBLISH with U+0000 in its topic": [
    "30 [00 02 'a' 00 {00} 31]",
    0x81,
  ],
  "[MQTT-4.7.3-1] [MQTT5-4.7.3-1] PUBLISH with an empty topic": ["30 [00 00 {00} 31]", 0x82],
  "PUBLISH of QoS 1 that ends before its identifier": ["32 04 00 01 'a' 00", 0x81],
  "PUBACK of three bytes": ["40 [00 01 00 {00 00}]", 0x81],
  "PINGREQ with a body": ["c0 01 00", 0x81],
  "a remaining length of five bytes": ["30 80 80 80 80 01", 0x81],
};

for (const [name, [packet, reasonCode]] of Object.entries(FORBIDDEN)) {
  testVersionPairs(`${name} ends the connection, and no other`, async (sender, receiver) => {
    await using test = startBroker();
    const neighbour = await test.connect({ version: receiver });
    await neighbour.subscribe(["#", 2], ["will", 0]);
    const client = await test.connect({ version: sender, clientId: "offender", will: { topic: "will" } });
    client.sendHex("30 [00 01 'b' {00} 31]", packet, "30 [00 01 'b' {00} 32]");
    await client.expectEnded(reasonCode);
    await neighbour.expectPublish({ topic: "b", payload: "1" });
    await neighbour.expectPublish({ topic: "will", payload: "gone" });
    await neighbour.expectNothing();
    const { closes } = test.broker.counters;
    assertEquals(closes["malformed-packet"] + closes["protocol-error"], 1);
    const lines = test.log.filter((line) => line.includes("connection-closed") && line.includes("offender"));
    assertEquals(lines.length, 1);
    assertEquals(lines[0]!.includes("detail="), true);
  });
}

testVersionPairs("packets may come in any pieces", async (sender, receiver) => {
  await using test = startBroker();
  const neighbour = await test.connect({ version: receiver });
  const client = await test.connect({ version: sender });
  await client.subscribe(["a", 0]);
  for (const byte of packetHex("34 [00 01 'a' 00 05 {00} 31] 62 02 00 05", sender)) {
    client.sendBytes(Uint8Array.of(byte));
    await neighbour.ping();
  }
  await client.expectPublish({ topic: "a", payload: "1" });
  await client.expectHex("50 02 00 05", "70 02 00 05");
});

testVersions(
  "a length in more bytes than it needs is read, and sent on in as few as it needs",
  async (version) => {
    await using test = startBroker();
    const client = await test.connect({ version });
    await client.subscribe(["a", 0]);
    client.sendHex("30 84 80 80 00 00 01 'a' 31");
    await client.expectHex("30 04 00 01 'a' 31");
  },
  BEFORE_5, // 5.0 forbids it, and tests/mqtt5/disconnect_test.ts has it.
);
