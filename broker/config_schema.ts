import { CERTIFICATE_NAMES, METHOD_NAMES, TOKEN_FIELDS } from "./auth/method_names.ts";
import { TOKEN_ALGORITHMS } from "./auth/token_algorithms.ts";
import { ALL_FEATURES, type Features } from "./core/features.ts";
import { DEFAULT_LIMITS, type Limits } from "./core/limits.ts";
import { LOG_LEVELS } from "./core/log.ts";
import { checkTopic, isReserved } from "./topic/name.ts";

export type OptionValue = string | number | boolean | readonly string[];

/** What values an option takes, and how they look as text. */
export interface OptionKind {
  /** Completes the sentence "it must be". */
  readonly allowed: string;
  /** For the help. */
  readonly placeholder: string;
  /** The few words that are allowed, if it is just these. */
  readonly choices?: readonly string[];
  /** Reads what a variable or a flag says; what makes no sense is left for `accept` to refuse. */
  readonly fromText: (text: string) => unknown;
  /** The value, if it is allowed. */
  readonly accept: (value: unknown) => OptionValue | undefined;
}

/** One option: it is `[section] key` in the file, `--section-key` as a flag, `PREGON_SECTION_KEY` as a variable. */
export interface OptionRow {
  readonly name: string;
  readonly section: "" | "mqtt" | "http" | "auth" | "log" | "limits";
  readonly key: string;
  readonly short?: string;
  readonly kind: OptionKind;
  /** None: the option stands for others, or has no value until somebody gives it one. */
  readonly default: OptionValue | undefined;
  /** The option that also sets this one, unless the same source sets this one itself. */
  readonly setBy?: string;
  readonly help: string;
}

/** What an option comes to. */
export interface Effective {
  readonly value: OptionValue;
  /** Undefined for a default. */
  readonly source: string | undefined;
}

/** An option that cannot be used; the message says which, from where, and what is allowed, in one line. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** Two limits of which the first must not be larger. */
export const ORDERED_LIMITS: readonly (readonly [keyof Limits, keyof Limits])[] = [
  ["readBufferBytesMin", "readBufferBytesMax"],
  ["outboxBytesMax", "outboxTotalBytesMax"],
  ["queueBytesMax", "queueTotalBytesMax"],
  ["retrySecondsMin", "retrySecondsMax"],
];

/** Beyond so many entries a Map throws. */
const COUNT_MAX = 2 ** 24;
/** 68 years; in milliseconds and added to the time of day it still is an exact number. */
const SECONDS_MAX = 2 ** 31 - 1;
/** The largest packet that MQTT can say: four bytes of remaining length, and five of header. */
const PACKET_BYTES_MAX = 268_435_460;

/** Limits that the protocol or the memory bounds more tightly than their unit does. */
const LIMIT_MAXIMA: Partial<Record<keyof Limits, number>> = {
  connectBytesMax: PACKET_BYTES_MAX,
  packetBytesMax: PACKET_BYTES_MAX,
  propertiesBytesMax: PACKET_BYTES_MAX,
  payloadBytesMax: PACKET_BYTES_MAX,
  readBufferBytesMin: 16 * 1024 * 1024,
  readBufferBytesMax: 16 * 1024 * 1024,
  topicLevelsMax: 65_536,
  clientIdBytesMax: 65_535,
  inflightMax: 65_535,
  inboundQos2Max: 65_535,
};

/** Limits that 0 takes away. */
export const OPTIONAL_LIMITS: ReadonlySet<keyof Limits> = new Set([
  "publishRateMax",
  "publishBytesRateMax",
  "memoryBytesMax",
]);

const address: OptionKind = {
  allowed: "an address or a host name, such as 127.0.0.1, ::1 or 0.0.0.0",
  placeholder: "ADDRESS",
  fromText: (text) => text,
  accept: (value) => typeof value === "string" && /^[\w.:%-]+$/.test(value) ? value : undefined,
};

const path: OptionKind = {
  allowed: "the path of a file or folder",
  placeholder: "PATH",
  fromText: (text) => text,
  // Not empty: `PREGON_AUTH_PASSWORD_FILE=$UNSET` must not open the door.
  accept: (value) => typeof value === "string" && /^[^\0]+$/.test(value) ? value : undefined,
};

const text: OptionKind = {
  allowed: "a text that is not empty",
  placeholder: "TEXT",
  fromText: (text) => text,
  accept: (value) => typeof value === "string" && value !== "" ? value : undefined,
};

const yesOrNo: OptionKind = {
  allowed: "true or false",
  placeholder: "true|false",
  fromText: (text) => text === "true" ? true : text === "false" ? false : text,
  accept: (value) => typeof value === "boolean" ? value : undefined,
};

const hosts = listOf({
  allowed: "a list of host names without port, such as broker.local, or * for all",
  placeholder: "HOST,…",
  isItem: (item) => /^(\*|[\w.-]+|\[[\da-f:.]+\])$/i.test(item),
});

