import { assertEquals } from "@std/assert";
import { startBroker } from "../support/start_broker.ts";

/** Bodies of CONNECT that must be closed without CONNACK, and without any effect. */
const MALFORMED: Readonly<Record<string, string>> = {
  "[MQTT-3.1.2-3] the reserved flag": "00 04 'MQTT' 04 03 00 00 00 01 'a'",
  "[MQTT-3.1.2-11] Will fields without Will Flag": "00 04 'MQTT' 04 02 00 00 00 01 'a' 00 01 't' 00 01 'm'",
  "[MQTT-3.1.2-13] Will QoS 1 without Will Flag": "00 04 'MQTT' 04 0a 00 00 00 01 'a'",
  "[MQTT-3.1.2-14] Will QoS 3": "00 04 'MQTT' 04 1e 00 00 00 01 'a' 00 01 't' 00 01 'm'",
  "[MQTT-3.1.2-15] Will Retain without Will Flag": "00 04 'MQTT' 04 22 00 00 00 01 'a'",
  "[MQTT-3.1.2-9] Will Flag without Will fields": "00 04 'MQTT' 04 06 00 00 00 01 'a'",
  "[MQTT-3.1.2-9] Will Flag with a topic and no message": "00 04 'MQTT' 04 06 00 00 00 01 'a' 00 01 't'",
  "[MQTT-3.1.2-18] a user name without its flag": "00 04 'MQTT' 04 02 00 00 00 01 'a' 00 01 'u'",
  "[MQTT-3.1.2-19] the User Name Flag without user name": "00 04 'MQTT' 04 82 00 00 00 01 'a'",
  "[MQTT-3.1.2-20] a password without its flag": "00 04 'MQTT' 04 82 00 00 00 01 'a' 00 01 'u' 00 01 'p'",
  "[MQTT-3.1.2-21] the Password Flag without password": "00 04 'MQTT' 04 c2 00 00 00 01 'a' 00 01 'u'",
  "[MQTT-3.1.2-22] a password without user name": "00 04 'MQTT' 04 42 00 00 00 01 'a' 00 01 'p'",
  "[MQTT-3.1.3-3] no client identifier": "00 04 'MQTT' 04 02 00 00",
  "[MQTT-3.1.3-4] [MQTT-1.5.3-1] a client identifier with a surrogate":
    "00 04 'MQTT' 04 02 00 00 00 03 ed a0 80",
  "[MQTT-1.5.3-2] a client identifier with U+0000": "00 04 'MQTT' 04 02 00 00 00 02 'a' 00",
  "[MQTT-3.1.3-10] a Will Topic that is not UTF-8":
    "00 04 'MQTT' 04 06 00 00 00 01 'a' 00 02 c0 80 00 01 'm'",
  "[MQTT-3.1.3-11] a user name that is not UTF-8": "00 04 'MQTT' 04 82 00 00 00 01 'a' 00 02 c3 28",
  "[MQTT-4.7.1-1] a Will Topic with a wildcard": "00 04 'MQTT' 04 06 00 00 00 01 'a' 00 03 't/#' 00 01 'm'",
  "[MQTT-4.7.3-1] an empty Will Topic": "00 04 'MQTT' 04 06 00 00 00 01 'a' 00 00 00 01 'm'",
  "[MQTT-3.1.4-1] a byte too many": "00 04 'MQTT' 04 02 00 00 00 01 'a' 00",
  "[MQTT-3.1.4-1] a body that ends early": "00 04 'MQTT' 04 02 00",
  "[MQTT-3.1.4-1] an empty body": "",
};

for (const [name, body] of Object.entries(MALFORMED)) {
  Deno.test(`${name}: CONNECT is closed without CONNACK`, async () => {
    await using test = startBroker();
    const neighbour = await test.connect();
    await neighbour.subscribe(["#", 0]);
    const client = test.open();
    client.sendBody(0x10, body);
    await client.expectClosed();
    await neighbour.expectNothing();
    assertEquals(test.broker.sessions.size, 1);
    const { closes } = test.broker.counters;
    assertEquals(closes["malformed-packet"] + closes["protocol-error"], 1);
    assertEquals(test.log.filter((line) => line.includes("connection-closed")).length, 1);
  });
}

Deno.test("[MQTT-2.2.2-2] CONNECT with flags in its first byte is closed without CONNACK", async () => {
  await using test = startBroker();
  const client = test.open();
  client.sendBody(0x11, "00 04 'MQTT' 04 02 00 00 00 01 'a'");
  await client.expectClosed();
});
