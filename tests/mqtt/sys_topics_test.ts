import { assertEquals, assertMatch } from "@std/assert";
import { startBroker } from "../support/start_broker.ts";

Deno.test("$SYS says every ten seconds what goes on, as retained messages", async () => {
  await using test = startBroker({
    sysIntervalSeconds: 10,
    version: "1.2.3",
    limits: { queueMessagesMax: 1 },
  });
  const offline = await test.connect({ clientId: "offline", cleanStart: false });
  await offline.subscribe(["a", 1]);
  await offline.disconnect();
  const client = await test.connect();
  for (let count = 0; count < 3; count++) await client.publish("a", "x", { qos: 1 });
  await client.publish("r", "kept", { retain: true });
  await client.publish("$SYS/forged", "x");
  test.clock.advance(10_000);

  const reader = await test.connect();
  await reader.subscribe(["$SYS/#", 0]);
  await reader.ping();
  const figures = new Map<string, string>();
  for (let packet = reader.take(); packet?.type === "publish"; packet = reader.take()) {
    assertEquals(packet.retain, true);
    figures.set(packet.topic.replace("$SYS/broker/", ""), new TextDecoder().decode(packet.payload));
  }
  const expected = {
    "version": "pregon 1.2.3",
    "uptime": "10 seconds",
    "clients/connected": "1",
    "clients/disconnected": "1",
    "clients/total": "2",
    "subscriptions/count": "1",
    "messages/dropped/full": "2",
    "messages/refused/reserved-topic": "1",
    "messages/received": "4",
    "connections/closed/client-disconnect": "1",
  };
  for (const [name, value] of Object.entries(expected)) assertEquals(figures.get(name), value, name);
  for (
    const name of [
      "messages/sent",
      "bytes/received",
      "bytes/sent",
      "retained messages/count",
    ]
  ) {
    assertMatch(figures.get(name) ?? "", /^\d+$/, name);
  }
});

Deno.test("with an interval of 0 there is no $SYS", async () => {
  await using test = startBroker({ sysIntervalSeconds: 0 });
  test.clock.advance(60_000);
  assertEquals(test.broker.retained.size, 0);
});
