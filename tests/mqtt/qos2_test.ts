import { assertEquals } from "@std/assert";
import { ReasonCode } from "../../broker/packet/mod.ts";
import { startBroker } from "../support/start_broker.ts";
import { testVersionPairs } from "../support/versions.ts";

testVersionPairs(
  "[MQTT-4.3.3-2] [MQTT5-4.3.3-10] [MQTT5-4.3.3-11] [MQTT5-4.3.3-12] until PUBREL a repeated identifier is acknowledged and not delivered again",
  async (sender, receiver) => {
    await using test = startBroker();
    const publisher = await test.connect({ version: sender });
    const subscriber = await test.connect({ version: receiver });
    await subscriber.subscribe(["a", 0]);
    publisher.sendPublish("a", "1", { qos: 2, packetId: 9 });
    publisher.sendPublish("a", "1", { qos: 2, packetId: 9, dup: true });
    publisher.sendPublish("a", "1", { qos: 2, packetId: 9 });
    for (let copy = 0; copy < 3; copy++) await publisher.expectAck("pubrec", 9);
    await subscriber.expectPublish({ topic: "a", payload: "1" });
    await subscriber.expectNothing();
    publisher.sendAck("pubrel", 9);
    await publisher.expectAck("pubcomp", 9);
    await publisher.publish("a", "2", { qos: 2, packetId: 9 });
    await subscriber.expectPublish({ topic: "a", payload: "2" });
  },
);

testVersionPairs(
  "[MQTT-4.3.3-2] [MQTT5-4.3.3-10] a publisher cut before PUBREC, PUBREL or PUBCOMP resumes and is delivered once",
  async (sender, receiver) => {
    await using test = startBroker();
    const subscriber = await test.connect({ version: receiver });
    await subscriber.subscribe(["a", 0]);
    const connect = () => test.connect({ version: sender, clientId: "p", cleanStart: false });

    let publisher = await connect();
    publisher.sendPublish("a", "1", { qos: 2, packetId: 3 });
    await subscriber.expectPublish({ topic: "a", payload: "1" });
    publisher.cut(); // It may or may not have seen PUBREC.

    publisher = await connect();
    publisher.sendPublish("a", "1", { qos: 2, packetId: 3, dup: true });
    await publisher.expectAck("pubrec", 3);
    publisher.cut(); // It saw PUBREC and did not send PUBREL.

    publisher = await connect();
    publisher.sendAck("pubrel", 3);
    publisher.cut(); // It sent PUBREL and did not see PUBCOMP.
    await subscriber.expectNothing();

    publisher = await connect();
    publisher.sendAck("pubrel", 3);
    await publisher.expectAck("pubcomp", 3, ReasonCode.packetIdentifierNotFound);
    await subscriber.expectNothing();
    await publisher.publish("a", "2", { qos: 2, packetId: 3 });
    await subscriber.expectPublish({ topic: "a", payload: "2" });
  },
);

testVersionPairs(
  "[MQTT-4.3.3-1] [MQTT-4.4.0-1] [MQTT5-4.3.3-3] [MQTT5-4.3.3-5] [MQTT5-4.3.3-6] [MQTT5-4.4.0-1] a subscriber cut at each step of QoS 2 resumes at that step",
  async (sender, receiver) => {
    await using test = startBroker();
    const publisher = await test.connect({ version: sender });
    const connect = () => test.connect({ version: receiver, clientId: "s", cleanStart: false });
    let subscriber = await connect();
    await subscriber.subscribe(["a", 2]);
    await publisher.publish("a", "1", { qos: 2 });
    const packetId = await subscriber.expectPublish({ topic: "a", payload: "1", qos: 2 });
    subscriber.cut(); // Before PUBREC.

    subscriber = await connect();
    await subscriber.expectPublish({ topic: "a", payload: "1", qos: 2, dup: true, packetId });
    subscriber.sendAck("pubrec", packetId);
    await subscriber.expectAck("pubrel", packetId);
    subscriber.cut(); // Before PUBCOMP: from now on PUBREL, never PUBLISH.

    for (let round = 0; round < 2; round++) {
      subscriber = await connect();
      await subscriber.expectAck("pubrel", packetId);
      await subscriber.expectNothing();
      subscriber.cut();
    }

    subscriber = await connect();
    await subscriber.expectAck("pubrel", packetId);
    subscriber.sendAck("pubcomp", packetId);
    await subscriber.expectNothing();
    subscriber.cut(); // After PUBCOMP: nothing is left.
    subscriber = await connect();
    await subscriber.expectNothing();
    assertEquals(test.broker.sessions.get("s")!.outbound.pendingCount, 0);
  },
);

testVersionPairs(
  "[MQTT-4.3.3-1] [MQTT5-4.3.3-4] a repeated PUBREC is answered with PUBREL again",
  async (sender, receiver) => {
    await using test = startBroker();
    const publisher = await test.connect({ version: sender });
    const subscriber = await test.connect({ version: receiver });
    await subscriber.subscribe(["a", 2]);
    await publisher.publish("a", "1", { qos: 2 });
    const packetId = await subscriber.expectPublish({ topic: "a", payload: "1", qos: 2 });
    subscriber.sendAck("pubrec", packetId);
    subscriber.sendAck("pubrec", packetId);
    await subscriber.expectAck("pubrel", packetId);
    await subscriber.expectAck("pubrel", packetId);
    subscriber.sendAck("pubcomp", packetId);
    await subscriber.expectNothing();
  },
);

testVersionPairs(
  "[MQTT-4.8.0-1] [MQTT5-4.13.1-1] an acknowledgement that its flow does not wait for ends the connection",
  async (sender, receiver) => {
    const wrong: readonly (readonly [1 | 2, "puback" | "pubrec" | "pubcomp"])[] = [
      [1, "pubrec"],
      [1, "pubcomp"],
      [2, "puback"],
      [2, "pubcomp"],
    ];
    for (const [qos, type] of wrong) {
      await using test = startBroker();
      const publisher = await test.connect({ version: sender });
      const subscriber = await test.connect({ version: receiver });
      await subscriber.subscribe(["a", qos]);
      await publisher.publish("a", "1", { qos });
      const packetId = await subscriber.expectPublish({ topic: "a", payload: "1", qos });
      subscriber.sendAck(type, packetId);
      await subscriber.expectEnded(ReasonCode.protocolError);
      assertEquals(test.broker.counters.closes["protocol-error"], 1);
    }
  },
);

testVersionPairs(
  "[MQTT-3.10.4-3] [MQTT5-3.10.4-3] a QoS 2 delivery that began is completed after UNSUBSCRIBE",
  async (sender, receiver) => {
    await using test = startBroker();
    const publisher = await test.connect({ version: sender });
    const subscriber = await test.connect({ version: receiver });
    await subscriber.subscribe(["a", 2]);
    await publisher.publish("a", "1", { qos: 2 });
    await publisher.publish("a", "2", { qos: 1 });
    const first = await subscriber.expectPublish({ topic: "a", payload: "1", qos: 2 });
    const second = await subscriber.expectPublish({ topic: "a", payload: "2", qos: 1 });
    await subscriber.unsubscribe("a");
    subscriber.sendAck("pubrec", first);
    await subscriber.expectAck("pubrel", first);
    subscriber.sendAck("pubcomp", first);
    subscriber.sendAck("puback", second);
    await publisher.publish("a", "3", { qos: 2 });
    await subscriber.expectNothing();
  },
);
