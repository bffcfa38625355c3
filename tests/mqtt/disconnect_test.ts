import { assertEquals } from "@std/assert";
import { startBroker } from "../support/start_broker.ts";
import { testVersions } from "../support/versions.ts";

testVersions("[MQTT-3.14.4-1] after DISCONNECT the broker closes the link", async (version) => {
  await using test = startBroker();
  const client = await test.connect({ version });
  client.sendHex("e0 00");
  await client.expectClosed();
  assertEquals(test.broker.counters.closes["client-disconnect"], 1);
  assertEquals(test.server.connectionCount, 0);
});

testVersions("[MQTT-3.14.4-2] what follows DISCONNECT in the same write is not handled", async (version) => {
  await using test = startBroker();
  const watcher = await test.connect();
  await watcher.subscribe(["#", 0]);
  const client = await test.connect({ version });
  client.sendHex("30 04 00 01 'a' 31", "e0 00", "30 04 00 01 'a' 32", "c0 00");
  await client.expectClosed();
  await watcher.expectPublish({ topic: "a", payload: "1" });
  await watcher.expectNothing();
});

testVersions("[MQTT-3.14.1-1] DISCONNECT with reserved bits is an error: closed", async (version) => {
  await using test = startBroker();
  const client = await test.connect({ version });
  client.sendHex("e1 00");
  await client.expectClosed();
  assertEquals(test.broker.counters.closes["malformed-packet"], 1);
  assertEquals(test.broker.counters.closes["client-disconnect"], 0);
});

testVersions("acknowledgements that wait reach a client that says DISCONNECT", async (version) => {
  await using test = startBroker();
  const client = await test.connect({ version });
  client.sendHex("32 06 00 01 'a' 00 01 31", "32 06 00 01 'a' 00 02 31", "e0 00");
  await client.expectHex("40 02 00 01", "40 02 00 02");
  await client.expectClosed();
});
