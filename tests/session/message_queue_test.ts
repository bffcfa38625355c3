import { assertEquals } from "@std/assert";
import { ByteBudget } from "../../broker/core/byte_budget.ts";
import { Message } from "../../broker/core/message.ts";
import { MessageQueue, type Outgoing } from "../../broker/session/message_queue.ts";

function outgoing(sequence: number, bytes = 0): Outgoing {
  const draft = { topic: "a", payload: new Uint8Array(bytes), qos: 1, retain: false } as const;
  return {
    message: new Message(draft, sequence, 0),
    qos: 1,
    retain: false,
    identifiers: [],
    sharedFilter: undefined,
    deliveryId: 0,
  };
}

const SIZE = outgoing(1).message.size;

function start(messagesMax: number, bytesMax = Infinity, budget = new ByteBudget(Infinity)) {
  return { queue: new MessageQueue({ messagesMax, bytesMax, budget }), budget };
}

Deno.test("first in, first out, through a thousand comings and goings", () => {
  const { queue, budget } = start(1_000);
  let pushed = 0;
  let shifted = 0;
  for (let round = 0; round < 1_000; round++) {
    for (let count = 0; count < round % 5; count++) queue.push(outgoing(++pushed));
    for (let count = 0; count < (round + 2) % 5 && queue.size > 0; count++) {
      assertEquals(queue.peek()?.message.sequence, shifted + 1);
      assertEquals(queue.shift()?.message.sequence, ++shifted);
    }
    assertEquals(queue.size, pushed - shifted);
    assertEquals(budget.bytes, queue.size * SIZE);
  }
});

Deno.test("an empty queue has nothing to give", () => {
  const { queue, budget } = start(10);
  assertEquals([queue.peek(), queue.shift(), queue.size], [undefined, undefined, 0]);
  queue.push(outgoing(1));
  queue.shift();
  assertEquals([queue.peek(), queue.shift(), queue.size, budget.bytes], [undefined, undefined, 0, 0]);
});

for (
  const [name, make] of Object.entries({
    messagesMax: () => start(3),
    bytesMax: () => start(100, 3 * SIZE),
    "the shared budget": () => start(100, Infinity, new ByteBudget(3 * SIZE)),
  })
) {
  Deno.test(`a queue takes up to ${name}, and again after something left`, () => {
    const { queue } = make();
    assertEquals([1, 2, 3, 4].map((sequence) => queue.push(outgoing(sequence))), [true, true, true, false]);
    queue.shift();
    assertEquals([queue.push(outgoing(5)), queue.push(outgoing(6))], [true, false]);
    assertEquals([2, 3, 5].map(() => queue.shift()?.message.sequence), [2, 3, 5]);
  });
}

Deno.test("a queue of bytes counts each message's own", () => {
  const { queue } = start(100, 3 * SIZE);
  assertEquals(queue.push(outgoing(1, 2 * SIZE)), true);
  assertEquals(queue.push(outgoing(2, 1)), false);
  assertEquals(queue.push(outgoing(2, 0)), false);
  queue.shift();
  assertEquals(queue.push(outgoing(3, 2 * SIZE + 1)), false);
});

Deno.test("clear gives all bytes back, also in the middle", () => {
  const { queue, budget } = start(1_000);
  for (let sequence = 1; sequence <= 100; sequence++) queue.push(outgoing(sequence));
  for (let count = 0; count < 40; count++) queue.shift();
  queue.clear();
  assertEquals([queue.size, budget.bytes, queue.peek()], [0, 0, undefined]);
  queue.push(outgoing(1));
  assertEquals([queue.size, budget.bytes], [1, SIZE]);
});

Deno.test("two queues share no list, though empty ones share one", () => {
  const one = start(10).queue;
  const two = start(10).queue;
  one.push(outgoing(1));
  assertEquals([two.size, start(10).queue.size], [0, 0]);
});
