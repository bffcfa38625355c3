import { assertEquals } from "@std/assert";
import { BrokerProcess } from "../bench/crash/broker_process.ts";
import { OpenChromium, PageFollower } from "./support/chromium.ts";
import { freePort } from "./support/mosquitto_broker.ts";
import { requireTool } from "./support/outside_tool.ts";

const test = requireTool("chromium");
const ROUNDS = 3;
const MESSAGES_PER_ROUND = 20;

test("an EventSource in Chromium goes on over kills of the broker: nothing acknowledged is missing, and no reset", async () => {
  const folder = await Deno.makeTempDir({ prefix: "pregon-chromium-" });
  const place = { folder, mqttPort: freePort(), httpPort: freePort() };
  const origin = `http://localhost:${place.httpPort}`;
  let broker = new BrokerProcess(place);
  try {
    await broker.ready;
    await using chromium = await OpenChromium.launch();
    await chromium.page.goto(`${origin}/`);
    const follower = await PageFollower.open(chromium.page, "/stream?filter=numbers&qos=1");
    await chromium.page.evaluate(() => {
      const { seen } = globalThis as unknown as { seen: { source: EventSource; payloads: string[] } };
      for (const name of ["reset", "gap"]) {
        seen.source.addEventListener(name, () => seen.payloads.push(name));
      }
    });
    const numbers: string[] = [];
    const publish = async (count: number) => {
      for (let index = 0; index < count; index++) {
        const body = String(numbers.length);
        const answer = await fetch(`${origin}/topics/numbers?qos=1`, { method: "POST", body });
        await answer.body?.cancel();
        assertEquals(answer.status, 200);
        numbers.push(body);
      }
    };
    for (let round = 0; round < ROUNDS; round++) {
      await publish(MESSAGES_PER_ROUND);
      // The page may have seen the last of them or not: what was acknowledged is owed to it all the same.
      await broker.kill();
      broker = new BrokerProcess(place);
      await broker.ready;
    }
    await publish(MESSAGES_PER_ROUND);
    const { payloads } = await follower.receives(numbers.length);
    assertEquals(payloads, numbers);
  } finally {
    await broker.kill();
    await Deno.remove(folder, { recursive: true });
  }
});
