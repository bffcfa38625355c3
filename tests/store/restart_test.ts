import { assert, assertEquals } from "@std/assert";
import { BROKER_IDENTITY } from "../../broker/core/identity.ts";
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
