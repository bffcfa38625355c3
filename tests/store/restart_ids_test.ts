import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { FakeDisk } from "../support/fake_store.ts";
import { restart, startOn } from "../support/restart.ts";
import type { TestBroker } from "../support/start_broker.ts";

/** Publishes, and answers the number of the message. */
async function publish(test: TestBroker): Promise<number> {
  const publisher = await test.connect();
  await publisher.publish("a", "x", { qos: 1 });
  return test.broker.sequence;
}

Deno.test("message ids go on in the same epoch, without a hole after a stop", async () => {
  const disk = new FakeDisk();
  let test = await startOn(disk);
  const { epoch } = test.broker;
  const first = await publish(test);
  test = await restart(test, disk, { isOrderly: true });
  assertEquals(test.broker.epoch, epoch);
  assertEquals(await publish(test), first + 1);
  await test.close();
});

Deno.test("no message id is given twice, whatever was kept before a kill", async () => {
  const disk = new FakeDisk();
  let test = await startOn(disk);
  const { epoch } = test.broker;
  let last = 0;
  for (let round = 0; round < 3; round++) {
    const publisher = await test.connect();
    for (let number = 0; number < 1_500; number++) publisher.sendPublish("a", "x");
    await publisher.ping();
    const number = test.broker.sequence;
    assert(number > last, `${number} after ${last}`);
    last = number;
    // Nobody was promised anything, and so nothing waited for the disk.
    test = await restart(test, disk);
    assert(test.broker.sequence >= last, `Began again at ${test.broker.sequence}, with ${last} given`);
    assertEquals(test.broker.epoch, epoch);
  }
  await test.close();
});

Deno.test("a broker on another disk has another epoch", async () => {
  const [one, other] = [await startOn(new FakeDisk()), await startOn(new FakeDisk())];
  assertNotEquals(one.broker.epoch, other.broker.epoch);
  await one.close();
  await other.close();
});
