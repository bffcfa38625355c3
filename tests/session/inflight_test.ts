import { assert, assertEquals } from "@std/assert";
import { Message } from "../../broker/core/message.ts";
import { InboundFlows, OutboundFlows } from "../../broker/session/inflight.ts";
import type { Outgoing } from "../../broker/session/message_queue.ts";

const message = new Message({ topic: "a", payload: new Uint8Array(0), qos: 2, retain: false }, 1, 0);

function flowsOf(windowMax: number, bytesMax = Infinity): OutboundFlows {
  return new OutboundFlows(windowMax, bytesMax);
}

function outgoing(message: Message, qos: 1 | 2): Outgoing {
  return { message, qos, retain: false, identifiers: [], sharedFilter: undefined, deliveryId: 0 };
}

Deno.test("identifiers are 1 to 65535, then 1 again [MQTT-2.3.1-1] [MQTT-2.3.1-4]", () => {
  const flows = flowsOf(10);
  for (let round = 0; round < 2; round++) {
    for (let expected = 1; expected <= 65_535; expected++) {
      const packetId = flows.begin(outgoing(message, 1));
      if (packetId !== expected) throw new Error(`${packetId} instead of ${expected}`);
      flows.acknowledge(packetId);
    }
  }
});

Deno.test("no identifier is given twice while its flow lasts, in every kind of window [MQTT-2.3.1-4]", () => {
  let seed = 1;
  const random = (below: number) => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % below;
  for (const windowMax of [1, 2, 3, 7, 256, 5_000]) {
    const flows = flowsOf(windowMax);
    const open: number[] = [];
    const isOpen = new Set<number>();
    for (let step = 0; step < 150_000; step++) {
      if (flows.hasRoom(message) && (open.length === 0 || random(2) === 0)) {
        const packetId = flows.begin(outgoing(message, 1));
        assert(packetId >= 1 && packetId <= 65_535 && !isOpen.has(packetId), `${packetId}`);
        open.push(packetId);
        isOpen.add(packetId);
      } else {
        const [packetId] = open.splice(random(open.length), 1);
        isOpen.delete(packetId!);
        if (flows.acknowledge(packetId!) !== "done") throw new Error(`${packetId} is lost`);
      }
    }
    assertEquals(flows.size, open.length);
    assertEquals(
      flows.entries().map(([packetId]) => packetId).sort((a, b) => a - b),
      open.sort((a, b) => a - b),
    );
  }
});

Deno.test("a window of 65535 holds every identifier at once", () => {
  const flows = flowsOf(100_000);
  for (let count = 0; count < 65_535; count++) flows.begin(outgoing(message, 1));
  assertEquals(flows.hasRoom(message), false);
  assertEquals(new Set(flows.entries().map(([packetId]) => packetId)).size, 65_535);
  flows.acknowledge(4_711);
  assertEquals(flows.begin(outgoing(message, 1)), 4_711);
});

Deno.test("a window has room up to its bound", () => {
  const flows = flowsOf(3);
  for (let count = 0; count < 3; count++) {
    assertEquals(flows.hasRoom(message), true);
    flows.begin(outgoing(message, 2));
  }
  assertEquals(flows.hasRoom(message), false);
  flows.release(1);
  assertEquals(flows.hasRoom(message), false, "PUBREC makes no room");
  flows.complete(1);
  assertEquals(flows.hasRoom(message), true);
});

Deno.test("a window has room up to its bound of bytes; a single larger message may be in it alone", () => {
  const flows = flowsOf(10, 2 * message.size);
  assertEquals(flows.hasRoom(message), true);
  flows.begin(outgoing(message, 2));
  assertEquals(flows.hasRoom(message), true);
  const second = flows.begin(outgoing(message, 2));
  assertEquals(flows.hasRoom(message), false);
  flows.release(second);
  assertEquals(flows.hasRoom(message), true);
  const large = new Message({ topic: "a", payload: new Uint8Array(10_000), qos: 1, retain: false }, 1, 0);
  assertEquals(flows.hasRoom(large), false);
  flows.drop(1);
  assertEquals(flows.hasRoom(large), true);
  flows.begin(outgoing(large, 1));
  assertEquals(flows.hasRoom(message), false);
});

Deno.test("each acknowledgement fits its step only [MQTT-4.3.2-1] [MQTT-4.3.3-1]", () => {
  const flows = flowsOf(10);
  assertEquals([flows.acknowledge(1), flows.release(1), flows.complete(1)], [
    "unknown",
    "unknown",
    "unknown",
  ]);
  const one = flows.begin(outgoing(message, 1));
  assertEquals([flows.release(one), flows.complete(one)], ["unexpected", "unexpected"]);
  assertEquals([flows.acknowledge(one), flows.acknowledge(one)], ["done", "unknown"]);
  const two = flows.begin(outgoing(message, 2));
  assertEquals([flows.acknowledge(two), flows.complete(two)], ["unexpected", "unexpected"]);
  assertEquals([flows.release(two), flows.release(two)], ["done", "done"]);
  assertEquals(flows.acknowledge(two), "unexpected");
  assertEquals([flows.complete(two), flows.complete(two)], ["done", "unknown"]);
  assertEquals(flows.size, 0);
});

Deno.test("re-sending goes by PUBLISH order, then by PUBREC order [MQTT-4.6.0-1] [MQTT-4.6.0-4]", () => {
  const flows = flowsOf(100);
  for (let count = 1; count <= 40; count++) flows.begin(outgoing(message, 2));
  for (const packetId of [30, 3, 17]) flows.release(packetId);
  flows.release(30);
  const order = flows.entries().map(([packetId, flow]) => `${packetId} ${flow.step}`);
  assertEquals(order.slice(-3), ["30 released", "3 released", "17 released"]);
  const published = Array.from({ length: 40 }, (_, index) => index + 1).filter((id) =>
    ![30, 3, 17].includes(id)
  );
  assertEquals(order.slice(0, -3), published.map((packetId) => `${packetId} published`));
});

Deno.test("an identifier of a client is a repetition until it is released [MQTT-4.3.3-2]", () => {
  const flows = new InboundFlows(10);
  assertEquals([flows.begin(5), flows.begin(5), flows.begin(6)], ["new", "duplicate", "new"]);
  assertEquals([flows.release(5), flows.release(5)], [true, false]);
  assertEquals(flows.begin(5), "new");
  assertEquals(flows.size, 2);
});

Deno.test("unreleased identifiers have a bound, and a repetition needs no room", () => {
  const flows = new InboundFlows(3);
  assertEquals([1, 2, 3, 4].map((packetId) => flows.begin(packetId)), ["new", "new", "new", "full"]);
  assertEquals(flows.begin(2), "duplicate");
  flows.release(2);
  assertEquals(flows.begin(4), "new");
});
