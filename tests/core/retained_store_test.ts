import { assertEquals } from "@std/assert";
import { found } from "../support/found.ts";
import { DEFAULT_LIMITS, type Limits } from "../../broker/core/limits.ts";
import { Message, type MessageDraft } from "../../broker/core/message.ts";
import { RetainedStore } from "../../broker/core/retained_store.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";

function start(limits: Partial<Limits> = {}) {
  const clock = new SimulatedClock();
  const store = new RetainedStore({ ...DEFAULT_LIMITS, ...limits }, clock);
  let sequence = 0;
  const put = (topic: string, bytes = 1, expirySeconds?: number) => {
    const message = new Message(draftOf(topic, bytes, expirySeconds), ++sequence, clock.now());
    store.put(message);
    return message;
  };
  const topics = (filter: string) => [...found(store.match(filter))].map((message) => message.topic);
  return { clock, store, put, topics };
}

function draftOf(topic: string, bytes: number, expirySeconds?: number): MessageDraft {
  const properties = expirySeconds === undefined ? undefined : { expirySeconds };
  return { topic, payload: new Uint8Array(bytes), qos: 0, retain: true, properties };
}

Deno.test("the last message of each topic is kept until it is cleared [MQTT-3.3.1-7]", () => {
  const { store, put, topics } = start();
  put("a/1");
  const last = put("a/1", 5);
  put("a/2");
  assertEquals(store.get("a/1"), last);
  assertEquals(topics("a/+"), ["a/1", "a/2"]);
  store.clear("a/1");
  store.clear("a/1");
  assertEquals(store.get("a/1"), undefined);
  store.clear("a/2");
  assertEquals([store.size, store.bytes], [0, 0]);
});

Deno.test("whatever is put where there was room stays within the bound of bytes", () => {
  const { store, put } = start({ retainedBytesMax: 5_000 });
  for (let round = 0; round < 400; round++) {
    const topic = `t/${round % 13}/${round % 3}`;
    const bytes = (round * 37) % 500;
    if (!store.fullBy(draftOf(topic, bytes))) put(topic, bytes);
    else store.clear(`t/${(round + 5) % 13}/${round % 3}`);
    assertEquals(store.bytes <= 5_000, true, `${store.bytes}`);
  }
});

Deno.test("clearing and replacing by something no larger always has room", () => {
  const { store, put } = start({ retainedMax: 1, retainedBytesMax: 600 });
  put("a", 300);
  assertEquals(store.fullBy(draftOf("a", 0)), undefined);
  assertEquals(store.fullBy(draftOf("b", 0)), undefined);
  assertEquals(store.fullBy(draftOf("b", 1)), "retainedMax");
  assertEquals(store.fullBy(draftOf("a", 300)), undefined);
  assertEquals(store.fullBy(draftOf("a", 1_000)), "retainedBytesMax");
});

Deno.test("an expired message is not given to anybody, and goes", () => {
  const { clock, store, put, topics } = start();
  put("a", 1, 10);
  put("b", 1);
  clock.advance(9_999);
  assertEquals(topics("#"), ["a", "b"]);
  clock.advance(1);
  assertEquals(topics("#"), ["b"]);
  assertEquals(store.get("a"), undefined);
  assertEquals(store.size, 1);
  assertEquals(clock.timerCount, 0);
});

Deno.test("the expiry of a message that was replaced or cleared touches nothing", () => {
  const { clock, store, put } = start();
  put("a", 1, 10);
  put("a", 1, 20);
  put("b", 1, 10);
  store.clear("b");
  put("b", 1);
  assertEquals(clock.timerCount, 1);
  clock.advance(15_000);
  assertEquals(store.size, 2);
  clock.advance(5_000);
  assertEquals(store.size, 1);
});

Deno.test("a walk in order leaves out what has expired and goes on behind it", () => {
  const { clock, store, put } = start();
  for (const topic of ["a", "b", "c", "d"]) put(topic, 1, topic === "b" ? 1 : undefined);
  clock.advance(1_000);
  const topics = (after?: string) => [...found(store.inOrder("#", after))].map((message) => message.topic);
  assertEquals(topics(), ["a", "c", "d"]);
  assertEquals(topics("c"), ["d"]);
});
