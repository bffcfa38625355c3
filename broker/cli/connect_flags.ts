import { type Authentication, ClientError, type ConnectOptions, type QoS } from "../client/mod.ts";
import { orDidYouMean } from "../config.ts";
import { checkTopic } from "../topic/name.ts";
import { ADDRESS_FLAGS, addressOptions, TLS_FLAGS, urlOf } from "./address_flags.ts";
import { type CommandLine, type Flag, UsageError, valueOf, wholeNumberOf } from "./command_line.ts";
import { type Properties, propertyWordCount, readSessionExpiry } from "./property_flags.ts";

/** Flags under the names that mosquitto_pub and mosquitto_sub gave them; where those have only a letter, with a word. */
export const CONNECT_FLAGS: readonly Flag[] = [
  ...ADDRESS_FLAGS,
  { name: "qos", short: "q", placeholder: "QOS", help: "Quality of service: 0, 1 or 2 (0)" },
  { name: "id", short: "i", placeholder: "ID", help: "Client identifier (the broker makes one up)" },
  {
    name: "id-prefix",
    short: "I",
    placeholder: "PREFIX",
    help: "Client identifier that begins so and is new each time",
  },
  { name: "username", short: "u", placeholder: "NAME", help: "User name" },
  { name: "pw", short: "P", placeholder: "PASSWORD", redact: () => "…", help: "Password" },
  { name: "keepalive", short: "k", placeholder: "SECONDS", help: "Keep-alive, 0 to 65535, 0 for none (60)" },
  { name: "disable-clean-session", short: "c", help: "Keep the session when this ends; needs --id" },
  {
    name: "protocol-version",
    short: "V",
    placeholder: "VERSION",
    help: "mqttv5, mqttv311 or mqttv31; short 5, 311, 31 (mqttv311; mqttv5 if a flag needs it)",
  },
  {
    name: "property",
    short: "D",
    placeholder: "COMMAND PROPERTY VALUE",
    isRepeatable: true,
    wordCount: propertyWordCount,
    help: "Property of MQTT 5.0, one of those below; repeatable",
  },
  {
    name: "session-expiry-interval",
    short: "x",
    placeholder: "SECONDS",
    help: "In MQTT 5.0, how long the session lives on (0, with -c for ever; -1 or ∞ for ever)",
  },
  {
    name: "will-topic",
    placeholder: "TOPIC",
    help: "Topic that the broker publishes to if the connection is lost",
  },
  { name: "will-payload", placeholder: "MESSAGE", help: "What it publishes there (nothing)" },
  { name: "will-qos", placeholder: "QOS", help: "At this quality of service (0)" },
  { name: "will-retain", help: "And keeps" },
  ...TLS_FLAGS,
];

const VERSIONS: ReadonlyMap<string, 3 | 4 | 5> = new Map([
  ["mqttv5", 5],
  ["mqttv311", 4],
  ["mqttv31", 3],
  ["5", 5],
  ["311", 4],
  ["31", 3],
]);

/** Flags that mean nothing before MQTT 5.0. */
const FLAGS_OF_5 = [
  "property",
  "session-expiry-interval",
  "retain-as-published",
  "retain-handling",
] as const;

/** How to connect, as `pub` and `sub` are told. */
export function connectOptions(line: CommandLine, properties: Properties): ConnectOptions {
  const url = urlOf(line);
  const username = valueOf(line, "username") ?? url?.username;
  const password = valueOf(line, "pw") ?? url?.password;
  const version = versionOf(line);
  if (password !== undefined && username === undefined && version !== 5) {
    throw new UsageError("Cannot use a password without a user name: add -u NAME");
  }
  const isPersistent = line.has("disable-clean-session");
  if (isPersistent && !line.has("id")) {
    throw new UsageError("Cannot keep a session without its identifier: add -i ID");
  }
  if (line.has("id") && line.has("id-prefix")) throw new UsageError("Cannot use both -i and -I");
  const prefix = valueOf(line, "id-prefix");
  return {
    ...addressOptions(line),
    clientId: valueOf(line, "id") ?? (prefix === undefined ? "" : prefix + crypto.randomUUID().slice(0, 8)),
    cleanStart: !isPersistent,
    keepAliveSeconds: line.has("keepalive") ? wholeNumberOf(line, "keepalive", { min: 0, max: 65_535 }) : 60,
    version,
    username,
    password,
    will: willOf(line, properties.will),
    inFlightMax: line.has("max-inflight")
      ? wholeNumberOf(line, "max-inflight", { min: 1, max: 65_535 })
      : undefined,
    ...(version === 5 && connectOptions5(line, properties)),
  };
}