const origins = listOf({
  allowed: "a list of origins, such as https://dashboard.example.com",
  placeholder: "ORIGIN,…",
  isItem: (item) => /^https?:/.test(item) && URL.canParse(item) && new URL(item).origin === item,
});

const topicPrefix: OptionKind = {
  allowed: "a topic without wildcards that does not begin with $, such as reply/%c, or empty for none",
  placeholder: "TOPIC",
  fromText: (text) => text,
  accept: (value) =>
    typeof value === "string" && (value === "" || !(checkTopic(value) || isReserved(value)))
      ? value
      : undefined,
};

/** What each feature takes, and what the help says of it. */
const FEATURES: Readonly<Record<keyof Features, { readonly kind: OptionKind; readonly help: string }>> = {
  maximumQos: {
    kind: wholeNumber(0, 2),
    help: "Highest QoS; a publish above it is refused, a subscription is granted this",
  },
  retainAvailable: { kind: trueOrFalse(), help: "Whether messages are retained" },
  wildcardSubscriptionsAvailable: { kind: trueOrFalse(), help: "Whether filters may have + and #" },
  subscriptionIdentifiersAvailable: {
    kind: trueOrFalse(),
    help: "Whether subscriptions may have an identifier (MQTT 5.0)",
  },
  sharedSubscriptionsAvailable: { kind: trueOrFalse(), help: "Whether there is $share/group/filter" },
  keepAliveSecondsMax: {
    kind: wholeNumber(0, 65_535),
    help: "Longest keep-alive, also of a client that wants none; 0 for no such bound",
  },
  checkPayloadFormat: {
    kind: trueOrFalse(),
    help: "Whether a payload that is said to be text must be UTF-8 (MQTT 5.0; HTTP always asks)",
  },
  responseInformation: {
    kind: topicPrefix,
    help: "Topic for the replies of a client that asks for one, %c being its identifier (MQTT 5.0)",
  },
};

/** Every option that there is: the file, the variables, the flags, the help and the checks all follow from this. */
export const OPTION_ROWS: readonly OptionRow[] = [
  row("", "host", { kind: address, default: undefined, help: "Address for MQTT and HTTP alike" }),
  row("", "durability", {
    kind: oneOf(["disk", "memory"]),
    default: "disk",
    help: "What an acknowledgement means: disk, or memory, which forgets everything at the end",
  }),
  row("", "data", {
    kind: path,
    default: "./data",
    help: "Folder with the data, for its owner only; made if it is not there",
  }),
  row("", "sys-interval-seconds", {
    kind: wholeNumber(0, SECONDS_MAX),
    default: 10,
    help: "Seconds between two publications of $SYS/broker/…; 0 for never",
  }),
  row("mqtt", "host", { kind: address, default: "127.0.0.1", setBy: "host", help: "Address for MQTT" }),
  row("mqtt", "port", {
    kind: wholeNumber(0, 65_535),
    default: 1883,
    short: "p",
    help: "Port for MQTT; 0 takes a free one",
  }),
  ...featureNames().map((feature) =>
    row("mqtt", kebabCase(feature), { ...FEATURES[feature], default: ALL_FEATURES[feature] })
  ),
  row("http", "host", { kind: address, default: "127.0.0.1", setBy: "host", help: "Address for HTTP" }),
  row("http", "port", {
    kind: wholeNumber(0, 65_535),
    default: 8080,
    help: "Port for HTTP; 0 takes a free one",
  }),
  row("http", "allowed-hosts", {
    kind: hosts,
    default: [],
    help: "Names by which HTTP may be asked for, beside its address",
  }),
  row("http", "allowed-origins", {
    kind: origins,
    default: [],
    help: "Web pages that may use HTTP, beside the broker's own",
  }),
  row("auth", "methods", {
    kind: listOf({
      allowed: `a list of ${METHOD_NAMES.join(", ")}, each once`,
      placeholder: "METHOD,…",
      isItem: (item) => METHOD_NAMES.some((name) => name === item),
    }),
    default: undefined,
    help: `Order in which those who are set up are asked (${METHOD_NAMES.join(",")})`,
  }),
  row("auth", "allow-anonymous", {
    kind: yesOrNo,
    default: undefined,
    help: "Let in who shows no name; true until one of the methods is set up",
  }),
  row("auth", "client-id-per-user", {
    kind: yesOrNo,
    default: true,
    help: "Whether a client identifier belongs to the user who has a session under it",
  }),
  row("auth", "password-file", {
    kind: path,
    default: undefined,
    help: "Who may come in; pregon passwd writes it",
  }),
  row("auth", "certificate-name", {
    kind: oneOf(CERTIFICATE_NAMES),
    default: undefined,
    help: "Take the name from a client's certificate: its CN (cn) or its first alternative name (san)",
  }),
  row("auth", "jwt-keys", {
    kind: path,
    default: undefined,
    help: "Let in who has a token (JWT) of these keys: a file with PEM, JWK, a JWK set or a secret",
  }),
  row("auth", "jwt-jwks-url", {
    kind: urlOf({ allowed: "a URL with https, or with http on this machine", isAllowed: isSafeUrl }),
    default: undefined,
    help: "Where the keys of tokens are, in the place of a file",
  }),
  row("auth", "jwt-algorithms", {
    kind: listOf({
      allowed: `a list of ${TOKEN_ALGORITHMS.join(", ")}`,
      placeholder: "ALG,…",
      isItem: (item) => TOKEN_ALGORITHMS.includes(item),
    }),
    default: undefined,
    help: "The only ones that tokens may name; without it, those that their key is for",
  }),
  row("auth", "jwt-issuer", { kind: text, default: undefined, help: "What iss must be in a token" }),
  row("auth", "jwt-audience", {
    kind: text,
    default: undefined,
    help: "What aud must be, or have, in a token",
  }),
  row("auth", "jwt-field", {
    kind: oneOf(TOKEN_FIELDS),
    default: "password",
    help: "Where MQTT clients have their token; over HTTP it is Bearer",
  }),
  row("auth", "hook-url", {
    kind: urlOf({ allowed: "a URL with http or https, without a user in it", isAllowed: () => true }),
    default: undefined,
    help: "A service of yours that is asked who somebody is, by POST",
  }),
  row("auth", "acl-file", {
    kind: path,
    default: undefined,
    help: "What who is let in may do; without it, everything",
  }),
  row("log", "level", {
    kind: oneOf([...LOG_LEVELS, "off"]),
    default: "info",
    help: `What is worth a line in the log: ${LOG_LEVELS.join(", ")}, or off`,
  }),
  ...limitNames().map((limit) =>
    row("limits", kebabCase(limit), { kind: limitKind(limit), default: DEFAULT_LIMITS[limit], help: "" })
  ),
];

