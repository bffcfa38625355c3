import { assertEquals, assertRejects } from "@std/assert";
import { type Client, connect, type ConnectOptions, RefusedError } from "../../broker/client/mod.ts";
import { pub, type PubOptions } from "../../broker/client/pub.ts";
import { sub, type SubOptions } from "../../broker/client/sub.ts";
import { eventually } from "../support/eventually.ts";
import { startBroker, type TestBroker } from "../support/start_broker.ts";
import { take, textOf } from "./scripted_peer.ts";

const encoder = new TextEncoder();

function linkTo({ listener, clock }: TestBroker, options: ConnectOptions = {}): ConnectOptions {
  return { ...options, link: listener.connect(), clock };
}

async function pubOf(
  broker: TestBroker,
  options: Partial<PubOptions>,
  stdin: readonly string[] = [],
): Promise<void> {
  const chunks = async function* () {
    for (const chunk of stdin) yield await Promise.resolve(encoder.encode(chunk));
  };
  const defaults = {
    topic: "t",
    qos: 0,
    retain: false,
    payload: { from: "text", text: "x" },
    properties: undefined,
    topicAlias: undefined,
    close: {},
  } as const;
  await pub({ connect: linkTo(broker), ...defaults, ...options }, {
    stdin: chunks(),
    readFile: (path) => Promise.resolve(encoder.encode(`content of ${path}`)),
  });
}

/** Starts `sub`; once it is subscribed the answer has what it prints. */
async function subOf(broker: TestBroker, options: Partial<SubOptions>, signal?: AbortSignal) {
  const printed: string[] = [];
  const warnings: string[] = [];
  const count = broker.broker.subscriptionCount;
  const running = sub({
    connect: linkTo(broker),
    filters: ["t"],
    unsubscribe: [],
    subscribeOptions: {},
    unsubscribeOptions: {},
    close: {},
    format: undefined,
    count: undefined,
    timeoutSeconds: undefined,
    verbose: false,
    newline: true,
    skipRetained: false,
    retainedOnly: false,
    exitOnSubscribe: false,
    ...options,
  }, {
    write: (bytes) => Promise.resolve(void printed.push(textOf(bytes))),
    warn: (line) => warnings.push(line),
    clock: broker.clock,
    ...(signal ? { signal } : {}),
  });
  running.catch(() => {});
  await Promise.race([
    running.catch(() => {}),
    eventually(() => assertEquals(broker.broker.subscriptionCount > count, true)),
  ]);
  return { running, text: () => printed.join(""), warnings };
}

Deno.test("client and broker exchange messages at every QoS, whole and in order", async () => {
  await using broker = startBroker();
  for (const qos of [0, 1, 2] as const) {
    const receiver = await connect(linkTo(broker));
    const sender = await connect(linkTo(broker));
    const subscription = await receiver.subscribe(`q/${qos}`, { qos });
    const expected = Array.from({ length: 3000 }, (_, index) => `${index}`);
    const publishing = expected.map((payload) => sender.publish(`q/${qos}`, payload, { qos }));
    assertEquals(await take(subscription, expected.length), expected);
    await Promise.all(publishing);
    await Promise.all([receiver.close(), sender.close()]);
  }
});

Deno.test("a will is published when the link breaks, and not after close", async () => {
  await using broker = startBroker();
  const watcher = await connect(linkTo(broker));
  const subscription = await watcher.subscribe("gone/+");
  const willOf = (name: string) => ({ will: { topic: `gone/${name}`, payload: name } });
  const polite = await connect(linkTo(broker, willOf("polite")));
  await polite.close();
  const options = linkTo(broker, willOf("rude"));
  await connect(options);
  options.link!.close();
  assertEquals(await take(subscription, 1), ["rude"]);
  await watcher.close();
});

Deno.test("what was not taken comes again in the next connection of the session", async () => {
  await using broker = startBroker();
  const session = { clientId: "worker", cleanStart: false };
  const first = await connect(linkTo(broker, session));
  assertEquals(first.sessionPresent, false);
  const subscription = await first.subscribe("jobs", { qos: 1 });
  for (const job of ["1", "2", "3"]) await first.publish("jobs", job, { qos: 1 });
  assertEquals(await take(subscription, 1), ["1"]);
  await first.close();
  const second = await connect(linkTo(broker, session));
  assertEquals(second.sessionPresent, true);
  assertEquals(await take(await second.subscribe("jobs", { qos: 1 }), 2), ["2", "3"]);
  await second.close();
});

Deno.test("the broker's no to a connection or subscription is a RefusedError", async () => {
  await using broker = startBroker({
    authenticators: [{ name: "none", authenticate: () => ({ granted: false, reason: "bad-credentials" }) }],
  });
  await assertRejects(
    () => connect(linkTo(broker, { username: "ana", password: "wrong" })),
    RefusedError,
    "Connection refused: bad user name or password",
  );
  await using other = startBroker();
  const client: Client = await connect(linkTo(other));
  await assertRejects(
    () => client.subscribe("$share/g"),
    RefusedError,
    "Subscription to $share/g refused",
  );
  await client.close();
});

