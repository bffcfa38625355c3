import { assert } from "@std/assert";
import { startBroker } from "../support/start_broker.ts";

const CROWD = 200;

Deno.test("a message that comes with one for a crowd does not wait for the crowd", async () => {
  await using test = startBroker();
  const crowd = [];
  for (let index = 0; index < CROWD; index++) {
    const client = await test.connect({ clientId: `crowd-${index}` });
    await client.subscribe(["crowd", 0]);
    crowd.push(client);
  }
  const [publisher, working] = [await test.connect(), await test.connect()];
  await working.subscribe(["own", 0]);
  let servedCount = 0;
  const served = crowd.map(async (client) => {
    await client.takePublish({ topic: "crowd", payload: "x" });
    servedCount++;
  });
  const own = working.takePublish({ topic: "own", payload: "y" }).then(() => servedCount);
  publisher.sendPublish("crowd", "x");
  working.sendPublish("own", "y");
  const servedBefore = await own;
  assert(servedBefore < CROWD / 2, `${servedBefore} of the crowd came first`);
  await Promise.all(served);
});