function connectOptions5(line: CommandLine, { connect, disconnect }: Properties): ConnectOptions {
  const { authenticationMethod: method, authenticationData, ...properties } = connect;
  const sessionExpirySeconds = sessionExpiryOf(line, properties.sessionExpirySeconds);
  const isKept = sessionExpirySeconds === undefined
    ? line.has("disable-clean-session")
    : sessionExpirySeconds > 0;
  if (disconnect.sessionExpirySeconds && !isKept) {
    throw new UsageError(
      "Cannot use -D disconnect session-expiry-interval without a session: add -x SECONDS",
    );
  }
  if (method === undefined && authenticationData !== undefined) {
    throw new UsageError(
      "Cannot use authentication-data without a method: add -D connect authentication-method NAME",
    );
  }
  const authentication = method === undefined ? undefined : oneStepOf(method, authenticationData);
  return { ...properties, sessionExpirySeconds, authentication };
}

function sessionExpiryOf(line: CommandLine, property: number | undefined): number | undefined {
  const text = valueOf(line, "session-expiry-interval");
  if (text !== undefined && property !== undefined) {
    throw new UsageError("Cannot use both -x and -D connect session-expiry-interval");
  }
  const seconds = text === undefined ? property : readSessionExpiry(text);
  if (seconds === Infinity && !line.has("id")) {
    throw new UsageError("Cannot keep a session for ever without its identifier: add -i ID");
  }
  return seconds;
}

/** All that a command line can know of a method: its name and what it begins with. */
function oneStepOf(method: string, data: Uint8Array | undefined): Authentication {
  return {
    method,
    start: () => data,
    respond: () => {
      throw new ClientError(`the broker asks for more than -D can say of ${method}`);
    },
  };
}

function willOf(line: CommandLine, properties: Properties["will"]): ConnectOptions["will"] {
  const topic = valueOf(line, "will-topic");
  if (topic === undefined) {
    const flag = ["will-payload", "will-qos", "will-retain"].find((name) => line.has(name));
    if (flag) throw new UsageError(`Cannot use --${flag} without a will: add --will-topic TOPIC`);
    if (!isEmpty(properties)) {
      throw new UsageError("Cannot use -D will without a will: add --will-topic TOPIC");
    }
    return undefined;
  }
  const problem = checkTopic(topic, Infinity);
  if (problem) throw new UsageError(problem.message);
  const payload = valueOf(line, "will-payload") ?? "";
  const will = { topic, payload, qos: qosOf(line, "will-qos"), retain: line.has("will-retain") };
  const { delaySeconds, ...rest } = properties;
  return isEmpty(properties) ? will : { ...will, delaySeconds, properties: rest };
}

function versionOf(line: CommandLine): 3 | 4 | 5 {
  const text = valueOf(line, "protocol-version");
  const flag = FLAGS_OF_5.find((name) => line.has(name));
  if (text === undefined) return flag ? 5 : 4;
  const version = VERSIONS.get(text);
  if (version === undefined) {
    const names = [...VERSIONS.keys()];
    throw new UsageError(
      `Cannot use ${JSON.stringify(text)} for -V: it must be one of ${names.join(", ")}${
        orDidYouMean(text, names)
      }`,
    );
  }
  if (flag && version !== 5) {
    throw new UsageError(`Cannot use --${flag} with -V ${text}: only MQTT 5.0 has it, -V mqttv5`);
  }
  return version;
}

export function qosOf(line: CommandLine, name: string): QoS {
  return line.has(name) ? wholeNumberOf(line, name, { min: 0, max: 2 }) as QoS : 0;
}

function isEmpty(words: object): boolean {
  return Object.keys(words).length === 0;
}
