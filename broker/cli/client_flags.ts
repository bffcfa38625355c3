import type { ConnectOptions } from "../client/mod.ts";
import type { Payload, PubOptions } from "../client/pub.ts";
import type { SubOptions } from "../client/sub.ts";
import { didYouMean } from "../config.ts";
import type { QoS } from "../packet/mod.ts";
import { checkFilter, checkTopic } from "../topic/name.ts";
import { type CommandLine, type Flag, UsageError } from "./command_line.ts";
import { parseMqttUrl } from "./mqtt_url.ts";

/** Flags under the names that mosquitto_pub and mosquitto_sub gave them; where those have only a letter, with a word. */
const CONNECT_FLAGS: readonly Flag[] = [
  { name: "host", short: "h", placeholder: "HOST", help: "Broker to connect to (127.0.0.1)" },
  { name: "port", short: "p", placeholder: "PORT", help: "Its port (1883)" },
  {
    name: "url",
    short: "L",
    placeholder: "URL",
    help: "mqtt://[USER:PASSWORD@]HOST[:PORT]/TOPIC; other flags win over it",
  },
  { name: "qos", short: "q", placeholder: "QOS", help: "Quality of service: 0, 1 or 2 (0)" },
  { name: "id", short: "i", placeholder: "ID", help: "Client identifier (the broker makes one up)" },
  {
    name: "id-prefix",
    short: "I",
    placeholder: "PREFIX",
    help: "Client identifier that begins so and is new each time",
  },
  { name: "username", short: "u", placeholder: "NAME", help: "User name" },
  { name: "pw", short: "P", placeholder: "PASSWORD", help: "Password" },
  { name: "keepalive", short: "k", placeholder: "SECONDS", help: "Keep-alive, 0 to 65535, 0 for none (60)" },
  { name: "disable-clean-session", short: "c", help: "Keep the session when this ends; needs --id" },
  { name: "protocol-version", short: "V", placeholder: "VERSION", help: "mqttv311 or mqttv31 (mqttv311)" },
  {
    name: "will-topic",
    placeholder: "TOPIC",
    help: "Topic that the broker publishes to if the connection is lost",
  },
  { name: "will-payload", placeholder: "MESSAGE", help: "What it publishes there (nothing)" },
  { name: "will-qos", placeholder: "QOS", help: "At this quality of service (0)" },
  { name: "will-retain", help: "And keeps" },
];

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
  { name: "raw", short: "N", help: "No line break after the payload" },
  { name: "count", short: "C", placeholder: "N", help: "Exit after so many messages" },
  { name: "timeout", short: "W", placeholder: "SECONDS", help: "Exit with code 27 after so long" },
  { name: "exit-on-subscribe", short: "E", help: "Exit when the broker has granted the subscriptions" },
  { name: "skip-retained", short: "R", help: "Leave out messages that were retained before" },
  { name: "retained-only", help: "Print retained messages only; exit at the first that is not" },
  ...CONNECT_FLAGS,
  ...HELP_FLAGS,
];

const VERSIONS: Readonly<Record<string, 3 | 4>> = { mqttv31: 3, mqttv311: 4, "31": 3, "311": 4 };

export function pubOptions(line: CommandLine): PubOptions {
  const topic = value(line, "topic") ?? urlOf(line)?.topic;
  if (topic === undefined) throw new UsageError("Cannot publish without a topic: add -t TOPIC");
  const problem = checkTopic(topic, Infinity);
  if (problem) throw new UsageError(problem.message);
  return {
    connect: connectOptions(line),
    topic,
    qos: qosOf(line, "qos"),
    retain: line.has("retain"),
    payload: payloadOf(line),
  };
}

export function subOptions(line: CommandLine): SubOptions {
  const fromUrl = urlOf(line)?.topic;
  const filters = [...(fromUrl === undefined ? [] : [fromUrl]), ...(line.get("topic") ?? [])];
  const unsubscribe = line.get("unsubscribe") ?? [];
  if (filters.length + unsubscribe.length === 0) {
    throw new UsageError("Cannot subscribe without a filter: add -t FILTER");
  }
  for (const filter of [...filters, ...unsubscribe]) {
    const problem = checkFilter(filter, Infinity);
    if (problem) throw new UsageError(problem.message);
  }
  return {
    connect: connectOptions(line),
    filters,
    unsubscribe,
    qos: qosOf(line, "qos"),
    count: line.has("count")
      ? wholeNumber(line, "count", { min: 1, max: Number.MAX_SAFE_INTEGER })
      : undefined,
    timeoutSeconds: line.has("timeout")
      ? wholeNumber(line, "timeout", { min: 1, max: 2 ** 31 - 1 })
      : undefined,
    verbose: line.has("verbose"),
    newline: !line.has("raw"),
    skipRetained: line.has("skip-retained"),
    retainedOnly: line.has("retained-only"),
    exitOnSubscribe: line.has("exit-on-subscribe"),
  };
}

