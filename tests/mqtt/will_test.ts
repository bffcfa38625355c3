import { assertEquals } from "@std/assert";
import { type QoS, ReasonCode } from "../../broker/packet/mod.ts";
import type { RawClient } from "../support/raw_client.ts";
import { startBroker, type TestBroker } from "../support/start_broker.ts";
import { testVersionPairs, testVersions } from "../support/versions.ts";

const WILL = { topic: "will", payload: "gone" };

/** Every end of a connection but DISCONNECT. */
const ENDS: Readonly<Record<string, (client: RawClient, test: TestBroker) => unknown>> = {
  "the link is cut": (client) => client.cut(),
  "[MQTT-3.1.2-24] the keep-alive runs out": (_client, test) => test.clock.advance(20_000),
  "a packet is malformed": (client) => client.sendHex("f0 00"),
  "the protocol is broken": (client) => client.sendHex("d0 00"),
  "[MQTT-3.14.1-1] DISCONNECT has reserved bits": (client) => client.sendHex("e1 00"),
  "DISCONNECT has a body": (client) => client.sendHex("e0 [00 {05}]"),
  "the session is taken over": (_client, test) => test.connect({ clientId: "mortal" }),
};

for (const [name, end] of Object.entries(ENDS)) {
  testVersionPairs(
    `[MQTT-3.1.2-8] [MQTT5-3.1.2-8] the will is published, once, when ${name}`,
    async (sender, receiver) => {
      await using test = startBroker();
      const watcher = await test.connect({ version: receiver });
      await watcher.subscribe(["#", 2]);
      const client = await test.connect({
        version: sender,
        clientId: "mortal",
        keepAliveSeconds: 10,
        will: WILL,
      });
      await end(client, test);
      await watcher.expectPublish(WILL);
      client.isConnected = false;
      await watcher.expectNothing();
    },
  );
}

testVersionPairs(
  "[MQTT-3.1.2-8] [MQTT5-3.1.2-8] wills are published when the server shuts down, to who is still there",
  async (sender, receiver) => {
    const test = startBroker();
    const watcher = await test.connect({ version: receiver });
    await watcher.subscribe(["will", 0]);
    const client = await test.connect({ version: sender, will: WILL });
    await test.server.close();
    await client.expectEnded(ReasonCode.serverShuttingDown);
    await watcher.expectPublish(WILL);
    await watcher.expectEnded(ReasonCode.serverShuttingDown);
    assertEquals(test.broker.counters.closes["server-shutdown"], 2);
    await test.close();
  },
);

testVersionPairs(
  "[MQTT-3.14.4-3] [MQTT5-3.14.4-3] DISCONNECT discards the will",
  async (sender, receiver) => {
    await using test = startBroker();
    const watcher = await test.connect({ version: receiver });
    await watcher.subscribe(["will", 0]);
    const client = await test.connect({ version: sender, will: { ...WILL, retain: true } });
    await client.disconnect();
    await watcher.expectNothing();
    assertEquals(test.broker.retained.size, 0);
  },
);

testVersionPairs(
  "[MQTT-3.1.2-12] [MQTT-3.1.2-10] [MQTT5-3.1.2-10] without a will nothing is published, whatever the connection before had",
  async (sender, receiver) => {
    await using test = startBroker();
    const watcher = await test.connect({ version: receiver });
    await watcher.subscribe(["#", 0]);
    const first = await test.connect({ version: sender, clientId: "c", cleanStart: false, will: WILL });
    first.cut();
    await watcher.expectPublish(WILL);
    const second = await test.connect({ version: sender, clientId: "c", cleanStart: false });
    second.cut();
    await watcher.expectNothing();
  },
);

