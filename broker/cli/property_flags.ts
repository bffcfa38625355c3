import type {
  CloseOptions,
  ConnectOptions,
  MessageProperties,
  SubscribeOptions,
  UserProperties,
} from "../client/mod.ts";
import { didYouMean, orDidYouMean } from "../config.ts";
import { checkTopic } from "../topic/name.ts";
import { UsageError, WORD_SEPARATOR } from "./command_line.ts";

/** The packets that a property can be given to, under the names that mosquitto's clients have for them. */
export type PropertyCommand = "connect" | "publish" | "subscribe" | "unsubscribe" | "will" | "disconnect";

/** What `-D connect` may say of an authentication. */
interface AuthenticationWords {
  readonly authenticationMethod?: string;
  readonly authenticationData?: Uint8Array;
}

/** What all `-D` together say, in the words of the client library. */
export interface Properties {
  readonly connect:
    & AuthenticationWords
    & Pick<
      ConnectOptions,
      | "sessionExpirySeconds"
      | "receiveMaximum"
      | "packetBytesMax"
      | "topicAliasMax"
      | "requestProblemInformation"
      | "requestResponseInformation"
      | "userProperties"
    >;
  readonly publish: MessageProperties & { readonly topicAlias?: number };
  readonly subscribe: Pick<SubscribeOptions, "subscriptionId" | "userProperties">;
  readonly unsubscribe: { readonly userProperties?: UserProperties };
  readonly will: MessageProperties & { readonly delaySeconds?: number };
  readonly disconnect: Pick<CloseOptions, "sessionExpirySeconds" | "reasonString" | "userProperties">;
}

type ReadValue = (words: readonly string[], what: string) => unknown;

interface Row {
  readonly name: string;
  /** What the client library calls it. */
  readonly key: string;
  readonly read: ReadValue;
  readonly commands: readonly PropertyCommand[];
}

const U16_MAX = 65_535;
const U32_MAX = 4_294_967_295;
const VARINT_MAX = 268_435_455;
const encoder = new TextEncoder();

const text: ReadValue = ([value]) => value;
const bytes: ReadValue = ([value]) => encoder.encode(value);
const topic: ReadValue = ([value], what) => {
  const problem = checkTopic(value!, Infinity);
  if (problem) throw new UsageError(`Cannot use ${JSON.stringify(value)} for ${what}: ${problem.message}`);
  return value;
};
const flag: ReadValue = (words, what) => number(0, 1)(words, what) === 1;
/** Seconds of a session: the last number that there is means for ever. */
const lifetime: ReadValue = (words, what) => {
  const seconds = number(0, U32_MAX)(words, what);
  return seconds === U32_MAX ? Infinity : seconds;
};

const MESSAGE = ["publish", "will"] as const;

const ROWS: readonly Row[] = [
  { name: "payload-format-indicator", key: "payloadIsText", read: flag, commands: MESSAGE },
  { name: "message-expiry-interval", key: "expirySeconds", read: number(0, U32_MAX), commands: MESSAGE },
  { name: "content-type", key: "contentType", read: text, commands: MESSAGE },
  { name: "response-topic", key: "responseTopic", read: topic, commands: MESSAGE },
  { name: "correlation-data", key: "correlationData", read: bytes, commands: MESSAGE },
  { name: "topic-alias", key: "topicAlias", read: number(1, U16_MAX), commands: ["publish"] },
  { name: "will-delay-interval", key: "delaySeconds", read: number(0, U32_MAX), commands: ["will"] },
  {
    name: "subscription-identifier",
    key: "subscriptionId",
    read: number(1, VARINT_MAX),
    commands: ["subscribe"],
  },
  {
    name: "session-expiry-interval",
    key: "sessionExpirySeconds",
    read: lifetime,
    commands: ["connect", "disconnect"],
  },
  { name: "receive-maximum", key: "receiveMaximum", read: number(1, U16_MAX), commands: ["connect"] },
  { name: "maximum-packet-size", key: "packetBytesMax", read: number(1, U32_MAX), commands: ["connect"] },
  { name: "topic-alias-maximum", key: "topicAliasMax", read: number(0, U16_MAX), commands: ["connect"] },
  {
    name: "request-problem-information",
    key: "requestProblemInformation",
    read: flag,
    commands: ["connect"],
  },
  {
    name: "request-response-information",
    key: "requestResponseInformation",
    read: flag,
    commands: ["connect"],
  },
  { name: "authentication-method", key: "authenticationMethod", read: text, commands: ["connect"] },
  { name: "authentication-data", key: "authenticationData", read: bytes, commands: ["connect"] },
  { name: "reason-string", key: "reasonString", read: text, commands: ["disconnect"] },
  {
    name: "user-property",
    key: "userProperties",
    read: ([name, value]) => [name, value],
    commands: ["connect", "publish", "subscribe", "unsubscribe", "will", "disconnect"],
  },
];

