import { assertEquals } from "@std/assert";
import { ReasonCode } from "../../broker/packet/mod.ts";
import { connectPacket, publishFields } from "../support/raw_client.ts";
import { startBroker } from "../support/start_broker.ts";
import { BEFORE_5, testVersionPairs, testVersions } from "../support/versions.ts";

testVersions(
  "[MQTT-3.1.4-4] [MQTT-3.2.2-1] [MQTT-3.2.0-1] a valid CONNECT is answered 20 02 00 00",
  async (version) => {
    await using test = startBroker();
    const client = test.open();
    client.sendConnect({ version });
    await client.expectHex("20 [00 00]");
  },
  BEFORE_5, // CONNACK of 5.0 has properties.
);

testVersions(
  "[MQTT-3.1.3-1] [MQTT-3.1.2-9] [MQTT-3.1.2-19] [MQTT-3.1.2-21] [MQTT5-3.1.3-1] all payload fields of CONNECT are read in their order",
  async (version) => {
    let seen: unknown;
    await using test = startBroker({
      authenticators: [{
        name: "witness",
        authenticate({ username, password, clientId }) {
          seen = { username, password: new TextDecoder().decode(password), clientId };
          return { granted: true, identity: { name: "somebody", can: () => true } };
        },
      }],
    });
    const watcher = await test.connect();
    await watcher.subscribe(["wills/#", 2]);
    const client = test.open();
    client.version = version;
    const fields = "00 02 'id' {00} 00 07 'wills/t' 00 04 'last' 00 04 'anna' 00 06 'secret'";
    client.sendHex(`10 [00 04 'MQTT' 0${version} ce 00 00 {00} ${fields}]`);
    await client.expectConnack();
    assertEquals(seen, { username: "anna", password: "secret", clientId: "id" });
    client.cut();
    await watcher.takePublish({ topic: "wills/t", payload: "last", qos: 1 });
  },
  [4, 5],
);

Deno.test("[MQTT-3.1.2-2] [MQTT-3.2.2-5] an unsupported level is answered 0x01, then closed", async () => {
  for (const level of ["00", "03", "06", "84", "ff"]) {
    await using test = startBroker();
    const client = test.open();
    client.sendHex(`10 [00 04 'MQTT' ${level} 02 00 00 00 01 'a']`);
    await client.expectHex("20 02 00 01");
    await client.expectClosed();
    assertEquals(test.broker.counters.closes.refused, 1);
  }
});

Deno.test("[MQTT-3.1.2-2] a level above 5 is refused in the words of 3.1.1", async () => {
  await using test = startBroker();
  const client = test.open();
  client.sendHex("10 [00 04 'MQTT' 06 02 00 3c 00 00 01 'a']");
  await client.expectHex("20 02 00 01");
  await client.expectClosed();
});

Deno.test("[MQTT-3.1.2-1] a wrong protocol name is closed without a word", async () => {
  for (const name of ["00 04 'XQTT'", "00 04 'mqtt'", "00 00", "00 06 'MQISDP'"]) {
    await using test = startBroker();
    const client = test.open();
    client.sendHex(`10 [${name} 04 02 00 00 00 01 'a']`);
    await client.expectClosed();
  }
});

Deno.test("[MQTT-3.1.0-1] whatever comes before CONNECT is closed without a word", async () => {
  const packets: Record<string, string> = {
    pingreq: "c0 00",
    publish: "30 [00 01 'a' {00} 31]",
    subscribe: "82 [00 01 {00} 00 01 'a' 00]",
    disconnect: "e0 00",
    pubrel: "62 02 00 01",
    connack: "20 02 00 00",
  };
  for (const [name, packet] of Object.entries(packets)) {
    await using test = startBroker();
    const watcher = await test.connect();
    await watcher.subscribe(["#", 0]);
    const client = test.open();
    client.sendHex(packet, "10 0d 00 04 'MQTT' 04 02 00 00 00 01 'a'");
    await client.expectClosed();
    await watcher.expectNothing();
    assertEquals(test.broker.counters.closes["protocol-error"], 1, name);
  }
});

