import { assertEquals } from "@std/assert";
import { ReasonCode } from "../../broker/packet/mod.ts";
import { startBroker } from "../support/start_broker.ts";
import { testVersionPairs, testVersions } from "../support/versions.ts";

testVersions(
  "[MQTT-3.1.3-5] [MQTT5-3.1.3-5] client identifiers of 1 to 23 bytes of 0-9 a-z A-Z are accepted",
  async (version) => {
    await using test = startBroker();
    for (
      const clientId of [
        "0",
        "z",
        "Z",
        "abcdefghijklmnopqrstuvw",
        "ABCDEFGHIJKLMNOPQRSTUVW",
        "0123456789xyzXYZ0123456",
      ]
    ) {
      await test.connect({ version, clientId });
    }
    assertEquals(test.broker.sessions.size, 6);
  },
);

testVersionPairs(
  "[MQTT-3.1.3-2] [MQTT5-3.1.3-2] each client identifier has a session of its own",
  async (sender, receiver) => {
    await using test = startBroker();
    for (const clientId of ["one", "two", "ONE"]) {
      const client = await test.connect({ version: receiver, clientId, cleanStart: false });
      await client.subscribe([`to/${clientId}`, 1]);
      await client.disconnect();
    }
    const publisher = await test.connect({ version: sender });
    await publisher.publish("to/two", "hello", { qos: 1 });
    for (const clientId of ["one", "two", "ONE"]) {
      const client = await test.connect({ version: receiver, clientId, cleanStart: false });
      if (clientId === "two") await client.takePublish({ topic: "to/two", payload: "hello", qos: 1 });
      await client.expectNothing();
    }
  },
);

testVersions(
  "[MQTT-3.1.3-6] clients without identifier, clean session, each get one of their own",
  async (version) => {
    await using test = startBroker();
    const one = await test.connect({ version, clientId: "" });
    const two = await test.connect({ version, clientId: "" });
    await one.subscribe(["a", 0]);
    await two.subscribe(["b", 0]);
    await two.publish("a", "1");
    await one.expectPublish({ topic: "a", payload: "1" });
    await two.expectNothing();
    assertEquals(test.broker.sessions.size, 2);
  },
  [4, 5], // 3.1 knows no empty identifier.
);

Deno.test("[MQTT-3.1.3-7] [MQTT-3.1.3-8] no identifier and a kept session is answered 0x02, then closed", async () => {
  await using test = startBroker();
  const client = test.open();
  client.sendConnect({ clientId: "", cleanStart: false });
  await client.expectHex("20 02 00 02");
  await client.expectClosed();
});

Deno.test("[MQTT-3.1.3-9] MQTT 3.1 knows no empty identifier: answered 0x02, then closed", async () => {
  await using test = startBroker();
  const client = test.open();
  client.sendConnect({ clientId: "", version: 3 });
  await client.expectHex("20 02 00 02");
  await client.expectClosed();
});

testVersions(
  "[MQTT-3.1.3-9] [MQTT5-3.1.3-8] clientIdBytesMax 8: a longer identifier is refused, then closed",
  async (version) => {
    await using test = startBroker({ limits: { clientIdBytesMax: 8 } });
    // é has two bytes, 語 three.
    for (const clientId of ["1234567", "12345678", "éééé", "語語é"]) {
      await test.connect({ version, clientId });
    }
    for (const clientId of ["123456789", "ééééa", "語語語"]) {
      const client = test.open();
      client.sendConnect({ version, clientId });
      await client.expectRefused(2, ReasonCode.clientIdentifierNotValid);
    }
    assertEquals(test.broker.counters.closes.refused, 3);
    assertEquals(test.broker.counters.limitsMet.clientIdBytesMax, 3);
  },
);

testVersions("an identifier that looks like a filter or a line of a log is only a name", async (version) => {
  await using test = startBroker();
  for (const clientId of ["#", "+/a", "a\n2026-01-01 warn forged", "../x", "__proto__", "a b"]) {
    const client = await test.connect({ version, clientId });
    await client.subscribe(["t", 0]);
    await client.publish("t", "x");
    await client.expectPublish({ topic: "t", payload: "x" });
    await client.disconnect();
  }
  assertEquals(test.log.filter((line) => line.includes("\n")), []);
  assertEquals(test.broker.subscriptionCount, 0);
});
