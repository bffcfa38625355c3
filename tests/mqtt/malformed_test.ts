import { assertEquals } from "@std/assert";
import { startBroker } from "../support/start_broker.ts";
import { testVersions } from "../support/versions.ts";

/** Packets after CONNECT that end their connection, and that one only. */
const FORBIDDEN: Readonly<Record<string, string>> = {
  "[MQTT-2.2.2-2] PINGREQ with flags": "c1 00",
  "[MQTT-2.2.2-2] PUBACK with flags": "41 02 00 01",
  "[MQTT-3.6.1-1] [MQTT-2.2.2-2] PUBREL with flags 0": "60 02 00 01",
  "[MQTT-2.2.2-2] PUBCOMP with flags": "72 02 00 01",
  "[MQTT-3.3.1-4] PUBLISH of QoS 3": "36 06 00 01 'a' 00 01 31",
  "[MQTT-3.3.1-2] PUBLISH of QoS 0 with DUP": "38 04 00 01 'a' 31",
  "[MQTT-4.8.0-1] CONNACK, which only servers send": "20 02 00 00",
  "[MQTT-4.8.0-1] SUBACK, which only servers send": "90 03 00 01 00",
  "[MQTT-4.8.0-1] UNSUBACK, which only servers send": "b0 02 00 01",
  "[MQTT-4.8.0-1] PINGRESP, which only servers send": "d0 00",
  "[MQTT-4.8.0-1] type 0": "00 00",
  "[MQTT-4.8.0-1] type 15": "f0 00",
  "[MQTT-3.3.2-1] PUBLISH without topic": "30 00",
  "[MQTT-3.3.2-1] PUBLISH whose topic is longer than it": "30 04 00 09 'a' 31",
  "[MQTT-3.3.2-1] [MQTT-1.5.3-1] PUBLISH with a topic that is not UTF-8": "30 05 00 02 c3 28 31",
  "[MQTT-1.5.3-1] PUBLISH with a surrogate in its topic": "30 06 00 03 ed a0 80 31",
  "[MQTT-1.5.3-2] [MQTT-4.7.3-2] PUBLISH with U+0000 in its topic": "30 05 00 02 'a' 00 31",
  "[MQTT-4.7.3-1] PUBLISH with an empty topic": "30 03 00 00 31",
  "PUBLISH of QoS 1 that ends before its identifier": "32 04 00 01 'a' 00",
  "PUBACK of three bytes": "40 03 00 01 00",
  "PINGREQ with a body": "c0 01 00",
  "a remaining length of five bytes": "30 80 80 80 80 01",
};

for (const [name, packet] of Object.entries(FORBIDDEN)) {
  testVersions(`${name} ends the connection, and no other`, async (version) => {
    await using test = startBroker();
    const neighbour = await test.connect();
    await neighbour.subscribe(["#", 2], ["will", 0]);
    const client = await test.connect({ version, clientId: "offender", will: { topic: "will" } });
    client.sendHex("30 04 00 01 'b' 31", packet, "30 04 00 01 'b' 32");
    await client.expectClosed();
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

testVersions("packets may come in any pieces", async (version) => {
  await using test = startBroker();
  const neighbour = await test.connect();
  const client = await test.connect({ version });
  await client.subscribe(["a", 0]);
  for (const byte of ["34", "06", "00", "01", "61", "00", "05", "31", "62", "02", "00", "05"]) {
    client.sendHex(byte);
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
);
