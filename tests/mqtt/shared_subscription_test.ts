import { assertEquals } from "@std/assert";
import type { Version } from "../../broker/packet/mod.ts";
import type { RawClient } from "../support/raw_client.ts";
import { startBroker, type TestBroker } from "../support/start_broker.ts";
import { testVersionPairs } from "../support/versions.ts";

const FILTER = "$share/workers/job/+";

/** Connects workers that share one filter. */
async function connectWorkers(host: TestBroker, version: Version, count: number, cleanStart = true) {
  const workers: RawClient[] = [];
  for (let index = 0; index < count; index++) {
    const worker = await host.connect({ version, clientId: `worker${index}`, cleanStart });
    assertEquals(await worker.subscribe([FILTER, 1]), [1]);
    workers.push(worker);
  }
  return workers;
}

testVersionPairs(
  "the workers of a shared subscription take turns, and others get every message",
  async (sender, receiver) => {
    await using host = startBroker();
    const [one, two] = await connectWorkers(host, receiver, 2) as [RawClient, RawClient];
    const dashboard = await host.connect({ version: receiver });
    await dashboard.subscribe(["job/#", 0]);
    const publisher = await host.connect({ version: sender });
    for (let index = 0; index < 4; index++) await publisher.publish("job/a", String(index), { qos: 1 });
    for (const [worker, payload] of [[one, "0"], [two, "1"], [one, "2"], [two, "3"]] as const) {
      await worker.takePublish({ topic: "job/a", payload, qos: 1 });
    }
    for (let index = 0; index < 4; index++) {
      await dashboard.expectPublish({ topic: "job/a", payload: String(index) });
    }
    for (const client of [one, two, dashboard]) await client.expectNothing();
  },
);

testVersionPairs(
  "a shared subscription gets nothing that was retained, and its messages have RETAIN 0",
  async (sender, receiver) => {
    await using host = startBroker();
    const publisher = await host.connect({ version: sender });
    await publisher.publish("job/a", "old", { retain: true });
    const [worker] = await connectWorkers(host, receiver, 1) as [RawClient];
    await worker.expectNothing();
    await publisher.publish("job/a", "new", { retain: true, qos: 1 });
    await worker.takePublish({ topic: "job/a", payload: "new", qos: 1 });
  },
);

testVersionPairs(
  "a worker that is away is passed over while another is there, and keeps what nobody else could take",
  async (sender, receiver) => {
    await using host = startBroker();
    const [one, two] = await connectWorkers(host, receiver, 2, false) as [RawClient, RawClient];
    await two.disconnect();
    const publisher = await host.connect({ version: sender });
    for (const payload of ["1", "2", "3"]) {
      await publisher.publish("job/a", payload, { qos: 1 });
      await one.takePublish({ topic: "job/a", payload, qos: 1 });
    }
    await one.disconnect();
    await publisher.publish("job/a", "4", { qos: 1 });
    await publisher.publish("job/a", "5", { qos: 1 });
    const received: string[] = [];
    for (const clientId of ["worker0", "worker1"]) {
      const worker = await host.connect({ version: receiver, clientId, cleanStart: false });
      await worker.ping();
      for (let packet = worker.take(); packet; packet = worker.take()) {
        if (packet.type === "publish") received.push(new TextDecoder().decode(packet.payload));
      }
    }
    assertEquals(received.sort(), ["4", "5"]);
  },
);

testVersionPairs(
  "what a worker did not acknowledge goes to another when it leaves for good, and not before",
  async (sender, receiver) => {
    await using host = startBroker();
    const [one, two] = await connectWorkers(host, receiver, 2) as [RawClient, RawClient];
    const publisher = await host.connect({ version: sender });
    await publisher.publish("job/a", "1", { qos: 1 });
    assertEquals((await one.receivePublish()).qos, 1);
    await two.expectNothing();
    one.cut();
    await two.takePublish({ topic: "job/a", payload: "1", qos: 1 });
    await two.expectNothing();
  },
);

testVersionPairs(
  "a QoS 2 message that a worker began is given to nobody else [MQTT5-4.8.2-5]",
  async (sender, receiver) => {
    await using host = startBroker();
    const one = await host.connect({ version: receiver });
    await one.subscribe([FILTER, 2]);
    const two = await host.connect({ version: receiver });
    await two.subscribe([FILTER, 2]);
    const publisher = await host.connect({ version: sender });
    await publisher.publish("job/a", "1", { qos: 2 });
    assertEquals((await one.receivePublish()).qos, 2);
    one.cut();
    await two.expectNothing();
  },
);

testVersionPairs("a worker whose window is full is passed over", async (sender, receiver) => {
  await using host = startBroker({ limits: { inflightMax: 1 } });
  const [one, two] = await connectWorkers(host, receiver, 2) as [RawClient, RawClient];
  const publisher = await host.connect({ version: sender });
  await publisher.publish("job/a", "1", { qos: 1 });
  const held = await one.receivePublish();
  for (const payload of ["2", "3", "4"]) {
    await publisher.publish("job/a", payload, { qos: 1 });
    await two.takePublish({ topic: "job/a", payload, qos: 1 });
  }
  assertEquals(held.packetId > 0, true);
  await one.expectNothing();
});

testVersionPairs(
  "after UNSUBSCRIBE a worker gets no more turns, and the last one leaves no subscription",
  async (sender, receiver) => {
    await using host = startBroker();
    const [one, two] = await connectWorkers(host, receiver, 2) as [RawClient, RawClient];
    await one.unsubscribe(FILTER);
    const publisher = await host.connect({ version: sender });
    for (const payload of ["1", "2"]) {
      await publisher.publish("job/a", payload, { qos: 1 });
      await two.takePublish({ topic: "job/a", payload, qos: 1 });
    }
    await one.expectNothing();
    await two.disconnect();
    assertEquals(host.broker.subscriptionCount, 0);
  },
);
