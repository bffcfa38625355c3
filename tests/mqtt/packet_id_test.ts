import { assertEquals } from "@std/assert";
import { ReasonCode } from "../../broker/packet/mod.ts";
import { startBroker } from "../support/start_broker.ts";
import { testVersions } from "../support/versions.ts";

testVersions(
  "[MQTT-2.3.1-1] [MQTT5-2.2.1-3] SUBSCRIBE, UNSUBSCRIBE, PUBLISH and acknowledgements with identifier 0 are closed",
  async (version) => {
    const packets = [
      "82 [00 00 {00} 00 01 'a' 00]",
      "a2 [00 00 {00} 00 01 'a']",
      "32 [00 01 'a' 00 00 {00} 31]",
      "34 [00 01 'a' 00 00 {00} 31]",
      "40 02 00 00",
      "50 02 00 00",
      "62 02 00 00",
      "70 02 00 00",
    ];
    for (const packet of packets) {
      await using test = startBroker();
      const client = await test.connect({ version });
      client.sendHex(packet);
      await client.expectEnded(ReasonCode.protocolError);
    }
  },
);

Deno.test("[MQTT-2.3.1-4] identifiers go on from 65535 to 1 and pass by those in flight", async () => {
  await using test = startBroker();
  const publisher = await test.connect();
  const subscriber = await test.connect();
  await subscriber.subscribe(["a", 1]);
  const held = new Set<number>();
  let last = 0;
  let wraps = 0;
  // The first two are never acknowledged, all the others at once.
  for (let count = 0; count < 66_000; count += 250) {
    publisher.sendHex(...Array<string>(250).fill("32 [00 01 'a' 00 01 {00}]"));
    const acks: string[] = [];
    for (let index = 0; index < 250; index++) {
      const { packetId } = await subscriber.receivePublish();
      if (held.has(packetId) || packetId === 0) throw new Error(`Identifier ${packetId} is in flight or 0`);
      if (packetId < last) wraps++;
      last = packetId;
      if (held.size < 2) held.add(packetId);
      else acks.push(`40 02 ${packetId.toString(16).padStart(4, "0")}`);
    }
    subscriber.sendHex(...acks);
    for (let index = 0; index < 250; index++) await publisher.receive();
  }
  assertEquals([...held], [1, 2]);
  assertEquals(wraps, 1);
});

testVersions("the client's identifiers and the broker's are two different things", async (version) => {
  await using test = startBroker();
  const client = await test.connect({ version });
  await client.subscribe(["a", 2]);
  client.sendPublish("a", "1", { qos: 2, packetId: 1 });
  await client.expectPublish({ topic: "a", payload: "1", qos: 2, packetId: 1 });
  await client.expectAck("pubrec", 1);
  client.sendAck("pubrec", 1);
  await client.expectAck("pubrel", 1);
  client.sendAck("pubrel", 1);
  await client.expectAck("pubcomp", 1);
  client.sendAck("pubcomp", 1);
  await client.expectNothing();
});
