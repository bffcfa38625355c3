import type { RetainHandling, SubscribeOptions } from "../client/mod.ts";
import type { Payload, PubOptions } from "../client/pub.ts";
import type { SubOptions } from "../client/sub.ts";
import { checkFilter, checkTopic } from "../topic/name.ts";
import { topicOfUrl } from "./address_flags.ts";
import { type CommandLine, type Flag, UsageError, valueOf, wholeNumberOf } from "./command_line.ts";
import { CONNECT_FLAGS, connectOptions, qosOf } from "./connect_flags.ts";
import { parseMessageFormat } from "./message_format.ts";
import { readProperties } from "./property_flags.ts";

/** What `pub` and `sub` send, and `-D` can add properties to. */
export const PUB_COMMANDS = ["connect", "publish", "will", "disconnect"] as const;
export const SUB_COMMANDS = ["connect", "subscribe", "unsubscribe", "will", "disconnect"] as const;

const HELP_FLAGS: readonly Flag[] = [
  { name: "version", help: "Print the version and exit" },
  { name: "help", help: "Print this and exit" },
];

export const PUB_FLAGS: readonly Flag[] = [
  { name: "topic", short: "t", placeholder: "TOPIC", help: "Topic to publish to" },
  { name: "message", short: "m", placeholder: "MESSAGE", help: "Publish this" },
  { name: "file", short: "f", placeholder: "FILE", help: "Publish what the file holds" },
  { name: "stdin-line", short: "l", help: "Publish each line of the standard input as a message" },
  { name: "stdin-file", short: "s", help: "Publish the whole standard input as one message" },
  { name: "null-message", short: "n", help: "Publish an empty message" },
  {
    name: "max-inflight",
    short: "M",
    placeholder: "N",
    help: "Messages of QoS 1 or 2 that wait for their acknowledgement (1000 of QoS 1, 20 of QoS 2)",
  },
  { name: "retain", short: "r", help: "Have the broker keep the message for who subscribes later" },
  ...CONNECT_FLAGS,
  ...HELP_FLAGS,
];

export const SUB_FLAGS: readonly Flag[] = [
  {
    name: "topic",
    short: "t",
    placeholder: "FILTER",
    isRepeatable: true,
    help: "Topic or filter to subscribe to; repeatable",
  },
  {
    name: "unsubscribe",
    short: "U",
    placeholder: "FILTER",
    isRepeatable: true,
    help: "Filter to give up; repeatable",
  },
  { name: "verbose", short: "v", help: "Print topic and payload" },
  {
    name: "format",
    short: "F",
    placeholder: "FORMAT",
    help: "Print so: %t topic, %p payload, … (below)",
  },
  { name: "raw", short: "N", help: "No line break after the payload" },
  { name: "count", short: "C", placeholder: "N", help: "Exit after so many messages" },
  { name: "timeout", short: "W", placeholder: "SECONDS", help: "Exit with code 27 after so long" },
  { name: "exit-on-subscribe", short: "E", help: "Exit when the broker has granted the subscriptions" },
  { name: "skip-retained", short: "R", help: "Leave out messages that were retained before" },
  { name: "retained-only", help: "Print retained messages only; exit at the first that is not" },
  {
    name: "retain-as-published",
    help: "In MQTT 5.0, have messages say whether they were published with retain",
  },
  {
    name: "retain-handling",
    placeholder: "N",
    help: "In MQTT 5.0, get retained messages: 0 always, 1 if newly subscribed, 2 never (0)",
  },
  ...CONNECT_FLAGS,
  ...HELP_FLAGS,
];

export function pubOptions(line: CommandLine): PubOptions {
  const topic = valueOf(line, "topic") ?? topicOfUrl(line);
  if (topic === undefined) throw new UsageError("Cannot publish without a topic: add -t TOPIC");
  const problem = checkTopic(topic, Infinity);
  if (problem) throw new UsageError(problem.message);
  const properties = readProperties(line.get("property") ?? [], PUB_COMMANDS);
  const { topicAlias, ...publish } = properties.publish;
  return {
    connect: connectOptions(line, properties),
    topic,
    qos: qosOf(line, "qos"),
    retain: line.has("retain"),
    payload: payloadOf(line),
    properties: Object.keys(publish).length === 0 ? undefined : publish,
    topicAlias,
    close: properties.disconnect,
  };
}

export function subOptions(line: CommandLine): SubOptions {
  const fromUrl = topicOfUrl(line);
  const filters = [...(fromUrl === undefined ? [] : [fromUrl]), ...(line.get("topic") ?? [])];
  const unsubscribe = line.get("unsubscribe") ?? [];
  if (filters.length + unsubscribe.length === 0) {
    throw new UsageError("Cannot subscribe without a filter: add -t FILTER");
  }
  for (const filter of [...filters, ...unsubscribe]) {
    const problem = checkFilter(filter, Infinity);
    if (problem) throw new UsageError(problem.message);
  }
  const properties = readProperties(line.get("property") ?? [], SUB_COMMANDS);
  const connect = connectOptions(line, properties);
  const format = valueOf(line, "format");
  return {
    connect,
    filters,
    unsubscribe,
    subscribeOptions: {
      qos: qosOf(line, "qos"),
      ...(connect.version === 5 && subscribeOptions5(line)),
      ...properties.subscribe,
    },
    unsubscribeOptions: properties.unsubscribe,
    close: properties.disconnect,
    count: line.has("count")
      ? wholeNumberOf(line, "count", { min: 1, max: Number.MAX_SAFE_INTEGER })
      : undefined,
    timeoutSeconds: line.has("timeout")
      ? wholeNumberOf(line, "timeout", { min: 1, max: 2 ** 31 - 1 })
      : undefined,
    format: format === undefined ? undefined : parseMessageFormat(format),
    verbose: line.has("verbose"),
    newline: !line.has("raw"),
    skipRetained: line.has("skip-retained"),
    retainedOnly: line.has("retained-only"),
    exitOnSubscribe: line.has("exit-on-subscribe"),
  };
}

/** What -R asks for besides: a broker of MQTT 5.0 need not send what is left out. */
function subscribeOptions5(line: CommandLine): SubscribeOptions {
  const retainHandling = line.has("retain-handling")
    ? wholeNumberOf(line, "retain-handling", { min: 0, max: 2 }) as RetainHandling
    : line.has("skip-retained")
    ? 2
    : 0;
  return {
    retainAsPublished: line.has("retain-as-published"),
    retainHandling,
  };
}

function payloadOf(line: CommandLine): Payload {
  const given = ["message", "file", "stdin-line", "stdin-file", "null-message"].filter((name) =>
    line.has(name)
  );
  if (given.length === 0) {
    throw new UsageError("Cannot publish without a message: add -m MESSAGE, -f FILE, -l, -s or -n");
  }
  if (given.length > 1) {
    throw new UsageError(`Cannot use both --${given[0]} and --${given[1]}: one message at a time`);
  }
  switch (given[0]) {
    case "message":
      return { from: "text", text: valueOf(line, "message")! };
    case "file":
      return { from: "file", path: valueOf(line, "file")! };
    case "stdin-line":
      return { from: "lines" };
    case "stdin-file":
      return { from: "stdin" };
    default:
      return { from: "text", text: "" };
  }
}