export function limitNames(): (keyof Limits)[] {
  return Object.keys(DEFAULT_LIMITS) as (keyof Limits)[];
}

export function featureNames(): (keyof Features)[] {
  return Object.keys(ALL_FEATURES) as (keyof Features)[];
}

/** `inboundQos2Max` as `inbound-qos2-max`. */
export function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

type RowRest = Omit<OptionRow, "name" | "section" | "key">;

function row(section: OptionRow["section"], key: string, rest: RowRest): OptionRow {
  return { name: section ? `${section}-${key}` : key, section, key, ...rest };
}

function limitKind(limit: keyof Limits): OptionKind {
  const unit = limit.includes("Bytes")
    ? Number.MAX_SAFE_INTEGER
    : limit.includes("Seconds")
    ? SECONDS_MAX
    : COUNT_MAX;
  return wholeNumber(OPTIONAL_LIMITS.has(limit) ? 0 : 1, LIMIT_MAXIMA[limit] ?? unit);
}

function wholeNumber(min: number, max: number): OptionKind {
  return {
    allowed: `a whole number from ${min} to ${max}`,
    placeholder: "N",
    fromText: (text) => /^\d+$/.test(text) ? Number(text) : text,
    accept: (value) =>
      typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max
        ? value
        : undefined,
  };
}

function trueOrFalse(): OptionKind {
  const choices = ["true", "false"];
  return {
    allowed: choices.join(" or "),
    placeholder: choices.join("|"),
    choices,
    fromText: (text) => choices.includes(text) ? text === "true" : text,
    accept: (value) => typeof value === "boolean" ? value : undefined,
  };
}

function urlOf(
  { allowed, isAllowed }: { allowed: string; isAllowed: (url: URL) => boolean },
): OptionKind {
  return {
    allowed,
    placeholder: "URL",
    fromText: (text) => text,
    accept: (value) => {
      const url = typeof value === "string" ? URL.parse(value) : null;
      const isHttp = url !== null && /^https?:$/.test(url.protocol) && url.username + url.password === "";
      return isHttp && isAllowed(url) ? value as string : undefined;
    },
  };
}

/** Keys that come over an open line are anybody's. */
function isSafeUrl({ protocol, hostname }: URL): boolean {
  return protocol === "https:" || isLoopback(hostname.replace(/^\[(.*)\]$/, "$1"));
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

function oneOf(choices: readonly string[]): OptionKind {
  return {
    allowed: `one of ${choices.join(", ")}`,
    placeholder: "WORD",
    choices,
    fromText: (text) => text,
    accept: (value) => choices.find((choice) => choice === value),
  };
}

function listOf(
  { allowed, placeholder, isItem }: {
    allowed: string;
    placeholder: string;
    isItem: (item: string) => boolean;
  },
): OptionKind {
  return {
    allowed,
    placeholder,
    fromText: (text) => text.split(",").map((item) => item.trim()).filter((item) => item !== ""),
    accept: (value) =>
      Array.isArray(value) && value.every((item) => typeof item === "string" && isItem(item))
        ? value
        : undefined,
  };
}
