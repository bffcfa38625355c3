import { assert, assertEquals } from "@std/assert";
import { identityOf, startBroker } from "../support/start_broker.ts";
import { connect5, expectDisconnect, expectRefused, sendConnect5, subscribe5 } from "./support.ts";

Deno.test("[MQTT5-3.1.4-5] [MQTT5-3.2.2-1] [MQTT5-3.2.2-8] a valid CONNECT is answered with flags 0 and reason 0x00", async () => {
  await using test = startBroker();
  const client = test.open();
  client.version = 5;
  client.sendHex("10 [00 04 'MQTT' 05 02 00 00 00 00 01 'a']");
  const connack = await client.receive();
  assert(connack?.type === "connack");
  assertEquals([connack.sessionPresent, connack.reasonCode], [false, 0]);
  client.sendHex("c0 00");
  await client.expectHex("d0 00");
});

Deno.test("[MQTT5-3.1.2-19] a password may come without a user name", async () => {
  let seen: unknown;
  await using test = startBroker({
    authenticators: [{
      name: "witness",
      authenticate({ username, password }) {
        seen = [username, new TextDecoder().decode(password)];
        return { granted: true, identity: identityOf("somebody") };
      },
    }],
  });
  await connect5(test, { password: "token" });
  assertEquals(seen, [undefined, "token"]);
});

Deno.test("[MQTT5-3.1.2-2] a version after 5 is not served", async () => {
  await using test = startBroker();
  for (const version of ["06", "07", "ff"]) {
    const client = test.open();
    client.sendHex(`10 [00 04 'MQTT' ${version} 02 00 00 00 00 01 'a']`);
    await client.expectHex("20 [00 01]"); // In the words of 3.1.1, which all versions after it can read.
    await client.expectClosed();
  }
  assertEquals(test.broker.sessions.size, 0);
});

Deno.test("[MQTT5-3.1.2-1] another protocol name is not served, whatever version it says", async () => {
  await using test = startBroker();
  for (const name of ["00 04 'XQTT'", "00 04 'mqtt'", "00 05 'MQTT5'", "00 00"]) {
    const client = test.open();
    client.sendHex(`10 [${name} 05 02 00 00 00 00 01 'a']`);
    await client.expectClosed();
  }
  assertEquals(test.broker.sessions.size, 0);
});

Deno.test("[MQTT5-3.2.0-2] there is one CONNACK, however many CONNECTs come at once", async () => {
  await using test = startBroker();
  const client = test.open();
  client.version = 5;
  const connect = "10 [00 04 'MQTT' 05 02 00 00 00 00 01 'a']";
  client.sendHex(connect, connect, connect);
  await client.expectConnack();
  await client.expectEnded(0x82);
});

Deno.test("[MQTT5-3.1.2-24] a SUBACK or UNSUBACK too large for the client is not sent: the connection ends with 0x95", async () => {
  const filters = Array.from({ length: 100 }, (_, index) => `filter/${index}`);
  for (const type of ["subscribe", "unsubscribe"] as const) {
    await using test = startBroker();
    const client = await connect5(test, { packetBytesMax: 100 });
    assertEquals(await subscribe5(client, [{ filter: "a", qos: 0 }]), [0]);
    const requests = filters.map((filter) => ({ filter, qos: 0 as const }));
    const packetId = client.nextPacketId();
    client.send(type === "subscribe" ? { type, packetId, requests } : { type, packetId, filters });
    await expectDisconnect(client, 0x95);
    assertEquals(test.broker.counters.closes["answer-too-large"], 1);
  }
});

Deno.test("[MQTT5-3.1.2-24] [MQTT5-3.14.0-1] who can take no CONNACK that says it all is refused in five bytes, or in none, and leaves no will", async () => {
  await using test = startBroker();
  const watcher = await connect5(test);
  await watcher.subscribe(["will", 0]);
  await expectRefused(sendConnect5(test, { packetBytesMax: 5, will: { topic: "will" } }), 0x95);
  await sendConnect5(test, { packetBytesMax: 4, will: { topic: "will" } }).expectClosed();
  await watcher.expectNothing();
  assertEquals(test.broker.sessions.size, 1);
  await connect5(test, { packetBytesMax: 64 });
});