function connectOptions(line: CommandLine): ConnectOptions {
  const url = urlOf(line);
  const username = value(line, "username") ?? url?.username;
  const password = value(line, "pw") ?? url?.password;
  if (password !== undefined && username === undefined) {
    throw new UsageError("Cannot use a password without a user name: add -u NAME");
  }
  const isPersistent = line.has("disable-clean-session");
  if (isPersistent && !line.has("id")) {
    throw new UsageError("Cannot keep a session without its identifier: add -i ID");
  }
  if (line.has("id") && line.has("id-prefix")) throw new UsageError("Cannot use both -i and -I");
  const prefix = value(line, "id-prefix");
  return {
    host: value(line, "host") ?? url?.host ?? "127.0.0.1",
    port: line.has("port") ? wholeNumber(line, "port", { min: 1, max: 65_535 }) : url?.port ?? 1883,
    clientId: value(line, "id") ?? (prefix === undefined ? "" : prefix + crypto.randomUUID().slice(0, 8)),
    cleanStart: !isPersistent,
    keepAliveSeconds: line.has("keepalive") ? wholeNumber(line, "keepalive", { min: 0, max: 65_535 }) : 60,
    version: versionOf(line),
    username,
    password,
    will: willOf(line),
    inFlightMax: line.has("max-inflight")
      ? wholeNumber(line, "max-inflight", { min: 1, max: 65_535 })
      : undefined,
  };
}

function willOf(line: CommandLine): ConnectOptions["will"] {
  const topic = value(line, "will-topic");
  if (topic === undefined) {
    const flag = ["will-payload", "will-qos", "will-retain"].find((name) => line.has(name));
    if (flag) throw new UsageError(`Cannot use --${flag} without a will: add --will-topic TOPIC`);
    return undefined;
  }
  const problem = checkTopic(topic, Infinity);
  if (problem) throw new UsageError(problem.message);
  const payload = value(line, "will-payload") ?? "";
  return { topic, payload, qos: qosOf(line, "will-qos"), retain: line.has("will-retain") };
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
      return { from: "text", text: value(line, "message")! };
    case "file":
      return { from: "file", path: value(line, "file")! };
    case "stdin-line":
      return { from: "lines" };
    case "stdin-file":
      return { from: "stdin" };
    default:
      return { from: "text", text: "" };
  }
}

function versionOf(line: CommandLine): 3 | 4 {
  const text = value(line, "protocol-version");
  if (text === undefined) return 4;
  const version = Object.hasOwn(VERSIONS, text) ? VERSIONS[text] : undefined;
  if (version !== undefined) return version;
  const names = Object.keys(VERSIONS).filter((name) => name.startsWith("mqtt"));
  throw new UsageError(
    `Cannot use ${JSON.stringify(text)} for -V: it must be ${names.join(" or ")}; ${didYouMean(text, names)}`,
  );
}

function qosOf(line: CommandLine, name: string): QoS {
  return line.has(name) ? wholeNumber(line, name, { min: 0, max: 2 }) as QoS : 0;
}

function urlOf(line: CommandLine) {
  const text = value(line, "url");
  return text === undefined ? undefined : parseMqttUrl(text);
}

function value(line: CommandLine, name: string): string | undefined {
  return line.get(name)?.at(-1);
}

function wholeNumber(line: CommandLine, name: string, { min, max }: { min: number; max: number }): number {
  const text = value(line, name)!;
  const number = /^\d+$/.test(text) ? Number(text) : NaN;
  if (number >= min && number <= max) return number;
  throw new UsageError(
    `Cannot use ${JSON.stringify(text)} for --${name}: it must be a whole number from ${min} to ${max}`,
  );
}
