import { assertEquals } from "@std/assert";
import { connectTcp } from "../../broker/transport/tcp.ts";
import { RawClient } from "../support/raw_client.ts";
import { curlStream, curlText } from "./support/curl.ts";
import { mosquittoSub } from "./support/mosquitto.ts";
import { connectJs } from "./support/mqttjs.ts";
import { requireTool } from "./support/outside_tool.ts";
import { OpenEverything } from "./support/start_all.ts";
import { HOST } from "./support/start_mqtt.ts";

/** In no order that anybody would sort them into, with a name that comes again and one that needs escaping. */
const USER: readonly (readonly [name: string, value: string])[] = [
  ["b", "1"],
  ["a", "x y&z"],
  ["b", "2"],
  ["ü/=", "ß"],
  ["b", "1"],
];

/** Everything that a message can say beside topic and payload. */
const SAID = {
  content_type: "text/x; charset=ü",
  expiry: 600,
  response_topic: "re/ply/ß",
  correlation: "AP8K", // 00 ff 0a
  user: USER,
};

const test = requireTool("curl", "mosquitto_sub");

test("all properties of a POST reach MQTT 5.0, and from there by another POST a stream, in order", async () => {
  await using everything = new OpenEverything();
  await using stream = curlStream([`${everything.url}/stream?filter=back/%23&quiet=1`]);
  await everything.subscribed(1);
  const link = await connectTcp(HOST, everything.mqttPort);
  const client: RawClient = new RawClient(link, () => client.ping());
  await client.connect({ version: 5, clientId: "five" });
  await client.subscribe(["in", 1]);

  await post(everything, "in", "grüße", SAID);
  const packet = await client.receivePublish();
  client.sendAck("puback", packet.packetId);
  assertEquals(packet.properties, {
    payloadIsText: true,
    expirySeconds: SAID.expiry,
    contentType: SAID.content_type,
    responseTopic: SAID.response_topic,
    correlationData: Uint8Array.of(0x00, 0xff, 0x0a),
    userProperties: USER,
  });

  // Once by what the client does itself, and once by what it tells another who posts it.
  const packetId = client.nextPacketId();
  client.send({ ...packet, payload: packet.payload, topic: "back/mqtt", packetId });
  await client.expectAck("puback", packetId);
  const { contentType, expirySeconds, responseTopic, correlationData, userProperties } = packet.properties!;
  await post(everything, "back/http", new TextDecoder().decode(packet.payload), {
    content_type: contentType!,
    expiry: expirySeconds!,
    response_topic: responseTopic!,
    correlation: btoa(String.fromCharCode(...correlationData!)),
    user: userProperties!,
  });
  const envelopes = (await stream.lines(2)).map((line) => JSON.parse(line));
  for (const [index, topic] of ["back/mqtt", "back/http"].entries()) {
    const { id: _id, time: _time, ...envelope } = envelopes[index]!;
    assertEquals(envelope, { topic, payload: "grüße", qos: 1, retain: false, ...SAID });
  }
  await client.disconnect();
});

test("all properties of a POST are seen by mosquitto_sub and MQTT.js at 5.0", async () => {
  await using everything = new OpenEverything();
  const fields = ["-F", "%t|%C|%E|%R|%D|%F|%P|%p"];
  await using sub = mosquittoSub(everything, ["-V", "5", "-t", "in", "-q", "1", "-C", "1", ...fields]);
  await using js = await connectJs(everything, { protocolVersion: 5 });
  await js.mqtt.subscribeAsync("in", { qos: 1 });
  await everything.subscribed(2);
  const said = { ...SAID, correlation: btoa("id-7") };
  await post(everything, "in", "grüße", said);
  const user = USER.map(([name, value]) => `${name}:${value}`).join(" ");
  assertEquals((await sub.outcome()).lines, [
    `in|${said.content_type}|600|${said.response_topic}|id-7|1|${user}|grüße`,
  ]);
  await js.receives(1);
  const { userProperties, ...properties } = js.packetsOf("publish")[0]!.properties!;
  assertEquals({ ...userProperties }, { b: ["1", "2", "1"], a: "x y&z", "ü/=": "ß" });
  assertEquals({ ...properties, correlationData: `${properties.correlationData}` }, {
    payloadFormatIndicator: true,
    messageExpiryInterval: 600,
    contentType: said.content_type,
    responseTopic: said.response_topic,
    correlationData: "id-7",
  });
});

async function post(
  { url }: OpenEverything,
  topic: string,
  payload: string,
  { user, ...said }: Omit<typeof SAID, "user"> & { readonly user: typeof USER },
): Promise<void> {
  const query = new URLSearchParams({ qos: "1", pfi: "1" });
  for (const [name, value] of Object.entries(said)) query.set(name, `${value}`);
  for (const [name, value] of user) query.append(`user.${name}`, value);
  await curlText(200, ["--data-raw", payload, `${url}/topics/${topic}?${query}`]);
}
