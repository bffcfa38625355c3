import { assert, assertEquals } from "@std/assert";
import type { RawClient } from "../support/raw_client.ts";
import { startBroker } from "../support/start_broker.ts";
import { testVersionPairs, testVersions } from "../support/versions.ts";

const numbers = Array.from({ length: 100 }, (_, number) => number);

for (const qos of [0, 1, 2] as const) {
  testVersionPairs(
    `[MQTT-4.6.0-6] [MQTT-4.6.0-5] [MQTT5-4.6.0-6] [MQTT5-4.6.0-5] 100 numbered messages of QoS ${qos} arrive in their order`,
    async (sender, receiver) => {
      // A window of ten makes nine of ten wait in the queue.
      await using test = startBroker({ limits: { inflightMax: 10 } });
      const exact = await test.connect({ version: receiver });
      await exact.subscribe(["o/1", 2]);
      const wild = await test.connect({ version: receiver });
      await wild.subscribe(["o/#", 2]);
      const publisher = await test.connect({ version: sender });
      for (let number = 0; number < 100; number++) publisher.sendPublish("o/1", `${number}`, { qos });
      for (const subscriber of [exact, wild]) assertEquals(await takeAll(subscriber, 100), numbers);
    },
  );
}

/** Takes part in the flows of so many deliveries, which may overlap; answers their payloads as numbers. */
async function takeAll(subscriber: RawClient, count: number): Promise<number[]> {
  const received: number[] = [];
  for (let finished = 0; finished < count;) {
    const packet = await subscriber.receive();
    if (packet?.type === "publish") {
      received.push(Number(new TextDecoder().decode(packet.payload)));
      if (packet.qos > 0) subscriber.sendAck(packet.qos === 1 ? "puback" : "pubrec", packet.packetId);
      if (packet.qos < 2) finished++;
    } else {
      assert(packet?.type === "pubrel", packet?.type);
      subscriber.sendAck("pubcomp", packet.packetId);
      finished++;
    }
  }
  return received;
}

testVersions(
  "[MQTT-4.6.0-2] [MQTT5-4.6.0-2] PUBACKs are sent in the order of the PUBLISHes",
  async (version) => {
    await using test = startBroker();
    const client = await test.connect({ version });
    const publish = (id: string) => `32 [00 01 'a' 00 ${id} {00} 31]`;
    client.sendHex(publish("03"), publish("01"), publish("02"));
    await client.expectHex("40 [00 03 {10}]", "40 [00 01 {10}]", "40 [00 02 {10}]");
  },
);

testVersions(
  "[MQTT-4.6.0-3] [MQTT5-4.6.0-3] PUBRECs are sent in the order of the PUBLISHes",
  async (version) => {
    await using test = startBroker();
    const client = await test.connect({ version });
    const publish = (id: string) => `34 [00 01 'a' 00 ${id} {00} 31]`;
    client.sendHex(publish("03"), publish("01"), publish("02"));
    await client.expectHex("50 [00 03 {10}]", "50 [00 01 {10}]", "50 [00 02 {10}]");
  },
);

testVersionPairs(
  "[MQTT-4.6.0-6] [MQTT5-4.6.0-6] messages of two publishers keep each one's order",
  async (sender, receiver) => {
    await using test = startBroker({ limits: { inflightMax: 7 } });
    const subscriber = await test.connect({ version: receiver });
    await subscriber.subscribe(["o", 1]);
    const publishers = [await test.connect({ version: sender }), await test.connect({ version: sender })];
    for (let number = 0; number < 50; number++) {
      for (const [index, publisher] of publishers.entries()) {
        publisher.sendPublish("o", `${index}:${number}`, { qos: 1 });
        if (number % 9 === index) await publisher.tryPing();
      }
    }
    const next = [0, 0];
    for (let count = 0; count < 100; count++) {
      const packet = await subscriber.receivePublish();
      subscriber.sendAck("puback", packet.packetId);
      const [index, number] = new TextDecoder().decode(packet.payload).split(":").map(Number);
      assertEquals(number, next[index!]!++);
    }
  },
);

testVersionPairs(
  "[MQTT-4.6.0-1] [MQTT-4.6.0-6] [MQTT5-4.6.0-1] [MQTT5-4.6.0-6] the order holds across cuts of the subscriber",
  async (sender, receiver) => {
    await using test = startBroker({ limits: { inflightMax: 5 } });
    const publisher = await test.connect({ version: sender });
    let subscriber = await test.connect({ version: receiver, clientId: "s", cleanStart: false });
    await subscriber.subscribe(["o", 1]);
    for (let number = 0; number < 60; number++) publisher.sendPublish("o", `${number}`, { qos: 1 });
    await publisher.tryPing();
    let acknowledged = -1;
    for (let round = 0; acknowledged < 59; round++) {
      subscriber.cut();
      subscriber = await test.connect({ version: receiver, clientId: "s", cleanStart: false });
      for (let count = 0; count < 7 && acknowledged < 59; count++) {
        const packet = await subscriber.receivePublish();
        assertEquals(new TextDecoder().decode(packet.payload), `${++acknowledged}`);
        subscriber.sendAck("puback", packet.packetId);
      }
      await subscriber.tryPing();
    }
    await subscriber.expectNothing();
  },
);
