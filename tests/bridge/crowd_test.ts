import { assert, assertEquals } from "@std/assert";
import { createBridge } from "../../bridge/mod.ts";
import { eventually } from "../support/eventually.ts";
import { startBroker } from "../support/start_broker.ts";
import { Peer } from "../support/turns.ts";

const CROWD = 200;

Deno.test("who is touched right before a POST to a crowd, in the same turn, does not wait for the crowd", async () => {
  await using test = startBroker();
  const { turn } = test.broker;
  const bridge = createBridge(test.broker);
  const crowd = [];
  for (let index = 0; index < CROWD; index++) {
    const client = await test.connect({ clientId: `crowd-${index}` });
    await client.subscribe(["crowd", 0]);
    crowd.push(client);
  }
  const sentBefore = test.broker.counters.bytesSent;
  let sentWhenFlushed = 0;
  const working = new Peer("working", []);
  working.flush = () => {
    sentWhenFlushed = test.broker.counters.bytesSent - sentBefore;
    working.calls.push("flush");
  };
  const nextSource = turn.nextSource.bind(turn);
  let isTouched = false;
  turn.nextSource = () => {
    if (!isTouched) turn.touch(working);
    isTouched = true;
    nextSource();
  };
  const request = new Request("http://localhost/topics/crowd", { method: "POST", body: "x" });
  assertEquals((await bridge.fetch(request)).status, 200);
  await eventually(() => assertEquals(working.calls, ["flush"]));
  for (const client of crowd) await client.takePublish({ topic: "crowd", payload: "x" });
  const sent = test.broker.counters.bytesSent - sentBefore;
  assert(sentWhenFlushed < sent / 2, `${sentWhenFlushed} of ${sent} bytes went to the crowd first`);
  await bridge.close();
});
