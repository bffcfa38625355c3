import { assert, assertEquals } from "@std/assert";
import { BROKER_IDENTITY } from "../../broker/core/identity.ts";
import { Broker } from "../../broker/broker.ts";
import type { StoreRecord } from "../../broker/store/records.ts";
import { HeldStore } from "../support/held_store.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";
import { encodeMessageProperties } from "../../broker/packet/mod.ts";
import { DurableBroker, withFolder } from "./durable_broker.ts";

Deno.test("[MQTT-3.1.2-4] a session that had a connection when the process died is there at the next start", async () => {
  await withFolder(async (folder) => {
    const first = await DurableBroker.start(folder);
    const subscriber = await first.connect({ clientId: "s", cleanStart: false }, false);
    await subscriber.subscribe(["a", 1]);
    await first.crash();
    const second = await DurableBroker.start(folder);
    const again = await second.connect({ clientId: "s", cleanStart: false }, true);
    const publisher = await second.connect({ clientId: "p" }, false);
    await publisher.publish("a", "x", { qos: 1 });
    await again.takePublish({ topic: "a", payload: "x", qos: 1 });
    await second.close();
  });
});

Deno.test("numbers of messages that nobody waited for are not given again after a crash", async () => {
  await withFolder(async (folder) => {
    const first = await DurableBroker.start(folder);
    const draft = { topic: "a", payload: new Uint8Array(0), qos: 0, retain: false } as const;
    for (let count = 0; count < 100_000; count++) first.broker.publish(BROKER_IDENTITY, draft);
    const { epoch, sequence } = first.broker;
    await first.crash();
    const second = await DurableBroker.start(folder);
    assertEquals(second.broker.epoch, epoch);
    assert(second.broker.sequence >= sequence, `${second.broker.sequence} is behind ${sequence}`);
    await second.close();
  });
});

Deno.test("a retained message that expires while the store is read stays for the delivery that is read later", async () => {
  const clock = new SimulatedClock();
  const expired = {
    sequence: 1,
    time: clock.now() - 5_000,
    topic: "a",
    payload: new Uint8Array(1),
    qos: 1,
    retain: true,
  };
  const session = {
    sessionId: 1,
    clientId: "s",
    identity: "anonymous",
    expirySeconds: 60,
    expiresAt: clock.now() + 60_000,
  };
  const before: StoreRecord[] = [
    { kind: "session-put", ...session },
    {
      kind: "message-put",
      ...expired,
      properties: encodeMessageProperties({ expirySeconds: 1 }),
      publisherId: undefined,
    },
    { kind: "retained-put", topic: "a", sequence: 1 },
  ];
  const underWay = { deliveryId: 1, sessionId: 1, sequence: 1, qos: 1, retain: false, packetId: 7 };
  const behind: StoreRecord[] = [
    { kind: "delivery-put", ...underWay, identifiers: undefined, sharedFilter: undefined },
  ];
  const store = new class extends HeldStore {
    override async *load() {
      yield before;
      clock.advance(1);
      yield behind;
    }
  }();
  const broker = await Broker.open({ store, clock });
  clock.advance(1);
  assertEquals(store.kinds, ["state-put", "state-put", "retained-deleted"]);
  await broker.close();
});
