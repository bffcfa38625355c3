import { assertEquals } from "@std/assert";
import type { QoS } from "../../broker/packet/mod.ts";
import type { RawClient } from "../support/raw_client.ts";
import { startBroker, type TestBroker } from "../support/start_broker.ts";
import { testVersions } from "../support/versions.ts";

const WILL = { topic: "will", payload: "gone" };

/** Every end of a connection but DISCONNECT. */
const ENDS: Readonly<Record<string, (client: RawClient, test: TestBroker) => unknown>> = {
  "the link is cut": (client) => client.cut(),
  "[MQTT-3.1.2-24] the keep-alive runs out": (_client, test) => test.clock.advance(20_000),
  "a packet is malformed": (client) => client.sendHex("f0 00"),
  "the protocol is broken": (client) => client.sendHex("d0 00"),
  "[MQTT-3.14.1-1] DISCONNECT has reserved bits": (client) => client.sendHex("e1 00"),
  "DISCONNECT has a body": (client) => client.sendHex("e0 01 00"),
  "the session is taken over": (_client, test) => test.connect({ clientId: "mortal" }),
};

for (const [name, end] of Object.entries(ENDS)) {
  testVersions(`[MQTT-3.1.2-8] the will is published, once, when ${name}`, async (version) => {
    await using test = startBroker();
    const watcher = await test.connect();
    await watcher.subscribe(["#", 2]);
    const client = await test.connect({ version, clientId: "mortal", keepAliveSeconds: 10, will: WILL });
    await end(client, test);
    await watcher.expectPublish(WILL);
    client.isConnected = false;
    await watcher.expectNothing();
  });
}

Deno.test("[MQTT-3.1.2-8] wills are published when the server shuts down, to who is still there", async () => {
  const test = startBroker();
  const watcher = await test.connect();
  await watcher.subscribe(["will", 0]);
  const client = await test.connect({ will: WILL });
  await test.server.close();
  await client.expectClosed();
  await watcher.expectPublish(WILL);
  await watcher.expectClosed();
  assertEquals(test.broker.counters.closes["server-shutdown"], 2);
  await test.close();
});

testVersions("[MQTT-3.14.4-3] DISCONNECT discards the will", async (version) => {
  await using test = startBroker();
  const watcher = await test.connect();
  await watcher.subscribe(["will", 0]);
  const client = await test.connect({ version, will: { ...WILL, retain: true } });
  await client.disconnect();
  await watcher.expectNothing();
  assertEquals(test.broker.retainedCount, 0);
});

testVersions(
  "[MQTT-3.1.2-12] [MQTT-3.1.2-10] without a will nothing is published, whatever the connection before had",
  async (version) => {
    await using test = startBroker();
    const watcher = await test.connect();
    await watcher.subscribe(["#", 0]);
    const first = await test.connect({ version, clientId: "c", cleanStart: false, will: WILL });
    first.cut();
    await watcher.expectPublish(WILL);
    const second = await test.connect({ version, clientId: "c", cleanStart: false });
    second.cut();
    await watcher.expectNothing();
  },
);

testVersions("[MQTT-3.1.2-8] [MQTT-3.1.4-5] a refused CONNECT leaves no will", async (version) => {
  await using test = startBroker({
    authenticators: [{
      name: "nobody",
      authenticate: ({ username }) =>
        username === undefined
          ? { granted: true, identity: { name: "x", can: () => true } }
          : { granted: false, reason: "bad-credentials" },
    }],
  });
  const watcher = await test.connect();
  await watcher.subscribe(["#", 0]);
  const client = test.open();
  client.sendConnect({ version, username: "u", will: { ...WILL, retain: true } });
  await client.expectHex("20 02 00 04");
  await client.expectClosed();
  await watcher.expectNothing();
  assertEquals(test.broker.retainedCount, 0);
});

testVersions("[MQTT-3.1.2-9] the will has its QoS, to each subscriber as granted", async (version) => {
  for (const qos of [0, 1, 2] as const) {
    for (const granted of [0, 1, 2] as const) {
      await using test = startBroker();
      const watcher = await test.connect({ version });
      await watcher.subscribe(["will", granted]);
      const client = await test.connect({ version, will: { ...WILL, qos } });
      client.cut();
      await watcher.takePublish({ ...WILL, qos: Math.min(qos, granted) as QoS });
    }
  }
});

testVersions("[MQTT-3.1.2-16] a will without Will Retain is not retained", async (version) => {
  await using test = startBroker();
  const client = await test.connect({ version, will: WILL });
  client.cut();
  const late = await test.connect({ version });
  await late.subscribe(["will", 0]);
  await late.expectNothing();
});

testVersions("[MQTT-3.1.2-17] a will with Will Retain is retained", async (version) => {
  await using test = startBroker();
  const watcher = await test.connect();
  await watcher.subscribe(["will", 0]);
  const client = await test.connect({ version, will: { ...WILL, retain: true, qos: 1 } });
  client.cut();
  await watcher.expectPublish(WILL);
  const late = await test.connect({ version });
  await late.subscribe(["will", 2]);
  await late.takePublish({ ...WILL, retain: true, qos: 1 });
});

Deno.test("[MQTT-3.1.2-17] an empty will with Will Retain clears what is retained", async () => {
  await using test = startBroker();
  const publisher = await test.connect();
  await publisher.publish("will", "alive", { retain: true });
  const client = await test.connect({ will: { topic: "will", payload: "", retain: true } });
  client.cut();
  await publisher.ping();
  assertEquals(test.broker.retainedCount, 0);
});

Deno.test("a will that may not be published is refused with CONNECT, and asked for again when it fires", async () => {
  let allowed = false;
  await using test = startBroker({
    authenticators: [{
      name: "x",
      authenticate: () => ({
        granted: true,
        identity: { name: "x", can: (action) => action !== "publish" || allowed },
      }),
    }],
  });
  const watcher = await test.connect();
  await watcher.subscribe(["#", 0]);
  const refused = test.open();
  refused.sendConnect({ clientId: "refused", will: WILL });
  await refused.expectHex("20 02 00 05");
  await refused.expectClosed();
  allowed = true;
  const client = await test.connect({ will: WILL });
  allowed = false;
  client.cut();
  await watcher.expectNothing();
  assertEquals(test.broker.counters.refusals.denied, 1);
});

Deno.test("a will below $ is refused like any message there", async () => {
  await using test = startBroker();
  const client = test.open();
  client.sendConnect({ will: { topic: "$SYS/broker/version" } });
  await client.expectHex("20 02 00 05");
  await client.expectClosed();
});
