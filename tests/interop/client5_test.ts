import { assert, assertEquals, assertRejects } from "@std/assert";
import { parseMessageFormat } from "../../broker/cli/message_format.ts";
import {
  type Client,
  connect,
  type ConnectOptions,
  LimitError,
  RefusedError,
} from "../../broker/client/mod.ts";
import type { MessageProperties } from "../../broker/packet/mod.ts";
import { within } from "../support/eventually.ts";
import { Mosquitto } from "./support/mosquitto_broker.ts";
import { mosquittoPub, mosquittoSub } from "./support/mosquitto.ts";
import { requireTool } from "./support/outside_tool.ts";
import { HOST, OpenBroker, type Reachable } from "./support/start_mqtt.ts";
import { TOOL_PATIENCE_MS } from "./support/tool_process.ts";

const test = requireTool("mosquitto", "mosquitto_pub", "mosquitto_sub");
const encoder = new TextEncoder();
const decoder = new TextDecoder();

const FULL: MessageProperties = {
  expirySeconds: 60,
  payloadIsText: true,
  contentType: "text/plain",
  responseTopic: "reply/1",
  correlationData: encoder.encode("c-1"),
  userProperties: [["b", "1"], ["a", "2"], ["b", "3"]],
};

/** The same as flags of mosquitto_pub. */
const FULL_FLAGS = [
  ...["-D", "publish", "message-expiry-interval", "60", "-D", "publish", "payload-format-indicator", "1"],
  ...["-D", "publish", "content-type", "text/plain", "-D", "publish", "response-topic", "reply/1"],
  ...["-D", "publish", "correlation-data", "c-1", "-D", "publish", "user-property", "b", "1"],
  ...["-D", "publish", "user-property", "a", "2", "-D", "publish", "user-property", "b", "3"],
];

/** Everything that is the same whenever it is printed, with widths and limits. */
const FORMAT =
  "%t|%10t|%-10t|%.2t|%p|%6p|%-6p|%q|%r|%m|%l|%04l|%x|%X|%C|%.4C|%R|%D|%E|%F|%P|%3S|%A|%% @@ \\\\\\t.";

function assertBetween(value: number | undefined, min: number, max: number): void {
  assert(value !== undefined && value >= min && value <= max, `${value} is not from ${min} to ${max}`);
}

function connect5({ mqttPort }: Reachable, options: ConnectOptions = {}): Promise<Client> {
  return connect({ version: 5, host: HOST, port: mqttPort, ...options });
}

test("our client and mosquitto exchange messages of MQTT 5.0 at every QoS, with properties and aliases", async () => {
  await using mosquitto = await Mosquitto.start();
  await using receiver = await connect5(mosquitto, { topicAliasMax: 5 });
  await using sender = await connect5(mosquitto);
  for (const qos of [0, 1, 2] as const) {
    const subscription = await receiver.subscribe(`q/${qos}`, { qos, subscriptionId: 100 + qos });
    const payloads = Array.from({ length: 200 }, (_, index) => `${index} größe`);
    const publishing = Promise.all(
      payloads.map((payload) =>
        sender.publish(`q/${qos}`, payload, { qos, properties: FULL, topicAlias: 1 })
      ),
    );
    publishing.catch(() => {}); // What is awaited first says what is wrong.
    for (const payload of payloads) {
      const message = (await within(subscription.next(), () => `${payload} did not come`)).value!;
      assertEquals([message.topic, decoder.decode(message.payload), message.qos], [`q/${qos}`, payload, qos]);
      // Of its time some may have gone by on a busy machine.
      assertBetween(message.properties?.expirySeconds, 40, 60);
      assertEquals({ ...message.properties, expirySeconds: 60 }, FULL);
      assertEquals(message.subscriptionIds, [100 + qos]);
    }
    await publishing;
  }
});

