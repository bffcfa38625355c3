import { assertEquals, assertRejects } from "@std/assert";
import { ClosedError, RefusedError } from "../../broker/client/mod.ts";
import { INBOX_MESSAGES_MAX } from "../../broker/client/inbox.ts";
import { connectedPair, end, idle, isSettled, type Pair, take, textOf } from "./scripted_peer.ts";

async function subscribed(filters: string | string[], qos: 0 | 1 | 2 = 0, pair?: Pair) {
  const { client, peer } = pair ?? await connectedPair();
  const list = typeof filters === "string" ? [filters] : filters;
  const subscribing = client.subscribe(filters, { qos });
  await peer.grant(...list.map(() => qos));
  return { client, peer, subscription: await subscribing };
}

Deno.test("a subscription gives the messages with all that is known of them", async () => {
  const { subscription, ...pair } = await subscribed(["a/#", "b"], 1);
  assertEquals(subscription.granted, [1, 1]);
  await pair.peer.sendPublish("a/x", "one", { retain: true });
  await pair.peer.sendPublish("b", "two", { qos: 1, packetId: 9, dup: true });
  const first = (await subscription.next()).value!;
  assertEquals({ ...first, payload: textOf(first.payload) }, {
    topic: "a/x",
    payload: "one",
    qos: 0,
    retain: true,
    dup: false,
    packetId: 0,
    properties: {},
    subscriptionIds: [],
    topicAlias: 0,
  });
  const second = (await subscription.next()).value!;
  assertEquals([second.topic, second.qos, second.retain, second.dup], ["b", 1, false, true]);
  assertEquals((await pair.peer.expect("puback")).packetId, 9);
  await end(pair);
});

Deno.test("a message is acknowledged when it is taken, not when it comes", async () => {
  const { subscription, ...pair } = await subscribed("a", 1);
  await pair.peer.sendPublish("a", "one", { qos: 1, packetId: 1 });
  await pair.peer.sendPublish("a", "two", { qos: 1, packetId: 2 });
  await pair.peer.sendPublish("a", "one", { qos: 1, packetId: 1, dup: true });
  const ack = pair.peer.receive();
  assertEquals(await isSettled(ack), false);
  assertEquals(subscription.waitingCount, 2);
  await subscription.next();
  assertEquals(await ack, { type: "puback", packetId: 1, reasonCode: 0 });
  await end(pair);
});

Deno.test("a QoS 2 message is given once, however often it is sent before PUBREL", async () => {
  const { subscription, ...pair } = await subscribed("a", 2);
  await pair.peer.sendPublish("a", "one", { qos: 2, packetId: 5 });
  assertEquals(await take(subscription, 1), ["one"]);
  await pair.peer.expect("pubrec");
  await pair.peer.sendPublish("a", "one", { qos: 2, packetId: 5, dup: true });
  await pair.peer.expect("pubrec");
  await pair.peer.ack("pubrel", 5);
  await pair.peer.expect("pubcomp");
  await pair.peer.sendPublish("a", "two", { qos: 2, packetId: 5 });
  assertEquals(await take(subscription, 1), ["two"]);
  await pair.peer.expect("pubrec");
  await pair.peer.ack("pubrel", 99);
  assertEquals((await pair.peer.expect("pubcomp")).packetId, 99);
  await end(pair);
});

Deno.test("messages that come before SUBACK are not lost", async () => {
  const pair = await connectedPair();
  const subscribing = pair.client.subscribe("a");
  const { packetId } = await pair.peer.expect("subscribe");
  await pair.peer.sendPublish("a", "early", { retain: true });
  await pair.peer.send({ type: "suback", packetId, reasonCodes: [0] });
  assertEquals(await take(await subscribing, 1), ["early"]);
  await end(pair);
});

Deno.test("each subscription gives its own messages; both give what both ask for, acknowledged once", async () => {
  const { subscription: all, ...pair } = await subscribed("#", 1);
  const { subscription: some } = await subscribed("$share/g/a/+", 1, pair);
  await pair.peer.sendPublish("a/b", "both", { qos: 1, packetId: 1 });
  await pair.peer.sendPublish("c", "one");
  assertEquals(await take(some, 1), ["both"]);
  const ack = pair.peer.receive();
  assertEquals(await isSettled(ack), false, "The other has not taken it");
  assertEquals(await take(all, 2), ["both", "one"]);
  assertEquals(await ack, { type: "puback", packetId: 1, reasonCode: 0 });
  assertEquals([some.waitingCount, all.waitingCount], [0, 0]);
  await end(pair);
});

Deno.test("a refused subscription rejects; one that is granted in part says what was not", async () => {
  const pair = await connectedPair();
  const refused = pair.client.subscribe(["a", "b"]);
  refused.catch(() => {});
  await pair.peer.grant(0x80, 0x80);
  const error = await assertRejects(() => refused, RefusedError);
  assertEquals(error.message, "Subscription to a, b refused: the broker gives no reason");
  assertEquals(error.reasonCode, 0x80);
  const partly = pair.client.subscribe(["a", "b"], { qos: 2 });
  await pair.peer.grant(0x80, 1);
  assertEquals((await partly).granted, [0x80, 1]);
  await end(pair);
});

Deno.test("a SUBACK that does not answer each filter ends the connection", async () => {
  const { client, peer } = await connectedPair();
  const subscribing = client.subscribe(["a", "b"]);
  subscribing.catch(() => {});
  await peer.grant(0);
  await assertRejects(() => subscribing, ClosedError, "SUBACK does not answer each filter");
});