/** How many words a `-D` has, by the words that follow it. */
export function propertyWordCount(words: readonly string[]): number {
  return words[1] === "user-property" ? 4 : 3;
}

/** The names of the properties that a packet may have. */
export function propertyNames(command: PropertyCommand): readonly string[] {
  return ROWS.filter(({ commands }) => commands.includes(command)).map(({ name }) => name);
}

/** Reads every `-D`; the commands are those that make sense here. */
export function readProperties(
  values: readonly string[],
  commands: readonly PropertyCommand[],
): Properties {
  const properties: Record<PropertyCommand, Record<string, unknown>> = {
    connect: {},
    publish: {},
    subscribe: {},
    unsubscribe: {},
    will: {},
    disconnect: {},
  };
  for (const value of values) {
    const [command = "", name, ...words] = value.split(WORD_SEPARATOR);
    addProperty(properties[commandOf(command, commands)], { command, name, words });
  }
  return properties;
}

/** Seconds of `-x`, as mosquitto's clients take them. */
export function readSessionExpiry(value: string): number {
  if (value === "-1" || value === "∞") return Infinity;
  return lifetime([value], "--session-expiry-interval") as number;
}

interface Given {
  readonly command: string;
  readonly name: string | undefined;
  readonly words: readonly string[];
}

function addProperty(properties: Record<string, unknown>, { command, name, words }: Given): void {
  const what = `-D ${command} ${name ?? ""}`.trimEnd();
  const row = rowOf(name, command.toLowerCase() as PropertyCommand, what);
  const wordCount = row.key === "userProperties" ? 2 : 1;
  if (words.length !== wordCount) {
    const values = wordCount === 2 ? "a name and a value" : "a value";
    throw new UsageError(`Cannot use ${what}: it takes ${values}`);
  }
  const value = row.read(words, what);
  if (row.key === "userProperties") {
    properties[row.key] = [...(properties[row.key] as unknown[] | undefined) ?? [], value];
    return;
  }
  if (row.key in properties) throw new UsageError(`Cannot use ${what} twice`);
  properties[row.key] = value;
}

function commandOf(command: string, commands: readonly PropertyCommand[]): PropertyCommand {
  const found = commands.find((known) => known === command.toLowerCase());
  if (found) return found;
  const list = `${commands.slice(0, -1).join(", ")} or ${commands.at(-1)}`;
  throw new UsageError(
    `Cannot use ${JSON.stringify(command)} for -D: it must be ${list}${orDidYouMean(command, commands)}`,
  );
}

function rowOf(name: string | undefined, command: PropertyCommand, what: string): Row {
  const names = propertyNames(command);
  if (name === undefined) throw new UsageError(`Cannot use ${what}: it takes a property and its value`);
  const row = ROWS.find((row) => row.name === name);
  if (row?.commands.includes(command)) return row;
  if (row) {
    throw new UsageError(
      `Cannot use ${what}: ${name} is no property of ${command}; it has ${names.join(", ")}`,
    );
  }
  throw new UsageError(
    `Unknown property ${JSON.stringify(name)} of -D ${command}: ${didYouMean(name, names)}`,
  );
}

function number(min: number, max: number): (words: readonly string[], what: string) => number {
  return ([value = ""], what) => {
    const read = /^\d+$/.test(value) ? Number(value) : NaN;
    if (read >= min && read <= max) return read;
    throw new UsageError(
      `Cannot use ${JSON.stringify(value)} for ${what}: it must be a whole number from ${min} to ${max}`,
    );
  };
}
