import { assert, assertEquals } from "@std/assert";
import type { Grant } from "../../broker/auth/authenticator.ts";
import { identityOf, startBroker } from "../support/start_broker.ts";
import { connect5, expectDisconnect, expectRefused, sendConnect5, sendPublish5 } from "./support.ts";

Deno.test("[MQTT5-3.1.2-22] [MQTT5-3.2.2-22] silence for 1.5 times the keep-alive ends with 0x8D", async () => {
  await using test = startBroker();
  const watcher = await connect5(test);
  await watcher.subscribe(["will", 0]);
  const client = await connect5(test, { keepAliveSeconds: 10, will: { topic: "will" } });
  test.clock.advance(15_000);
  await watcher.expectNothing(); // Its ping keeps the client alive.
  test.clock.advance(16_000);
  await expectDisconnect(client, 0x8d);
  await watcher.expectPublish({ topic: "will", payload: "gone" });
});

Deno.test("a broker that shuts down says 0x8B", async () => {
  const test = startBroker();
  try {
    const client = await connect5(test);
    const closing = test.server.close();
    await expectDisconnect(client, 0x8b);
    await closing;
  } finally {
    await test.close();
  }
});

/** What breaks the protocol, as bytes, and the reason codes that say so. */
const VIOLATIONS: readonly (readonly [tags: string, what: string, hex: string, code: number])[] = [
  ["[MQTT5-3.1.0-2]", "a second CONNECT", "10 0e 00 04 'MQTT' 05 02 00 00 00 00 01 'c'", 0x82],
  ["[MQTT5-4.13.1-1]", "a packet that only servers send", "20 03 00 00 00", 0x82],
  ["[MQTT5-4.12.0-7]", "AUTH without a method in CONNECT", "f0 00", 0x82],
  ["[MQTT5-3.8.3-2]", "SUBSCRIBE without a filter", "82 03 00 01 00", 0x82],
  ["[MQTT5-3.10.3-2]", "UNSUBSCRIBE without a filter", "a2 03 00 01 00", 0x82],
  ["[MQTT5-3.3.4-6]", "a subscription identifier in PUBLISH", "30 06 00 01 'a' 02 0b 01", 0x82],
  ["[MQTT5-3.3.2-14]", "a wildcard in the response topic", "30 0a 00 01 'a' 06 08 00 03 'a/#'", 0x82],
  ["[MQTT5-3.3.2-14]", "'+' in the response topic", "30 08 00 01 'a' 04 08 00 01 '+'", 0x82],
  ["[MQTT5-3.14.2-2]", "an expiry in DISCONNECT after 0 in CONNECT", "e0 07 00 05 11 00 00 00 05", 0x82],
  ["[MQTT5-3.3.1-4]", "QoS 3", "36 06 00 01 'a' 00 01 00", 0x81],
  ["[MQTT5-3.8.1-1]", "SUBSCRIBE with other flags", "80 07 00 01 00 00 01 'a' 00", 0x81],
  ["[MQTT5-3.8.3-5]", "reserved bits in subscription options", "82 07 00 01 00 00 01 'a' 40", 0x81],
  ["[MQTT5-3.10.1-1]", "UNSUBSCRIBE with other flags", "a0 06 00 01 00 00 01 'a'", 0x81],
  ["[MQTT5-3.6.1-1]", "PUBREL with other flags", "60 02 00 01", 0x81],
  ["[MQTT5-2.1.3-1]", "PINGREQ with flags", "c1 00", 0x81],
  ["[MQTT5-3.14.1-1]", "DISCONNECT with flags", "e1 00", 0x81],
  ["[MQTT5-3.15.1-1]", "AUTH with flags", "f1 00", 0x81],
  ["[MQTT5-1.5.4-1]", "a topic that is not UTF-8", "30 06 00 03 ed a0 80 00", 0x81],
  ["[MQTT5-1.5.4-2]", "U+0000 in a topic", "30 04 00 01 00 00", 0x81],
  ["[MQTT5-1.5.5-1]", "a length of five bytes", "30 80 80 80 80 01", 0x81],
  ["[MQTT5-1.5.5-1]", "a length in more bytes than it needs", "c0 80 00", 0x81],
  ["[MQTT5-1.5.5-1]", "a property length in more bytes than it needs", "30 05 00 01 'a' 80 00", 0x81],
  ["[MQTT5-1.5.4-2]", "U+0000 in a filter", "82 08 00 01 00 00 02 'a' 00 00", 0x81],
  ["[MQTT5-1.5.4-2]", "U+0000 in a user property", "30 0a 00 01 'a' 06 26 00 01 00 00 00", 0x81],
  [
    "[MQTT5-1.5.7-1]",
    "a value of a user property that is not UTF-8",
    "30 0a 00 01 'a' 06 26 00 00 00 01 ff",
    0x81,
  ],
  ["[MQTT5-3.3.2-13]", "a response topic that is not UTF-8", "30 09 00 01 'a' 05 08 00 02 c3 28", 0x81],
  ["[MQTT5-3.3.2-19]", "a content type that is not UTF-8", "30 08 00 01 'a' 04 03 00 01 ff", 0x81],
  ["[MQTT5-3.15.2-1]", "AUTH with a reason code that it does not have", "f0 06 55 04 15 00 01 'm'", 0x82],
  ["[MQTT5-4.13.1-1]", "a property that may stand there once, twice", "30 08 00 01 'a' 04 01 01 01 01", 0x82],
  ["[MQTT5-4.13.1-1]", "a property of another packet", "30 09 00 01 'a' 05 11 00 00 00 01", 0x81],
  ["[MQTT5-1.5.7-1]", "a user property that is not UTF-8", "30 0a 00 01 'a' 06 26 00 01 ff 00 00", 0x81],
];