testVersionPairs(
  "[MQTT-3.1.0-2] [MQTT5-3.1.0-2] a second CONNECT ends the connection, with no second CONNACK and with its will",
  async (sender, receiver) => {
    await using test = startBroker();
    const watcher = await test.connect({ version: receiver });
    await watcher.subscribe(["will", 0]);
    const client = await test.connect({ version: sender, clientId: "twice", will: { topic: "will" } });
    client.sendConnect({ version: sender, clientId: "twice" });
    await client.expectEnded(ReasonCode.protocolError);
    await watcher.expectPublish({ topic: "will", payload: "gone" });
    assertEquals(test.broker.counters.closes["protocol-error"], 1);
  },
);

testVersions(
  "[MQTT-3.1.4-5] [MQTT5-3.1.4-6] nothing that follows a refused CONNECT is handled",
  async (version) => {
    await using test = startBroker({
      authenticators: [{
        name: "by-name",
        authenticate: ({ username }) =>
          username === "good"
            ? { granted: true, identity: { name: username, can: () => true } }
            : { granted: false, reason: "bad-credentials" },
      }],
    });
    const watcher = await test.connect({ username: "good" });
    await watcher.subscribe(["#", 0]);
    const client = test.open();
    client.version = version;
    client.send(
      connectPacket({ version, username: "evil", clientId: "a" }),
      publishFields("a", "1"),
      connectPacket({ version, username: "good", clientId: "a" }),
    );
    await client.expectRefused(4, ReasonCode.badUserNameOrPassword);
    await watcher.expectNothing();
  },
);

testVersionPairs(
  "[MQTT-3.1.4-5] what follows an accepted CONNECT in the same write is handled after it",
  async (sender, receiver) => {
    await using test = startBroker();
    const watcher = await test.connect({ version: receiver });
    await watcher.subscribe(["a", 0]);
    const client = test.open();
    client.version = sender;
    client.send(connectPacket({ version: sender }), publishFields("a", "1"), { type: "pingreq" });
    await client.expectConnack();
    await client.expectHex("d0 00");
    await watcher.expectPublish({ topic: "a", payload: "1" });
  },
);

testVersions(
  "[MQTT-3.2.2-4] [MQTT-3.2.2-5] [MQTT-3.2.2-6] [MQTT5-3.2.2-6] [MQTT5-3.2.2-7] [MQTT5-3.1.4-2] each refusal has its code, no session present, and the end after it",
  async (version) => {
    const codes = {
      "bad-credentials": [4, ReasonCode.badUserNameOrPassword],
      "not-authorized": [5, ReasonCode.notAuthorized],
      "unavailable": [3, ReasonCode.serverUnavailable],
    } as const;
    let reason: keyof typeof codes | undefined;
    await using test = startBroker({
      authenticators: [{
        name: "as-told",
        authenticate: () =>
          reason ? { granted: false, reason } : { granted: true, identity: { name: "x", can: () => true } },
      }],
    });
    const first = await test.connect({ version, clientId: "stored", cleanStart: false });
    await first.subscribe(["a", 1]);
    await first.disconnect();
    for (reason of Object.keys(codes) as (keyof typeof codes)[]) {
      const client = test.open();
      client.sendConnect({ version, clientId: "stored", cleanStart: false });
      const [returnCode, reasonCode] = codes[reason];
      await client.expectRefused(returnCode, reasonCode);
    }
    assertEquals(test.broker.counters.closes.refused, 3);
    reason = undefined;
    assertEquals(await test.open().connect({ version, clientId: "stored", cleanStart: false }), true);
  },
  [4, 5], // 3.1 has no word for a session that is present.
);

testVersions(
  "[MQTT-3.2.2-6] an authenticator that fails is answered 0x03, and only that connection",
  async (version) => {
    let fails = false;
    await using test = startBroker({
      authenticators: [{
        name: "broken",
        authenticate() {
          if (fails) throw new Error("The directory is gone");
          return { granted: true, identity: { name: "x", can: () => true } };
        },
      }],
    });
    const neighbour = await test.connect();
    fails = true;
    const client = test.open();
    client.sendConnect({ version, clientId: "unlucky" });
    await client.expectRefused(3, ReasonCode.serverUnavailable);
    await neighbour.expectNothing();
  },
);
