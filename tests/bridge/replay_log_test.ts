import { assertEquals } from "@std/assert";
import { ReplayLog } from "../../bridge/stream/replay_log.ts";
import { Broker, DEFAULT_LIMITS, type Limits, Message, type MessageDraft } from "../../broker/mod.ts";
import { encodePublishFrame } from "../../broker/packet/mod.ts";
import { endOfTurn } from "../support/end_of_turn.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";

const EVERYBODY = { name: "test", can: () => true };

function logged(limits: Partial<Limits> = {}) {
  const clock = new SimulatedClock();
  const broker = new Broker({ clock });
  const log = new ReplayLog({ ...DEFAULT_LIMITS, ...limits }, broker.sequence, clock.now());
  broker.observe((message) => log.append(message));
  const publish = (payload: Uint8Array = new Uint8Array(0)): Message => {
    const publication = broker.publish(EVERYBODY, { topic: "t", payload, qos: 0, retain: false });
    if (!publication.accepted) throw new Error("refused");
    return publication.message;
  };
  return { log, publish, clock, broker };
}

Deno.test("replayMessagesMax 1000: the log has so many of the newest messages", () => {
  for (const count of [999, 1000, 1001, 5000]) {
    const { log, publish } = logged({ replayMessagesMax: 1000 });
    const messages = Array.from({ length: count }, () => publish());
    assertEquals([log.oldest, log.next], [Math.max(1, count - 999), count + 1]);
    for (const message of messages.slice(-1000)) assertEquals(log.get(message.sequence)?.time, message.time);
    assertEquals([log.get(log.oldest - 1), log.get(log.next)], [undefined, undefined]);
  }
});

Deno.test("replayBytesMax of 3 messages: the log counts bytes, and holds no message that is larger than all of it", () => {
  const measured = logged();
  measured.publish(new Uint8Array(100));
  const size = measured.log.bytes;
  const { log, publish } = logged({ replayBytesMax: 3 * size });
  for (let count = 1; count <= 10; count++) {
    publish(new Uint8Array(100));
    const held = Math.min(count, 3);
    assertEquals([log.oldest, log.next, log.bytes], [count + 1 - held, count + 1, held * size]);
  }
  publish(new Uint8Array(10_000));
  assertEquals([log.oldest, log.next, log.bytes], [12, 12, 0]);
  publish(new Uint8Array(1));
  assertEquals([log.oldest, log.next], [12, 13]);
});

Deno.test("the log finds the place of a time, and says when it does not reach back that far", async () => {
  const { log, publish, clock } = logged({ replayMessagesMax: 300 });
  const start = clock.now();
  assertEquals([log.sequenceBefore(0), log.sequenceBefore(start)], [0, 0]);
  for (let index = 0; index < 200; index++) {
    publish();
    await endOfTurn();
    clock.advance(10);
  }
  for (const sequence of [1, 2, 100, 200]) {
    assertEquals(log.sequenceBefore(start + (sequence - 1) * 10), sequence - 1);
    assertEquals(log.sequenceBefore(start + (sequence - 1) * 10 + 1), sequence);
  }
  for (let index = 0; index < 200; index++) publish();
  assertEquals([log.oldest, log.sequenceBefore(start + 990), log.sequenceBefore(start + 991)], [
    101,
    undefined,
    100,
  ]);
});

Deno.test("a message comes out of the log as it went in, whatever it has", () => {
  const { log, broker } = logged();
  const properties = { contentType: "text/plain", userProperties: [["a", "1"], ["a", "2"]] as const };
  const drafts: MessageDraft[] = [];
  for (let index = 0; index < 3000; index++) {
    const payload = new Uint8Array(index % 7 === 0 ? 20_000 : index % 40).fill(index);
    const qos = (index % 3) as 0 | 1 | 2;
    const topic = `t/${index % 5}${index % 13 === 0 ? "/long".repeat(60) : ""}`;
    const draft = { topic, payload, qos, retain: index % 2 === 0 };
    // As it comes over HTTP, and as it comes in a packet.
    const frame = index % 3 === 0 ? undefined : encodePublishFrame(draft, qos > 0, 4);
    drafts.push(index % 11 === 0 ? { ...draft, properties } : { ...draft, frame });
  }
  const first = broker.sequence + 1;
  for (const draft of drafts.slice(0, 1500)) broker.publish(EVERYBODY, draft);
  for (const draft of drafts.slice(1500)) broker.publish(EVERYBODY, draft);
  for (let sequence = Math.max(first, log.oldest); sequence < log.next; sequence++) {
    const message = log.get(sequence)!;
    const { topic, payload, qos, retain } = message;
    const draft = drafts[sequence - first]!;
    assertEquals({ topic, payload, qos, retain }, {
      topic: draft.topic,
      payload: draft.payload,
      qos: draft.qos,
      retain: draft.retain,
    });
    assertEquals([message.sequence, message.properties], [sequence, draft.properties]);
    assertEquals(log.topicOf(sequence), draft.topic);
  }
});

Deno.test("a message in the log does not keep the chunk that it was cut from", () => {
  const { log, publish } = logged();
  const chunk = new Uint8Array(64 * 1024);
  publish(chunk.subarray(100, 150));
  const { payload } = log.get(1)!;
  chunk.fill(1);
  assertEquals([payload.length, payload.buffer.byteLength, payload[0]], [50, 50, 0]);
  assertEquals(log.get(1)!.payload[0], 0);
});

Deno.test("what was never kept costs nothing, wherever others stood before", () => {
  const { log } = logged({ replayMessagesMax: 1000 });
  const message = (sequence: number) =>
    new Message({ topic: "t", payload: new Uint8Array(9), qos: 1, retain: false }, sequence, 0);
  const messages = Array.from({ length: 3000 }, (_, index) => message(index + 1));
  log.restore({ messages, from: 1, until: 3000, unsureUntil: 0, last: 3099, now: 0 });
  const { bytes } = log;
  for (let sequence = 3100; sequence < 4600; sequence++) log.append(message(sequence));
  assertEquals([log.oldest, log.next, log.bytes], [3600, 4600, bytes]);
});

Deno.test("behind a gap in the sequence the log starts anew", () => {
  const { log, publish, clock } = logged();
  const other = new Broker({ clock });
  for (let index = 0; index < 10; index++) publish();
  for (let index = 0; index < 20; index++) {
    const publication = other.publish(EVERYBODY, {
      topic: "t",
      payload: new Uint8Array(0),
      qos: 0,
      retain: false,
    });
    if (index === 19 && publication.accepted) log.append(publication.message);
  }
  assertEquals([log.oldest, log.next], [20, 21]);
});