Deno.test("unsubscribe resolves with UNSUBACK", async () => {
  const { subscription, ...pair } = await subscribed("a");
  const unsubscribing = pair.client.unsubscribe("a");
  const { packetId, filters } = await pair.peer.expect("unsubscribe");
  assertEquals(filters, ["a"]);
  assertEquals(await isSettled(unsubscribing), false);
  await pair.peer.send({ type: "unsuback", packetId, reasonCodes: [] });
  await unsubscribing;
  assertEquals(await isSettled(subscription.next()), false);
  await end(pair);
});

Deno.test("the client stops reading while the consumer lags, and loses nothing", async () => {
  const { subscription, ...pair } = await subscribed("a");
  const count = INBOX_MESSAGES_MAX * 3;
  const filler = "x".repeat(200); // Beyond what link and read buffer hold.
  const sending = (async () => {
    for (let index = 0; index < count; index++) await pair.peer.sendPublish("a", `${index} ${filler}`);
  })();
  assertEquals(await isSettled(sending), false);
  assertEquals(subscription.waitingCount, INBOX_MESSAGES_MAX);
  const payloads = await take(subscription, count);
  assertEquals(
    payloads.map((payload) => parseInt(payload)),
    Array.from({ length: count }, (_, index) => index),
  );
  await sending;
  assertEquals(pair.client.droppedCount, 0);
  await end(pair);
});

Deno.test("a few large messages stop the reading too", async () => {
  const { subscription, ...pair } = await subscribed("a");
  const megabyte = "x".repeat(1024 * 1024);
  const sending = Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(() => pair.peer.sendPublish("a", megabyte)));
  assertEquals(await isSettled(sending), false);
  assertEquals(subscription.waitingCount <= 4, true);
  // A client that closes reads to the end, and keeps none of it.
  await Promise.all([pair.client.close(), sending.then(() => pair.peer.expectGoodbye())]);
});

Deno.test("a consumer that publishes and awaits the answer is not stuck behind its own messages", async () => {
  const { subscription, ...pair } = await subscribed("a");
  const flood = (async () => {
    for (let index = 0; index < INBOX_MESSAGES_MAX * 2; index++) {
      await pair.peer.sendPublish("a", "x".repeat(100));
    }
  })();
  await idle();
  await subscription.next();
  const publishing = pair.client.publish("b", "y", { qos: 1 });
  const { packetId } = await pair.peer.expect("publish");
  await flood;
  await pair.peer.ack("puback", packetId);
  await publishing;
  assertEquals(pair.client.droppedCount > 0, true, "QoS 0 made room for the answer");
  await end(pair);
});

Deno.test("a resumed session's messages wait for a subscription that asks for them", async () => {
  const pair = await connectedPair({ sessionPresent: true });
  await pair.peer.sendPublish("old/a", "1", { qos: 1, packetId: 1 });
  await pair.peer.sendPublish("old/b", "2", { qos: 1, packetId: 2 });
  await idle();
  const { subscription } = await subscribed("old/b", 1, pair);
  assertEquals(await take(subscription, 1), ["2"]);
  assertEquals((await pair.peer.expect("puback")).packetId, 2);
  const catching = pair.client.subscribe("new", { catchAll: true });
  await pair.peer.grant(0);
  assertEquals(await take(await catching, 1), ["1"]);
  assertEquals((await pair.peer.expect("puback")).packetId, 1);
  await end(pair);
});

Deno.test("messages that nobody asks for are kept up to a bound, then let go", async () => {
  const pair = await connectedPair({ sessionPresent: true });
  for (let index = 0; index < INBOX_MESSAGES_MAX; index++) await pair.peer.sendPublish("a", `${index}`);
  await idle();
  assertEquals(pair.client.droppedCount, 0);
  await pair.peer.sendPublish("a", "late", { qos: 1, packetId: 3 });
  assertEquals((await pair.peer.expect("puback")).packetId, 3, "The broker's window must not fill");
  assertEquals(pair.client.droppedCount, 1);
  const { subscription } = await subscribed("a", 0, pair);
  assertEquals((await take(subscription, INBOX_MESSAGES_MAX)).at(-1), `${INBOX_MESSAGES_MAX - 1}`);
  await end(pair);
});

Deno.test("leaving the loop ends the subscription here; its messages wait for the next", async () => {
  const { subscription, ...pair } = await subscribed("a", 1);
  await pair.peer.sendPublish("a", "1", { qos: 1, packetId: 1 });
  await pair.peer.sendPublish("a", "2", { qos: 1, packetId: 2 });
  for await (const message of subscription) {
    assertEquals(textOf(message.payload), "1");
    break;
  }
  assertEquals((await pair.peer.expect("puback")).packetId, 1);
  assertEquals((await subscription.next()).done, true);
  const again = await subscribed("a", 1, pair);
  assertEquals(await take(again.subscription, 1), ["2"]);
  assertEquals((await pair.peer.expect("puback")).packetId, 2);
  await end(pair);
});

Deno.test("a lost connection gives what is here, but QoS 2, and then its reason", async () => {
  const { subscription, peer } = await subscribed("a", 2);
  await peer.sendPublish("a", "one");
  await peer.sendPublish("a", "two", { qos: 2, packetId: 1 });
  await peer.sendPublish("a", "three", { qos: 1, packetId: 2 });
  await idle();
  peer.link.close();
  await idle();
  assertEquals(await take(subscription, 2), ["one", "three"]);
  await assertRejects(() => subscription.next(), ClosedError, "The broker closed the connection");
});

Deno.test("close ends a waiting loop", async () => {
  const { subscription, ...pair } = await subscribed("a");
  const next = subscription.next();
  await end(pair);
  assertEquals(await next, { done: true, value: undefined });
});
