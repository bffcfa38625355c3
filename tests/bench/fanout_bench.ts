import { ByteBudget } from "../../broker/core/byte_budget.ts";
import { DEFAULT_LIMITS } from "../../broker/core/limits.ts";
import { Message } from "../../broker/core/message.ts";
import { Router } from "../../broker/core/router.ts";
import type { Delivery, Subscriber } from "../../broker/core/subscriber.ts";
import { Counters } from "../../broker/metrics/counters.ts";
import type { QoS } from "../../broker/packet/mod.ts";
import { BufferPool } from "../../broker/transport/buffer_pool.ts";
import { Outbox, type OutboxOwner } from "../../broker/transport/outbox.ts";
import type { Link } from "../../broker/transport/transport.ts";

const TOPIC = "site/7/device/42/temperature";
/** As many as one read of a busy publisher brings: they leave in one write for each peer. */
const MESSAGES = 100;
const FIRST_BYTE = 0x30;

/** Takes whatever it is given at once, as a socket with room does. */
const TAKER: Link = {
  peer: "nobody",
  read: () => new Promise(() => {}),
  write: (bytes) => Promise.resolve(bytes.length),
  close: () => {},
};
const NOBODY: OutboxOwner = {
  outboxDirty: () => {},
  outboxDrained: () => {},
  outboxFailed: () => {},
  outboxSent: () => {},
  outboxOver: () => {},
};

class Receiver implements Subscriber {
  readonly identity = { name: "receiver", can: () => true };
  readonly outbox: Outbox | undefined;

  constructor(readonly id: string, outbox?: Outbox) {
    this.outbox = outbox;
  }

  deliver(message: Message, { qos }: { readonly qos: QoS }): Delivery {
    this.outbox?.pushPublish(message.frame(qos, 4), FIRST_BYTE | qos << 1, 1);
    return "queued";
  }

  readiness(): "now" {
    return "now";
  }
}

function routerTo(receivers: readonly Receiver[], qos: QoS): Router {
  const router = new Router(DEFAULT_LIMITS, new Counters());
  const plain = { isShared: false, noLocal: false, retainAsPublished: false, identifiers: [] } as const;
  for (const subscriber of receivers) router.add({ ...plain, filter: "site/7/#", qos, subscriber });
  return router;
}

function receivers(count: number, outboxOf: () => Outbox | undefined = () => undefined): readonly Receiver[] {
  return Array.from({ length: count }, (_, index) => new Receiver(`receiver ${index}`, outboxOf()));
}

function newMessage(topic: string, qos: QoS, payloadBytes = 64): Message {
  return new Message({ topic, payload: new Uint8Array(payloadBytes), qos, retain: false }, 1, 0);
}

for (const count of [1, 50, 1_000]) {
  const router = routerTo(receivers(count), 0);
  Deno.bench(`route to ${count}, the route is remembered`, () => {
    router.route(newMessage(TOPIC, 0));
  });
  let next = 0;
  Deno.bench(`route to ${count}, a topic that nobody published before`, () => {
    router.route(newMessage(`site/7/device/${next++}`, 0));
  });
}

for (const count of [1, 50, 1_000]) {
  for (const qos of [0, 1] as const) {
    for (const payloadBytes of [64, 4_096]) {
      const budget = new ByteBudget(DEFAULT_LIMITS.outboxTotalBytesMax);
      const pool = new BufferPool();
      const bytesMax = DEFAULT_LIMITS.outboxBytesMax;
      const all = receivers(count, () => new Outbox({ link: TAKER, pool, budget, bytesMax, owner: NOBODY }));
      const router = routerTo(all, qos);
      Deno.bench(
        `${MESSAGES} messages of ${payloadBytes} B at QoS ${qos} to ${count} outboxes, and one flush of each`,
        async () => {
          for (let index = 0; index < MESSAGES; index++) router.route(newMessage(TOPIC, qos, payloadBytes));
          for (const { outbox } of all) outbox!.flush();
          await Promise.resolve();
          // What did not leave would pile up, and soon nothing else would be measured.
          while (budget.bytes > 0) await Promise.resolve();
        },
      );
    }
  }
}
