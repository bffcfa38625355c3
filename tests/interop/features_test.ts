import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { eventually, within } from "../support/eventually.ts";
import { mosquittoPub, mosquittoSub } from "./support/mosquitto.ts";
import { connectJs, JsClient } from "./support/mqttjs.ts";
import { requireTool } from "./support/outside_tool.ts";
import { HOST, OpenBroker } from "./support/start_mqtt.ts";
import { run, TOOL_PATIENCE_MS } from "./support/tool_process.ts";

const FIVE = { protocolVersion: 5 } as const;
/** Of `mosquitto_sub`: its time is over, though it was connected all the while. */
const TIMED_OUT = 27;

const test = requireTool("mosquitto_pub", "mosquitto_sub");

Deno.test("MQTT.js reads in CONNACK what there is not, and the topic for its replies", async () => {
  await using broker = new OpenBroker({
    features: {
      maximumQos: 1,
      retainAvailable: false,
      wildcardSubscriptionsAvailable: false,
      subscriptionIdentifiersAvailable: false,
      sharedSubscriptionsAvailable: false,
      keepAliveSecondsMax: 20,
      responseInformation: "reply/%c",
    },
  });
  const asked = { clientId: "js", keepalive: 60, properties: { requestResponseInformation: true } };
  await using client = new JsClient(broker, { ...FIVE, ...asked });
  const connack = Promise.withResolvers<Record<string, unknown>>();
  client.mqtt.once("connect", ({ properties }) => connack.resolve({ ...properties }));
  const properties = await within(connack.promise, () => "no CONNACK", TOOL_PATIENCE_MS);
  assertEquals(properties.maximumQoS, 1);
  assertEquals(properties.retainAvailable, false);
  assertEquals(properties.wildcardSubscriptionAvailable, false);
  assertEquals(properties.subscriptionIdentifiersAvailable, false);
  assertEquals(properties.sharedSubscriptionAvailable, false);
  assertEquals(properties.serverKeepAlive, 20);
  assertEquals(properties.responseInformation, "reply/js");
});

Deno.test("MQTT.js is told the reason of each restriction that it breaks", async () => {
  await using broker = new OpenBroker({
    features: { maximumQos: 1, retainAvailable: false, wildcardSubscriptionsAvailable: false },
  });
  const acts: [code: number, act: (client: JsClient) => void][] = [
    [0x9b, ({ mqtt }) => mqtt.publish("a", "x", { qos: 2 })],
    [0x9a, ({ mqtt }) => mqtt.publish("a", "x", { retain: true })],
    [0xa2, ({ mqtt }) => mqtt.subscribe("a/#", () => {})],
  ];
  for (const [code, act] of acts) {
    await using client = await connectJs(broker, FIVE);
    const told: (number | undefined)[] = [];
    client.mqtt.on("disconnect", ({ reasonCode }) => told.push(reasonCode));
    act(client);
    await eventually(() => assertEquals(told, [code]), TOOL_PATIENCE_MS);
    await client.closed();
  }
});

Deno.test("MQTT.js shows why a publish was refused", async () => {
  await using broker = new OpenBroker();
  await using client = await connectJs(broker, FIVE);
  const error = await assertRejects(() => client.mqtt.publishAsync("$SYS/x", "x", { qos: 1 }), Error);
  assertStringIncludes(error.message, "Not authorized");
});

Deno.test("MQTT.js follows aliases that move from topic to topic", async () => {
  await using broker = new OpenBroker();
  await using receiver = await connectJs(broker, { ...FIVE, properties: { topicAliasMaximum: 2 } });
  await receiver.mqtt.subscribeAsync("#", { qos: 1 });
  await using sender = await connectJs(broker, FIVE);
  const sent = Array.from({ length: 6_000 }, (_, index) => {
    // Every thousand messages others are used much.
    const favourite = index % 3 > 0 ? Math.floor(index / 1_000) * 2 + index % 2 : index % 50;
    return { topic: `topic/${favourite}`, payload: `${index}` };
  });
  for (const { topic, payload } of sent) sender.mqtt.publish(topic, payload, { qos: 1 });
  await receiver.receives(sent.length);
  assertEquals(receiver.received.map(({ topic, payload }) => ({ topic, payload })), sent);
});

test("Mosquitto's clients are told what is refused, and by whose words", async () => {
  await using broker = new OpenBroker({ features: { checkPayloadFormat: true, retainAvailable: false } });
  const args = ["-h", HOST, "-p", String(broker.mqttPort), "-V", "5", "-q", "1"];
  const isText = ["-D", "publish", "payload-format-indicator", "1"];
  const notText = await run("mosquitto_pub", [...args, "-t", "a", "-s", ...isText], {
    input: new Uint8Array([0xc3, 0x28]),
  });
  assertStringIncludes(notText.stderr, "Cannot take the payload as text: it is not UTF-8");
  const reserved = await run("mosquitto_pub", [...args, "-t", "$SYS/x", "-m", "x"]);
  assertStringIncludes(reserved.stderr, "topics that begin with $ belong to the broker");
  const will = ["--will-topic", "w", "--will-retain"];
  const refused = await run("mosquitto_pub", [...args, "-t", "a", "-m", "x", ...will]);
  assertStringIncludes(refused.stderr, "Retain not supported");
  await mosquittoPub(broker, ["-V", "5", "-t", "a", "-m", "text", ...isText]);
});

test("mosquitto_sub pings as often as the broker says, though it wants a longer keep-alive", async () => {
  await using broker = new OpenBroker({ features: { keepAliveSecondsMax: 2 } });
  await using sub = mosquittoSub(broker, ["-V", "5", "-t", "a", "-k", "600", "-W", "5"]);
  const { code } = await sub.outcome();
  assertEquals(code, TIMED_OUT);
  assertEquals(broker.broker.counters.closes["keep-alive-timeout"], 0);
  assert(broker.broker.counters.connectionsAccepted === 1, "It never had to come back");
});
