import { assertEquals } from "@std/assert";
import { ReasonCode } from "../../broker/packet/mod.ts";
import { startBroker } from "../support/start_broker.ts";
import { testVersionPairs, testVersions } from "../support/versions.ts";

testVersions(
  "[MQTT-3.14.4-1] [MQTT5-3.14.4-2] after DISCONNECT the broker closes the link",
  async (version) => {
    await using test = startBroker();
    const client = await test.connect({ version });
    client.sendHex("e0 00");
    await client.expectClosed();
    assertEquals(test.broker.counters.closes["client-disconnect"], 1);
    assertEquals(test.server.connectionCount, 0);
  },
);

testVersionPairs(
  "[MQTT-3.14.4-2] [MQTT5-3.14.4-1] what follows DISCONNECT in the same write is not handled",
  async (sender, receiver) => {
    await using test = startBroker();
    const watcher = await test.connect({ version: receiver });
    await watcher.subscribe(["#", 0]);
    const client = await test.connect({ version: sender });
    client.sendHex("30 [00 01 'a' {00} 31]", "e0 00", "30 [00 01 'a' {00} 32]", "c0 00");
    await client.expectClosed();
    await watcher.expectPublish({ topic: "a", payload: "1" });
    await watcher.expectNothing();
  },
);

testVersions(
  "[MQTT-3.14.1-1] [MQTT5-3.14.1-1] DISCONNECT with reserved bits is an error: closed",
  async (version) => {
    await using test = startBroker();
    const client = await test.connect({ version });
    client.sendHex("e1 00");
    await client.expectEnded(ReasonCode.malformedPacket);
    assertEquals(test.broker.counters.closes["malformed-packet"], 1);
    assertEquals(test.broker.counters.closes["client-disconnect"], 0);
  },
);

testVersions("acknowledgements that wait reach a client that says DISCONNECT", async (version) => {
  await using test = startBroker();
  const client = await test.connect({ version });
  client.sendHex("32 [00 01 'a' 00 01 {00} 31]", "32 [00 01 'a' 00 02 {00} 31]", "e0 00");
  await client.expectHex("40 [00 01 {10}]", "40 [00 02 {10}]");
  await client.expectClosed();
});