for (const [tags, what, hex, code] of VIOLATIONS) {
  Deno.test(`${tags} [MQTT5-4.13.2-1] [MQTT5-3.14.2-1] ${what} ends the connection with 0x${code.toString(16)}`, async () => {
    await using test = startBroker();
    const watcher = await connect5(test);
    await watcher.subscribe(["#", 0]);
    const client = await connect5(test);
    client.sendHex(`${hex} 30 04 00 01 'a' 00`); // What follows the violation is not handled.
    const reason = await expectDisconnect(client, code);
    assert(reason !== undefined && reason.length > 10, reason);
    await watcher.expectNothing();
  });
}

Deno.test("[MQTT5-3.1.2-29] who asks for no problem information gets no reason string anywhere", async () => {
  await using test = startBroker({
    authenticators: [{
      name: "rights",
      authenticate: () => ({ granted: true, identity: identityOf("x", (action) => action !== "subscribe") }),
    }],
  });
  const client = await connect5(test, { requestProblemInformation: false });
  assertEquals(await client.subscribe(["a", 0]), [0x87]);
  sendPublish5(client, "$x", "x", { qos: 1, packetId: 5 });
  await client.expect({ type: "puback", packetId: 5, reasonCode: 0x87 });
  client.send({ type: "unsubscribe", packetId: 6, filters: ["a"] });
  await client.expect({ type: "unsuback", packetId: 6, reasonCodes: [0x11] });
  client.sendHex("f0 00");
  assertEquals(await expectDisconnect(client, 0x82), undefined);
});

Deno.test("[MQTT5-3.14.2-3] [MQTT5-3.14.2-4] a reason string that is too large for the client is left out", async () => {
  await using test = startBroker();
  const client = await connect5(test, { packetBytesMax: 30 });
  client.sendHex("f0 00");
  assertEquals(await expectDisconnect(client, 0x82), undefined);
});

Deno.test("[MQTT5-3.1.4-3] a client that is taken over is told 0x8E", async () => {
  await using test = startBroker();
  const first = await connect5(test, { clientId: "c" });
  await connect5(test, { clientId: "c" });
  await expectDisconnect(first, 0x8e);
});

Deno.test("[MQTT5-3.14.4-2] DISCONNECT from the client is not answered", async () => {
  await using test = startBroker();
  const client = await connect5(test);
  await client.disconnect();
});

Deno.test("[MQTT5-4.12.0-1] an authentication method that nobody knows is refused with 0x8C", async () => {
  await using test = startBroker();
  await expectRefused(sendConnect5(test, { authenticationMethod: "SCRAM" }), 0x8c);
});

Deno.test("[MQTT5-3.1.3-8] a client identifier that is too long is refused with 0x85", async () => {
  await using test = startBroker({ limits: { clientIdBytesMax: 10 } });
  await expectRefused(sendConnect5(test, { clientId: "x".repeat(11) }), 0x85);
  await connect5(test, { clientId: "x".repeat(10) });
});

Deno.test("[MQTT5-3.1.4-2] [MQTT5-3.1.4-6] who may not come in is told why, and nothing more is handled", async () => {
  const reasons: readonly (readonly [(Grant & { granted: false })["reason"], number])[] = [
    ["bad-credentials", 0x86],
    ["not-authorized", 0x87],
    ["unavailable", 0x88],
    ["busy", 0x88],
  ];
  for (const [reason, code] of reasons) {
    await using test = startBroker({
      authenticators: [{
        name: "door",
        authenticate: ({ username }) =>
          username === "in" ? { granted: true, identity: identityOf("in") } : { granted: false, reason },
      }],
    });
    const watcher = await connect5(test, { username: "in" });
    await watcher.subscribe(["#", 0]);
    const client = sendConnect5(test, { username: "out" });
    client.sendPublish("a", "x");
    await expectRefused(client, code);
    await watcher.expectNothing();
    assertEquals(test.broker.counters.authenticationsRefused[reason], 1);
  }
});

Deno.test("[MQTT5-3.1.4-2] a will that may not be published refuses its client with 0x87", async () => {
  await using test = startBroker();
  await expectRefused(sendConnect5(test, { will: { topic: "$will" } }), 0x87);
});

Deno.test("[MQTT5-3.14.0-1] [MQTT5-3.1.0-1] before CONNACK there is never a DISCONNECT", async () => {
  await using test = startBroker();
  for (const hex of ["30 04 00 01 'a' 00", "c0 00", "f0 00", "10 0e 00 04 'MQTT' 05 03 00 00 00 00 01 'c'"]) {
    const client = test.open();
    client.version = 5;
    client.sendHex(hex);
    const packet = await client.receive();
    assert(packet === undefined || (packet.type === "connack" && packet.reasonCode >= 0x80), packet?.type);
    if (packet) await client.expectClosed();
  }
});
