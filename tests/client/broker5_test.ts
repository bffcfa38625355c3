import { assertEquals, assertRejects } from "@std/assert";
import {
  type Client,
  ClosedError,
  connect,
  type ConnectOptions,
  RefusedError,
} from "../../broker/client/mod.ts";
import { pub, type PubInput, type PubOptions } from "../../broker/client/pub.ts";
import { sub, type SubOptions } from "../../broker/client/sub.ts";
import type { MessageProperties } from "../../broker/packet/mod.ts";
import { eventually, within } from "../support/eventually.ts";
import { startBroker, type TestBroker } from "../support/start_broker.ts";
import { memoryLinks } from "../../broker/transport/memory.ts";
import { ScriptedPeer, take, textOf } from "./scripted_peer.ts";

const encoder = new TextEncoder();

const FULL: MessageProperties = {
  payloadIsText: true,
  contentType: "text/plain; x=ä",
  responseTopic: "reply/1",
  correlationData: Uint8Array.of(0, 255),
  userProperties: [["b", "1"], ["a", "2"], ["b", "1"]],
};

function connect5({ listener, clock }: TestBroker, options: ConnectOptions = {}): Promise<Client> {
  return connect({ version: 5, ...options, link: listener.connect(), clock });
}

for (const qos of [0, 1, 2] as const) {
  Deno.test(`client and broker exchange messages of MQTT 5.0 at QoS ${qos}, with aliases both ways`, async () => {
    await using broker = startBroker();
    const receiver = await connect5(broker, { topicAliasMax: 5, receiveMaximum: 10 });
    const sender = await connect5(broker);
    const subscription = await receiver.subscribe("q/+", { qos, subscriptionId: 7 });
    const expected = Array.from({ length: 2000 }, (_, index) => `${index}`);
    const publishing = expected.map((payload, index) =>
      sender.publish(`q/${index % 3}`, payload, { qos, properties: FULL, topicAlias: 1 + index % 3 })
    );
    const aliases = new Set<number>();
    for (const [index, payload] of expected.entries()) {
      const message = (await within(subscription.next(), () => `message ${index} did not come`)).value!;
      assertEquals([message.topic, textOf(message.payload)], [`q/${index % 3}`, payload]);
      assertEquals(message.properties, FULL);
      assertEquals(message.subscriptionIds, [7]);
      aliases.add(message.topicAlias);
    }
    assertEquals([...aliases].sort(), qos === 2 ? [0] : [1, 2, 3], "Our broker has none for QoS 2");
    assertEquals((await Promise.all(publishing)).map(({ reasonCode }) => reasonCode), expected.map(() => 0));
    await Promise.all([receiver.close(), sender.close()]);
  });
}

Deno.test("the broker's words on a publish come through: nobody subscribes, not allowed, too large", async () => {
  await using broker = startBroker({ limits: { packetBytesMax: 1000 } });
  const client = await connect5(broker);
  for (const qos of [1, 2] as const) {
    assertEquals((await client.publish("a", "x", { qos })).reasonCode, 0x10);
    const refused = await assertRejects(() => client.publish("$SYS/x", "x", { qos }), RefusedError);
    assertEquals([refused.reasonCode, refused.reason], [0x87, "not authorized"]);
  }
  await assertRejects(() => client.publish("a", "x".repeat(1000)), Error, "the broker takes at most 1000");
  assertEquals((await client.publish("a", "x", { qos: 1 })).reasonCode, 0x10, "The connection goes on");
  assertEquals(await client.unsubscribe("a"), [0x11]);
  await client.close();
});

Deno.test("more publishes than the broker's Receive Maximum take their turns", async () => {
  await using broker = startBroker({ limits: { inboundQos2Max: 3 } });
  const client = await connect5(broker);
  const publishing = Array.from({ length: 50 }, () => client.publish("a", "x", { qos: 2 }));
  await Promise.all(publishing);
  assertEquals(broker.broker.sequence, 50);
  await client.close();
});

Deno.test("a client that is taken over learns it", async () => {
  await using broker = startBroker();
  const first = await connect5(broker, { clientId: "twin" });
  const second = await connect5(broker, { clientId: "twin" });
  const error = await first.closed;
  assertEquals([error?.reasonCode, error instanceof ClosedError], [0x8e, true]);
  assertEquals(error?.message.startsWith("The broker closed the connection: session taken over"), true);
  await second.close();
});

Deno.test("the broker makes up an identifier, and with it the session goes on", async () => {
  await using broker = startBroker();
  const first = await connect5(broker, { cleanStart: false, sessionExpirySeconds: 60 });
  const { clientId } = first;
  assertEquals(clientId.length > 0, true);
  await first.subscribe("jobs", { qos: 1 });
  await first.close();
  const sender = await connect5(broker);
  await sender.publish("jobs", "1", { qos: 1 });
  const second = await connect5(broker, { clientId, cleanStart: false, sessionExpirySeconds: 60 });
  assertEquals(second.sessionPresent, true);
  assertEquals(await take(await second.subscribe("jobs", { qos: 1 }), 1), ["1"]);
  await second.close({ sessionExpirySeconds: 0 });
  assertEquals(broker.broker.sessions.size, 1, "The sender's; the other ended at once");
  await sender.close();
});

