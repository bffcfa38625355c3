import { assert, assertEquals, assertGreater } from "@std/assert";
import { eventually, within } from "../support/eventually.ts";
import { Random } from "../topic/random_names.ts";
import { CuttingProxy } from "./support/cutting_proxy.ts";
import { publishThroughCuts } from "./support/numbered_flow.ts";
import { OpenEverything } from "./support/start_all.ts";
import { HOST } from "./support/start_mqtt.ts";
import { TOOL_PATIENCE_MS } from "./support/tool_process.ts";

/** What a message event says. */
interface Envelope {
  readonly topic: string;
  readonly payload: string;
  readonly retain: boolean;
  readonly replay?: boolean;
}

/** Deno's own EventSource, with what it received. */
class Follower implements Disposable {
  readonly source: EventSource;
  readonly messages: Envelope[] = [];
  /** Control events and messages, in order: `live`, or the payload. */
  readonly story: string[] = [];
  /** `readyState` at each error. */
  readonly errorStates: number[] = [];

  constructor(url: string) {
    this.source = new EventSource(url);
    this.source.onmessage = ({ data }) => {
      const message: Envelope = JSON.parse(data);
      this.messages.push(message);
      this.story.push(message.payload);
    };
    for (const name of ["live", "reset", "gap", "bye"]) {
      this.source.addEventListener(name, () => this.story.push(name));
    }
    this.source.onerror = () => this.errorStates.push(this.source.readyState);
  }

  get payloads(): string[] {
    return this.messages.map(({ payload }) => payload);
  }

  /** Waits for the next event of the name; answers its data. */
  async event(name: string): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>();
    const take = (event: Event) => resolve((event as MessageEvent).data);
    this.source.addEventListener(name, take, { once: true });
    return await within(promise, () => `no ${name} event`, TOOL_PATIENCE_MS);
  }

  /** Waits until the last payload is this one. */
  async receives(payload: string): Promise<void> {
    await eventually(() => assertEquals(this.payloads.at(-1), payload), TOOL_PATIENCE_MS);
  }

  [Symbol.dispose](): void {
    this.source.close();
  }
}

Deno.test("Deno's EventSource misses and repeats nothing while its connection is cut 20 times", async () => {
  await using everything = new OpenEverything();
  await using proxy = new CuttingProxy(everything.httpPort, new Random(20));
  using follower = new Follower(`http://${HOST}:${proxy.port}/topics/numbers/+`);
  await follower.event("live");
  await publishThroughCuts({ everything, proxy, topic: "numbers/all", messageCount: 1_000, cutCount: 20 });
  await follower.receives("999");
  assertEquals(follower.payloads, Array.from({ length: 1_000 }, (_, index) => String(index)));
  assertEquals(follower.errorStates, Array(20).fill(EventSource.CONNECTING));
  assertEquals(proxy.cutCount, 20);
  assertGreater(follower.messages.filter(({ replay }) => replay).length, 100);
  assertGreater(follower.messages.filter(({ replay }) => !replay).length, 100);
});

Deno.test("an EventSource opens on an idle topic, and then has what is retained and what follows", async () => {
  await using everything = new OpenEverything();
  using idle = new Follower(`${everything.url}/topics/nobody/here`);
  await idle.event("open");
  await fetch(`${everything.url}/topics/home/temp`, { method: "PUT", body: "20" }).then((answer) =>
    answer.body?.cancel()
  );
  using follower = new Follower(`${everything.url}/topics/home/+`);
  await follower.event("live");
  everything.publish("home/temp", "21\r\n\ndata: x");
  await follower.receives("21\r\n\ndata: x");
  assertEquals(follower.messages.map(({ payload, retain }) => [payload, retain]), [
    ["20", true],
    ["21\r\n\ndata: x", false],
  ]);
  assertEquals(idle.source.readyState, EventSource.OPEN);
});

Deno.test("with event=topic an EventSource listens to topics by name", async () => {
  await using everything = new OpenEverything();
  const source = new EventSource(`${everything.url}/stream?filter=home/%23&event=topic`);
  try {
    const seen: string[] = [];
    source.addEventListener("home/küche/temp", ({ data }) => seen.push(data));
    await everything.subscribed(1);
    everything.publish("home/hall/temp", "other");
    everything.publish("home/küche/temp", "two\nlines");
    await eventually(() => assertEquals(seen, ["two\nlines"]), TOOL_PATIENCE_MS);
  } finally {
    source.close();
  }
});

Deno.test("an EventSource that was away too long gets one reset, what is retained, and then goes on", async () => {
  await using everything = new OpenEverything({ limits: { replayMessagesMax: 10 } });
  await using proxy = new CuttingProxy(everything.httpPort, new Random(1));
  const retain = (topic: string, payload: string) => {
    const draft = { topic, payload: new TextEncoder().encode(payload), qos: 0, retain: true } as const;
    everything.broker.publish({ name: "test", can: () => true }, draft);
  };
  retain("home/a", "a1");
  using follower = new Follower(`http://${HOST}:${proxy.port}/stream/home/%23`);
  await follower.event("live");
  proxy.startCutting({ cutCount: 1, bytesMax: 1 });
  everything.publish("home/lost", "cut off");
  await eventually(() => assertEquals(proxy.cutCount, 1), TOOL_PATIENCE_MS);
  for (let index = 0; index < 20; index++) everything.publish("home/lost", "while away");
  retain("home/a", "a2");
  retain("home/b", "b1");
  await follower.event("live");
  everything.publish("home/a", "end");
  await follower.receives("end");
  assertEquals(follower.story.slice(0, 3), ["a1", "live", "reset"]);
  assertEquals(follower.story.slice(3, 5).sort(), ["a2", "b1"]);
  assertEquals(follower.story.slice(5), ["live", "end"]);
});

Deno.test("heartbeats carry a quiet EventSource past what it does not want to hear", async () => {
  await using everything = new OpenEverything({ limits: { replayMessagesMax: 100, heartbeatSeconds: 1 } });
  await using proxy = new CuttingProxy(everything.httpPort, new Random(1));
  using follower = new Follower(`http://${HOST}:${proxy.port}/stream/quiet`);
  await follower.event("live");
  for (let index = 0; index < 1_000; index++) everything.publish("noise", String(index));
  const before = proxy.byteCount;
  await eventually(() => assert(proxy.byteCount > before, "No heartbeat"), TOOL_PATIENCE_MS);
  proxy.startCutting({ cutCount: 1, bytesMax: 1 });
  everything.publish("quiet", "cut off");
  const ready = JSON.parse(await follower.event("ready"));
  assertEquals(ready.resume, "resumed");
  await follower.receives("cut off");
  assertEquals(follower.payloads, ["cut off"]);
});

Deno.test("an EventSource is told when the bridge stops", async () => {
  const everything = new OpenEverything();
  try {
    using follower = new Follower(`${everything.url}/stream/a`);
    await follower.event("live");
    const bye = follower.event("bye");
    const closing = everything.close();
    const { reason, retry_ms } = JSON.parse(await bye);
    assertEquals([reason, typeof retry_ms], ["shutdown", "number"]);
    follower.source.close();
    await closing;
  } finally {
    await everything.close();
  }
});