testVersionPairs(
  "[MQTT-3.1.2-8] [MQTT-3.1.4-5] [MQTT5-3.1.2-8] a refused CONNECT leaves no will",
  async (sender, receiver) => {
    await using test = startBroker({
      authenticators: [{
        name: "nobody",
        authenticate: ({ username }) =>
          username === undefined
            ? { granted: true, identity: { name: "x", can: () => true } }
            : { granted: false, reason: "bad-credentials" },
      }],
    });
    const watcher = await test.connect({ version: receiver });
    await watcher.subscribe(["#", 0]);
    const client = test.open();
    client.sendConnect({ version: sender, username: "u", will: { ...WILL, retain: true } });
    await client.expectRefused(4, ReasonCode.badUserNameOrPassword);
    await watcher.expectNothing();
    assertEquals(test.broker.retained.size, 0);
  },
);

testVersionPairs(
  "[MQTT-3.1.2-9] the will has its QoS, to each subscriber as granted",
  async (sender, receiver) => {
    for (const qos of [0, 1, 2] as const) {
      for (const granted of [0, 1, 2] as const) {
        await using test = startBroker();
        const watcher = await test.connect({ version: receiver });
        await watcher.subscribe(["will", granted]);
        const client = await test.connect({ version: sender, will: { ...WILL, qos } });
        client.cut();
        await watcher.takePublish({ ...WILL, qos: Math.min(qos, granted) as QoS });
      }
    }
  },
);

testVersionPairs(
  "[MQTT-3.1.2-16] [MQTT5-3.1.2-14] a will without Will Retain is not retained",
  async (sender, receiver) => {
    await using test = startBroker();
    const client = await test.connect({ version: sender, will: WILL });
    client.cut();
    const late = await test.connect({ version: receiver });
    await late.subscribe(["will", 0]);
    await late.expectNothing();
  },
);

testVersionPairs(
  "[MQTT-3.1.2-17] [MQTT5-3.1.2-15] a will with Will Retain is retained",
  async (sender, receiver) => {
    await using test = startBroker();
    const watcher = await test.connect({ version: receiver });
    await watcher.subscribe(["will", 0]);
    const client = await test.connect({ version: sender, will: { ...WILL, retain: true, qos: 1 } });
    client.cut();
    await watcher.expectPublish(WILL);
    const late = await test.connect({ version: receiver });
    await late.subscribe(["will", 2]);
    await late.takePublish({ ...WILL, retain: true, qos: 1 });
  },
);

testVersionPairs(
  "[MQTT-3.1.2-17] [MQTT5-3.1.2-15] an empty will with Will Retain clears what is retained",
  async (sender, receiver) => {
    await using test = startBroker();
    const publisher = await test.connect({ version: sender });
    await publisher.publish("will", "alive", { retain: true });
    const client = await test.connect({
      version: receiver,
      will: { topic: "will", payload: "", retain: true },
    });
    client.cut();
    await publisher.ping();
    assertEquals(test.broker.retained.size, 0);
  },
);

testVersionPairs(
  "a will that may not be published is refused with CONNECT, and asked for again when it fires",
  async (sender, receiver) => {
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
    const watcher = await test.connect({ version: receiver });
    await watcher.subscribe(["#", 0]);
    const refused = test.open();
    refused.sendConnect({ version: sender, clientId: "refused", will: WILL });
    await refused.expectRefused(5, ReasonCode.notAuthorized);
    allowed = true;
    const client = await test.connect({ version: sender, will: WILL });
    allowed = false;
    client.cut();
    await watcher.expectNothing();
    assertEquals(test.broker.counters.refusals.denied, 1);
  },
);

testVersions("a will below $ is refused like any message there", async (version) => {
  await using test = startBroker();
  const client = test.open();
  client.sendConnect({ version, will: { topic: "$SYS/broker/version" } });
  await client.expectRefused(5, ReasonCode.notAuthorized);
});

testVersions("a will that is refused when it is due is counted, and the log says why", async (version) => {
  await using test = startBroker({ limits: { retainedMax: 1 } });
  const witness = await test.connect({ version });
  const client = await test.connect({ version, will: { ...WILL, retain: true } });
  await witness.publish("r", "x", { retain: true });
  client.cut();
  await test.settle();
  assertEquals(test.broker.counters.willsFailed, 1);
  const lines = test.log.filter((line) => line.includes("will-refused"));
  assertEquals([lines.length, lines[0]?.includes("retained-full")], [1, true]);
});