Deno.test("a will waits as long as it was told, and close can ask for it", async () => {
  await using broker = startBroker();
  const watcher = await connect5(broker);
  const subscription = await watcher.subscribe("gone/+");
  const properties = { contentType: "text/plain", userProperties: [["k", "v"]] } as const;
  const willOf = (name: string, delaySeconds: number) => ({
    sessionExpirySeconds: 60,
    will: { topic: `gone/${name}`, payload: name, delaySeconds, properties },
  });
  const asking = await connect5(broker, willOf("asked", 0));
  await asking.close({ reasonCode: 0x04 });
  const asked = (await subscription.next()).value!;
  assertEquals([textOf(asked.payload), asked.properties], ["asked", properties]);
  const link = broker.listener.connect();
  await connect({ version: 5, link, clock: broker.clock, ...willOf("late", 5) });
  link.close();
  const late = subscription.next();
  await eventually(() => assertEquals(broker.server.connectionCount, 1));
  broker.clock.advance(5_000);
  assertEquals(textOf((await late).value!.payload), "late");
  await watcher.close();
});

Deno.test("subscription options do at the broker what they say", async () => {
  await using broker = startBroker();
  const client = await connect5(broker);
  await client.publish("a", "kept", { retain: true });
  const subscription = await client.subscribe("a", { retainHandling: 2, retainAsPublished: true });
  const deaf = await client.subscribe("b", { noLocal: true });
  await client.publish("b", "own", { qos: 1 });
  await client.publish("a", "live", { retain: true });
  const message = (await subscription.next()).value!;
  assertEquals([textOf(message.payload), message.retain], ["live", true]);
  assertEquals([subscription.waitingCount, deaf.waitingCount], [0, 0]);
  await client.close();
});

const PUB: Omit<PubOptions, "connect"> = {
  topic: "t",
  qos: 1,
  retain: false,
  payload: { from: "lines" },
  properties: { contentType: "text/csv" },
  topicAlias: 1,
  close: {},
};

const SUB: Omit<SubOptions, "connect"> = {
  filters: ["t"],
  unsubscribe: [],
  subscribeOptions: { qos: 1, subscriptionId: 4 },
  unsubscribeOptions: {},
  close: {},
  format: ({ properties, subscriptionIds, payload }, { now }) =>
    encoder.encode(`${now} ${properties.contentType} ${subscriptionIds} ${textOf(payload)}`),
  count: 2,
  timeoutSeconds: undefined,
  verbose: true,
  newline: true,
  skipRetained: false,
  retainedOnly: false,
  exitOnSubscribe: false,
};

/** What `sub` prints of two messages; `publish` is called when it is subscribed. */
async function printed(broker: TestBroker, options: Partial<SubOptions>, publish: () => Promise<void>) {
  const lines: string[] = [];
  const connect = { version: 5, link: broker.listener.connect(), clock: broker.clock } as const;
  const running = sub({ connect, ...SUB, ...options }, {
    write: (bytes) => Promise.resolve(void lines.push(textOf(bytes))),
    warn: (line) => lines.push(line),
    clock: broker.clock,
  });
  await eventually(() => assertEquals(broker.broker.subscriptionCount, 1));
  await publish();
  assertEquals(await running, "done");
  return lines.join("");
}

function linesOf(text: string): PubInput {
  const stdin = (async function* () {
    yield await Promise.resolve(encoder.encode(text));
  })();
  return { stdin, readFile: () => Promise.reject(new Error("Not asked for")) };
}

Deno.test("pub and sub pass properties on, and sub prints by a format", async () => {
  await using broker = startBroker();
  const text = await printed(broker, {}, async () => {
    const connect = { version: 5, link: broker.listener.connect(), clock: broker.clock } as const;
    await pub({ connect, ...PUB }, linesOf("one\n\n"));
  });
  const now = broker.clock.now();
  assertEquals(text, `${now} text/csv 4 one\n${now} text/csv 4 \n`);
  const raw = await printed(broker, { newline: false, format: ({ payload }) => payload }, async () => {
    const client = await connect5(broker);
    await client.publish("t", "one");
    await client.publish("t", "two");
    await client.close();
  });
  assertEquals(raw, "onetwo");
});

Deno.test("pub and sub say at the end what they were told to, and sub when it gives up a filter", async () => {
  const close = { reasonString: "enough", userProperties: [["k", "v"]] } as const;
  const [near, far] = memoryLinks("peer");
  const subbing = sub({
    connect: { version: 5, link: near },
    ...SUB,
    filters: [],
    unsubscribe: ["old"],
    unsubscribeOptions: { userProperties: [["u", "1"]] },
    close,
  }, { write: () => Promise.resolve(), warn: () => {} });
  const broker = new ScriptedPeer(far, 5);
  await broker.expect("connect");
  await broker.send({ type: "connack", sessionPresent: false, reasonCode: 0 });
  const { packetId, userProperties } = await broker.expect("unsubscribe");
  assertEquals(userProperties, [["u", "1"]]);
  await broker.send({ type: "unsuback", packetId, reasonCodes: [0x11] });
  assertEquals(await broker.expect("disconnect"), { type: "disconnect", reasonCode: 0, ...close });
  broker.link.close();
  assertEquals(await subbing, "done");

  const [here, there] = memoryLinks("peer");
  const pubbing = pub({ connect: { version: 5, link: here }, ...PUB, qos: 0, close }, linesOf(""));
  const other = new ScriptedPeer(there, 5);
  await other.expect("connect");
  await other.send({ type: "connack", sessionPresent: false, reasonCode: 0 });
  assertEquals(await other.expect("disconnect"), { type: "disconnect", reasonCode: 0, ...close });
  other.link.close();
  await pubbing;
});
