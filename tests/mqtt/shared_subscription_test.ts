import { assertEquals } from "@std/assert";
import type { RawClient } from "../support/raw_client.ts";
import { startBroker } from "../support/start_broker.ts";

const FILTER = "$share/workers/job/+";

/** Connects workers that share one filter. */
async function connectWorkers(host: ReturnType<typeof startBroker>, count: number, cleanStart = true) {
  const workers: RawClient[] = [];
  for (let index = 0; index < count; index++) {
    const worker = await host.connect({ clientId: `worker${index}`, cleanStart });
    assertEquals(await worker.subscribe([FILTER, 1]), [1]);
    workers.push(worker);
  }
  return workers;
}

Deno.test("the workers of a shared subscription take turns, and others get every message", async () => {
  await using host = startBroker();
  const [one, two] = await connectWorkers(host, 2) as [RawClient, RawClient];
  const dashboard = await host.connect();
  await dashboard.subscribe(["job/#", 0]);
  const publisher = await host.connect();
  for (let index = 0; index < 4; index++) await publisher.publish("job/a", String(index), { qos: 1 });
  for (const [worker, payload] of [[one, "0"], [two, "1"], [one, "2"], [two, "3"]] as const) {
    await worker.takePublish({ topic: "job/a", payload, qos: 1 });
  }
  for (let index = 0; index < 4; index++) {
    await dashboard.expectPublish({ topic: "job/a", payload: String(index) });
  }
  for (const client of [one, two, dashboard]) await client.expectNothing();
});

Deno.test("a shared subscription gets nothing that was retained, and its messages have RETAIN 0", async () => {
  await using host = startBroker();
  const publisher = await host.connect();
  await publisher.publish("job/a", "old", { retain: true });
  const [worker] = await connectWorkers(host, 1) as [RawClient];
  await worker.expectNothing();
  await publisher.publish("job/a", "new", { retain: true, qos: 1 });
  await worker.takePublish({ topic: "job/a", payload: "new", qos: 1 });
});

Deno.test("a worker that is away is passed over while another is there, and keeps what nobody else could take", async () => {
  await using host = startBroker();
  const [one, two] = await connectWorkers(host, 2, false) as [RawClient, RawClient];
  await two.disconnect();
  const publisher = await host.connect();
  for (const payload of ["1", "2", "3"]) {
    await publisher.publish("job/a", payload, { qos: 1 });
    await one.takePublish({ topic: "job/a", payload, qos: 1 });
  }
  await one.disconnect();
  await publisher.publish("job/a", "4", { qos: 1 });
  await publisher.publish("job/a", "5", { qos: 1 });
  const received: string[] = [];
  for (const clientId of ["worker0", "worker1"]) {
    const worker = await host.connect({ clientId, cleanStart: false });
    await worker.ping();
    for (let packet = worker.take(); packet; packet = worker.take()) {
      if (packet.type === "publish") received.push(new TextDecoder().decode(packet.payload));
    }
  }
  assertEquals(received.sort(), ["4", "5"]);
});

Deno.test("what a worker did not acknowledge goes to another when it leaves for good, and not before", async () => {
  await using host = startBroker();
  const [one, two] = await connectWorkers(host, 2) as [RawClient, RawClient];
  const publisher = await host.connect();
  await publisher.publish("job/a", "1", { qos: 1 });
  assertEquals((await one.receivePublish()).qos, 1);
  await two.expectNothing();
  one.cut();
  await two.takePublish({ topic: "job/a", payload: "1", qos: 1 });
  await two.expectNothing();
});

Deno.test("a QoS 2 message that a worker began is given to nobody else [MQTT5-4.8.2-5]", async () => {
  await using host = startBroker();
  const one = await host.connect();
  await one.subscribe([FILTER, 2]);
  const two = await host.connect();
  await two.subscribe([FILTER, 2]);
  const publisher = await host.connect();
  await publisher.publish("job/a", "1", { qos: 2 });
  assertEquals((await one.receivePublish()).qos, 2);
  one.cut();
  await two.expectNothing();
});

Deno.test("a worker whose window is full is passed over", async () => {
  await using host = startBroker({ limits: { inflightMax: 1 } });
  const [one, two] = await connectWorkers(host, 2) as [RawClient, RawClient];
  const publisher = await host.connect();
  await publisher.publish("job/a", "1", { qos: 1 });
  const held = await one.receivePublish();
  for (const payload of ["2", "3", "4"]) {
    await publisher.publish("job/a", payload, { qos: 1 });
    await two.takePublish({ topic: "job/a", payload, qos: 1 });
  }
  assertEquals(held.packetId > 0, true);
  await one.expectNothing();
});

Deno.test("after UNSUBSCRIBE a worker gets no more turns, and the last one leaves no subscription", async () => {
  await using host = startBroker();
  const [one, two] = await connectWorkers(host, 2) as [RawClient, RawClient];
  await one.unsubscribe(FILTER);
  const publisher = await host.connect();
  for (const payload of ["1", "2"]) {
    await publisher.publish("job/a", payload, { qos: 1 });
    await two.takePublish({ topic: "job/a", payload, qos: 1 });
  }
  await one.expectNothing();
  await two.disconnect();
  assertEquals(host.broker.subscriptionCount, 0);
});