test("what mosquitto does not take or allow is told, and the connection goes on", async () => {
  await using mosquitto = await Mosquitto.start({
    options: ["max_qos 1", "retain_available false", "max_packet_size 300", "max_keepalive 20"],
    acl: ["topic read #", "topic write ok/#"],
  });
  await using client = await connect5(mosquitto);
  assertEquals(client.keepAliveSeconds, 20);
  assertEquals(client.clientId.length > 0, true);
  await assertRejects(() => client.publish("ok/a", "x", { qos: 2 }), LimitError, "at most QoS 1");
  await assertRejects(() => client.publish("ok/a", "x", { retain: true }), LimitError, "retains no messages");
  await assertRejects(() => client.publish("ok/a", "x".repeat(300)), LimitError, "at most 300");
  await assertRejects(() => client.publish("a", "x", { qos: 1 }), RefusedError, "not authorized");
  assertEquals((await client.publish("ok/a", "x", { qos: 1 })).reasonCode, 0x10);
  assertEquals(await client.unsubscribe("ok/a"), [0x11]);
});

test("mosquitto takes over, keeps sessions and publishes wills as our client asks", async () => {
  await using mosquitto = await Mosquitto.start();
  await using watcher = await connect5(mosquitto);
  const wills = await watcher.subscribe("gone");
  const session = { clientId: "twin", cleanStart: false, sessionExpirySeconds: 60 };
  const first = await connect5(mosquitto, session);
  await first.subscribe("jobs", { qos: 1 });
  const second = await connect5(mosquitto, { ...session, will: { topic: "gone", payload: "asked for" } });
  assertEquals(second.sessionPresent, true);
  assertEquals((await first.closed)?.name, "ClosedError");
  await second.close({ reasonCode: 0x04 });
  const will = (await within(wills.next(), () => "the will did not come", TOOL_PATIENCE_MS)).value!;
  assertEquals(decoder.decode(will.payload), "asked for");
  await watcher.publish("jobs", "1", { qos: 1 });
  await using third = await connect5(mosquitto, session);
  const jobs = await third.subscribe("jobs", { qos: 1 });
  assertEquals(decoder.decode((await jobs.next()).value!.payload), "1");
  const refused = connect5(mosquitto, {
    authentication: { method: "X", start: () => undefined, respond: () => undefined },
  });
  await assertRejects(() => refused, RefusedError, "bad authentication method");
});

test("our -F prints what mosquitto_sub prints, of what either publishes through either broker", async () => {
  await using mosquitto = await Mosquitto.start();
  await using pregon = new OpenBroker();
  for (const broker of [mosquitto, pregon]) {
    const flags = ["-V", "5", "-q", "1", "-D", "subscribe", "subscription-identifier", "7"];
    await using theirs = mosquittoSub(broker, [...flags, "-t", "#", "-C", "4", "-F", FORMAT]);
    await using ours = await connect5(broker);
    const messages = await ours.subscribe("#", { qos: 1, subscriptionId: 7 });
    // Retained, it comes as soon as the other has subscribed, and says that it has.
    await ours.publish("ready", "set", { qos: 1, retain: true });
    await theirs.lines(1);
    await ours.publish("home/temp", "21.5", { qos: 1, properties: FULL });
    await mosquittoPub(broker, ["-V", "5", "-q", "1", "-t", "home/temp", "-m", "21.5", ...FULL_FLAGS]);
    await mosquittoPub(broker, ["-V", "5", "-t", "a", "-n"]);
    const format = parseMessageFormat(FORMAT);
    const lines: string[] = [];
    while (lines.length < 4) {
      const message = (await within(messages.next(), () => `${lines.length} of 4 came`)).value!;
      lines.push(decoder.decode(format(message, { now: 0, warn: () => {} })));
    }
    const printed = (await theirs.outcome()).lines;
    assertEquals(lines.slice(1), printed.slice(1));
    assertEquals(withoutPacketId(lines[1]!), withoutPacketId(lines[2]!));
  }
});

/** What %m prints is the only difference between the same message sent twice. */
function withoutPacketId(line: string): string {
  return line.replace(/\|1\|0\|\d+\|/, "|1|0|");
}
