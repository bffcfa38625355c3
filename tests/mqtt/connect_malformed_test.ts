import { assertEquals } from "@std/assert";
import { ReasonCode, type Version } from "../../broker/packet/mod.ts";
import { expectRefused } from "../mqtt5/support.ts";
import { startBroker } from "../support/start_broker.ts";
import { BEFORE_5, testVersions } from "../support/versions.ts";

/** Flags and payload of a CONNECT that must be closed without CONNACK, and without any effect. */
const MALFORMED: Readonly<Record<string, readonly [flags: string, payload: string]>> = {
  "[MQTT-3.1.2-3] [MQTT5-3.1.2-3] the reserved flag": ["03", "00 01 'a'"],
  "[MQTT-3.1.2-11] [MQTT5-3.1.4-1] Will fields without Will Flag": [
    "02",
    "00 01 'a' {00} 00 01 't' 00 01 'm'",
  ],
  "[MQTT-3.1.2-13] [MQTT5-3.1.2-11] Will QoS 1 without Will Flag": ["0a", "00 01 'a'"],
  "[MQTT-3.1.2-14] [MQTT5-3.1.2-12] Will QoS 3": ["1e", "00 01 'a' {00} 00 01 't' 00 01 'm'"],
  "[MQTT-3.1.2-15] [MQTT5-3.1.2-13] Will Retain without Will Flag": ["22", "00 01 'a'"],
  "[MQTT-3.1.2-9] [MQTT5-3.1.2-9] Will Flag without Will fields": ["06", "00 01 'a'"],
  "[MQTT-3.1.2-9] [MQTT5-3.1.2-9] Will Flag with a topic and no message": ["06", "00 01 'a' {00} 00 01 't'"],
  "[MQTT-3.1.2-18] [MQTT5-3.1.2-16] a user name without its flag": ["02", "00 01 'a' 00 01 'u'"],
  "[MQTT-3.1.2-19] [MQTT5-3.1.2-17] the User Name Flag without user name": ["82", "00 01 'a'"],
  "[MQTT-3.1.2-20] [MQTT5-3.1.2-18] a password without its flag": ["82", "00 01 'a' 00 01 'u' 00 01 'p'"],
  "[MQTT-3.1.2-21] [MQTT5-3.1.2-19] the Password Flag without password": ["c2", "00 01 'a' 00 01 'u'"],
  "[MQTT-3.1.3-3] [MQTT5-3.1.3-3] no client identifier": ["02", ""],
  "[MQTT-3.1.3-4] [MQTT-1.5.3-1] [MQTT5-3.1.3-4] [MQTT5-1.5.4-1] a client identifier with a surrogate": [
    "02",
    "00 03 ed a0 80",
  ],
  "[MQTT-1.5.3-2] [MQTT5-1.5.4-2] a client identifier with U+0000": ["02", "00 02 'a' 00"],
  "[MQTT-3.1.3-10] [MQTT5-3.1.3-11] a Will Topic that is not UTF-8": [
    "06",
    "00 01 'a' {00} 00 02 c0 80 00 01 'm'",
  ],
  "[MQTT-3.1.3-11] [MQTT5-3.1.3-12] a user name that is not UTF-8": ["82", "00 01 'a' 00 02 c3 28"],
  "[MQTT-3.1.4-1] [MQTT5-3.1.4-1] a byte too many": ["02", "00 01 'a' 00"],
};

/**
 * A CONNECT that may be anything, next to somebody who sees what comes of it.
 *
 * @param reasonCode of the CONNACK that refuses it at 5.0; without one there is none
 */
async function expectNoEffect(version: Version, packet: string, reasonCode?: number): Promise<void> {
  await using test = startBroker();
  const neighbour = await test.connect();
  await neighbour.subscribe(["#", 0]);
  const client = test.open();
  client.version = version;
  client.sendHex(packet);
  if (version === 5 && reasonCode !== undefined) await expectRefused(client, reasonCode);
  else await client.expectClosed();
  await neighbour.expectNothing();
  assertEquals(test.broker.sessions.size, 1);
  const { closes } = test.broker.counters;
  assertEquals(closes["malformed-packet"] + closes["protocol-error"], 1);
  assertEquals(test.log.filter((line) => line.includes("connection-closed")).length, 1);
}

for (const [name, [flags, payload]] of Object.entries(MALFORMED)) {
  testVersions(
    `${name}: CONNECT is closed without CONNACK`,
    (version) => expectNoEffect(version, `10 [00 04 'MQTT' 0${version} ${flags} 00 00 {00} ${payload}]`),
    [4, 5],
  );
}

const WRONG_TOPICS = {
  "[MQTT-4.7.1-1] [MQTT5-4.7.0-1] a Will Topic with a wildcard": "00 03 't/#'",
  "[MQTT-4.7.3-1] [MQTT5-4.7.3-1] an empty Will Topic": "00 00",
};

for (const [name, topic] of Object.entries(WRONG_TOPICS)) {
  testVersions(
    `${name}: CONNECT is refused, by 5.0 with a CONNACK`,
    (version) =>
      expectNoEffect(
        version,
        `10 [00 04 'MQTT' 0${version} 06 00 00 {00} 00 01 'a' {00} ${topic} 00 01 'm']`,
        ReasonCode.topicNameInvalid,
      ),
    [4, 5],
  );
}

testVersions("[MQTT-3.1.2-22] a password without user name: CONNECT is closed without CONNACK", (version) => {
  const packet = "10 [00 04 'MQTT' 04 42 00 00 00 01 'a' 00 01 'p']";
  return expectNoEffect(version, packet);
}, BEFORE_5.slice(1)); // 3.1 has its own name, and 5.0 allows it.

testVersions(
  "[MQTT-3.1.4-1] [MQTT5-3.1.4-1] CONNECT whose body ends early is closed without CONNACK",
  async (version) => {
    for (const body of ["", "00 04 'MQTT'", `00 04 'MQTT' 0${version} 02 00`]) {
      await expectNoEffect(version, `10 [${body}]`);
    }
  },
  [4, 5],
);

testVersions(
  "[MQTT-2.2.2-2] [MQTT5-2.1.3-1] CONNECT with flags in its first byte is closed without CONNACK",
  (version) => expectNoEffect(version, `11 [00 04 'MQTT' 0${version} 02 00 00 {00} 00 01 'a']`),
  [4, 5],
);