Deno.test("pub publishes text, a file, the whole input or each line", async () => {
  await using broker = startBroker();
  const watcher = await connect(linkTo(broker));
  const subscription = await watcher.subscribe("t", { qos: 2 });
  await pubOf(broker, { payload: { from: "text", text: "-5" } });
  await pubOf(broker, { payload: { from: "file", path: "f" }, qos: 1 });
  await pubOf(broker, { payload: { from: "stdin" }, qos: 2 }, ["a\n", "b\n"]);
  await pubOf(broker, { payload: { from: "lines" } }, ["one\n\ntw", "o\nthree"]);
  await pubOf(broker, { payload: { from: "lines" } });
  await pubOf(broker, { payload: { from: "text", text: "" } });
  assertEquals(await take(subscription, 8), ["-5", "content of f", "a\nb\n", "one", "", "two", "three", ""]);
  await assertRejects(() => pubOf(broker, { payload: { from: "stdin" } }), Error, "empty standard input");
  await watcher.close();
});

Deno.test("pub of many lines ends when every one is acknowledged", async () => {
  await using broker = startBroker();
  const lines = Array.from({ length: 5000 }, (_, index) => `${index}\n`);
  for (const qos of [1, 2] as const) {
    const before = broker.broker.sequence;
    await pubOf(broker, { payload: { from: "lines" }, qos }, lines);
    assertEquals(broker.broker.sequence - before, lines.length);
  }
});

Deno.test("pub whose connection is lost says so at once, even when its input is silent", async () => {
  await using broker = startBroker();
  const options = linkTo(broker);
  const silent = {
    async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
      yield encoder.encode("one\n");
      await new Promise(() => {});
    },
  };
  const publishing = pub(
    {
      connect: options,
      topic: "t",
      qos: 1,
      retain: false,
      payload: { from: "lines" },
      properties: undefined,
      topicAlias: undefined,
      close: {},
    },
    { stdin: silent, readFile: () => Promise.reject(new Error("Not asked for")) },
  );
  publishing.catch(() => {});
  await eventually(() => assertEquals(broker.broker.sequence, 1));
  await broker.server.close();
  await assertRejects(() => publishing, Error, "The broker closed the connection");
});

Deno.test("sub prints payloads, or topics and payloads, and ends after so many", async () => {
  await using broker = startBroker();
  const plain = await subOf(broker, { count: 2 });
  const verbose = await subOf(broker, { filters: ["t", "u/#"], verbose: true, count: 3 });
  const raw = await subOf(broker, { newline: false, count: 2 });
  await pubOf(broker, { payload: { from: "text", text: "one" } });
  await pubOf(broker, { topic: "u/v", payload: { from: "text", text: "" } });
  await pubOf(broker, { payload: { from: "text", text: "two" } });
  assertEquals(await Promise.all([plain.running, verbose.running, raw.running]), ["done", "done", "done"]);
  assertEquals([plain.text(), verbose.text(), raw.text()], [
    "one\ntwo\n",
    "t one\nu/v (null)\nt two\n",
    "onetwo",
  ]);
});

Deno.test("sub ends when its time is over, when it is told to, and when the broker goes", async () => {
  await using broker = startBroker();
  const timed = await subOf(broker, { timeoutSeconds: 5 });
  broker.clock.advance(4_999);
  await pubOf(broker, {});
  await eventually(() => assertEquals(timed.text(), "x\n"));
  broker.clock.advance(1);
  assertEquals(await timed.running, "timed-out");
  const stop = new AbortController();
  const stopped = await subOf(broker, {}, stop.signal);
  stop.abort();
  assertEquals(await stopped.running, "done");
  const cut = await subOf(broker, {});
  await broker.server.close();
  await assertRejects(() => cut.running, Error, "The broker closed the connection");
});

Deno.test("sub tells retained messages from live ones", async () => {
  await using broker = startBroker();
  await pubOf(broker, { retain: true, payload: { from: "text", text: "kept" } });
  const stored = await subOf(broker, { retainedOnly: true });
  const live = await subOf(broker, { skipRetained: true, count: 1 });
  await eventually(() => assertEquals(stored.text(), "kept\n"));
  await pubOf(broker, { payload: { from: "text", text: "live" } });
  assertEquals(await Promise.all([stored.running, live.running]), ["done", "done"]);
  assertEquals([stored.text(), live.text()], ["kept\n", "live\n"]);
});

Deno.test("sub warns of a filter that is refused, and fails when all are", async () => {
  await using broker = startBroker();
  const partly = await subOf(broker, { filters: ["$share/g", "t"], count: 1 });
  await pubOf(broker, {});
  assertEquals(await partly.running, "done");
  assertEquals(partly.warnings, ["Subscription to $share/g refused: the broker gives no reason"]);
  const refused = await subOf(broker, { filters: ["$share/g"] });
  await assertRejects(() => refused.running, RefusedError);
});

Deno.test("sub can give up subscriptions of its session, or just make them", async () => {
  await using broker = startBroker();
  const session = { clientId: "s", cleanStart: false };
  const made = await subOf(broker, {
    connect: linkTo(broker, session),
    exitOnSubscribe: true,
    subscribeOptions: { qos: 1 },
  });
  assertEquals(await made.running, "done");
  assertEquals(broker.broker.subscriptionCount, 1);
  await pubOf(broker, { qos: 1, payload: { from: "text", text: "meanwhile" } });
  const back = await subOf(broker, { connect: linkTo(broker, session), filters: ["other"], count: 1 });
  assertEquals(await back.running, "done");
  assertEquals(back.text(), "meanwhile\n", "Also what came for a filter from before");
  const given = await subOf(broker, {
    connect: linkTo(broker, session),
    filters: [],
    unsubscribe: ["t", "other"],
  });
  assertEquals(await given.running, "done");
  assertEquals(broker.broker.subscriptionCount, 0);
});
