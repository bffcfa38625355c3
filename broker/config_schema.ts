import {
  address,
  fileMode,
  hosts,
  isSafeUrl,
  listOf,
  LOCAL,
  networks,
  OFF,
  oneOf,
  type OptionKind,
  type OptionValue,
  origins,
  path,
  portOrOff,
  secretOf,
  someOf,
  text,
  topicPrefix,
  urlOf,
  wholeNumber,
  yesNoOrLocal,
  yesOrNo,
} from "./config_kinds.ts";
import {
  CERTIFICATE,
  CERTIFICATE_NAMES,
  METHOD_NAMES,
  OFFER_WORDS,
  TOKEN_FIELDS,
} from "./auth/method_names.ts";
import { SECRET_BYTES_MIN, TOKEN_ALGORITHMS } from "./auth/token_algorithms.ts";
import { ALL_FEATURES, type Features } from "./core/features.ts";
import { kebabCase } from "./core/kebab_case.ts";
import { DEFAULT_LIMITS, type Limits } from "./core/limits.ts";
import { LOG_LEVELS } from "./core/log.ts";

/**
 * One option: it is `[section] key` in the file, `--section-key` as a flag unless it is a secret, `PREGON_SECTION_KEY` as a
 * variable.
 */
export interface OptionRow {
  readonly name: string;
  readonly section: "" | "tls" | "mqtt" | "http" | "auth" | "log" | "limits";
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
  /** What the source says it by, `tls.key` for `mqtt.tls-key`; undefined for a default. */
  readonly key?: string;
}

/** An option that cannot be used; the message says which, from where, and what is allowed, in one line. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** The options that open a listener; each has one beside it, with `-methods`, for what it offers. */
export const LISTENER_NAMES = [
  "mqtt-port",
  "mqtt-tls-port",
  "mqtt-websocket-port",
  "mqtt-websocket-tls-port",
  "mqtt-unix-socket",
  "http-port",
  "http-tls-port",
] as const;
export type ListenerName = (typeof LISTENER_NAMES)[number];
/** Where clients may be asked for a certificate. */
export const CERTIFICATE_LISTENERS: readonly ListenerName[] = ["mqtt-tls-port", "mqtt-websocket-tls-port"];

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
  "connectionsPerAddressMax",
  "connectionsPerIdentityMax",
  "publishRateMax",
  "publishBytesRateMax",
  "memoryBytesMax",
]);

/** What each feature takes, and what the help says of it. */
const FEATURES: Readonly<Record<keyof Features, { readonly kind: OptionKind; readonly help: string }>> = {
  maximumQos: {
    kind: wholeNumber(0, 2),
    help: "Highest QoS; a publish above it is refused, a subscription is granted this",
  },
  retainAvailable: { kind: yesOrNo, help: "Whether messages are retained" },
  wildcardSubscriptionsAvailable: { kind: yesOrNo, help: "Whether filters may have + and #" },
  subscriptionIdentifiersAvailable: {
    kind: yesOrNo,
    help: "Whether subscriptions may have an identifier (MQTT 5.0)",
  },
  sharedSubscriptionsAvailable: { kind: yesOrNo, help: "Whether there is $share/group/filter" },
  keepAliveSecondsMax: {
    kind: wholeNumber(0, 65_535),
    help: "Longest keep-alive, also of a client that wants none; 0 for no such bound",
  },
  checkPayloadFormat: {
    kind: yesOrNo,
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
  row("tls", "certificate", {
    kind: path,
    default: undefined,
    help: "Certificate for MQTT and HTTP alike, in PEM, with those of its issuers",
  }),
  row("tls", "key", { kind: path, default: undefined, help: "Its private key, in PEM" }),
  row("mqtt", "host", { kind: address, default: "127.0.0.1", setBy: "host", help: "Address for MQTT" }),
  row("mqtt", "port", {
    kind: portOrOff,
    default: 1883,
    short: "p",
    help: "Port for MQTT; 0 takes a free one",
  }),
  row("mqtt", "tls-port", { kind: portOrOff, default: OFF, help: "Port for MQTT over TLS, usually 8883" }),
  row("mqtt", "websocket-port", { kind: portOrOff, default: OFF, help: "Port for MQTT over WebSocket" }),
  row("mqtt", "websocket-tls-port", {
    kind: portOrOff,
    default: OFF,
    help: "Port for MQTT over WebSocket over TLS",
  }),
  row("mqtt", "tls-certificate", {
    kind: path,
    default: undefined,
    setBy: "tls-certificate",
    help: "Certificate for MQTT, if it has one of its own",
  }),
  row("mqtt", "tls-key", {
    kind: path,
    default: undefined,
    setBy: "tls-key",
    help: "Private key for MQTT, if it has one of its own",
  }),
  row("mqtt", "client-ca", {
    kind: path,
    default: undefined,
    help: "Issuers of the certificates that MQTT clients show, in PEM",
  }),
  row("mqtt", "client-certificates", {
    kind: oneOf([OFF, "request", "require"]),
    default: undefined,
    help: "Whether MQTT clients may or must show a certificate; require if there is a client-ca",
  }),
  row("mqtt", "unix-socket", {
    kind: path,
    default: undefined,
    help: "Socket in the file system for MQTT from this machine",
  }),
  row("mqtt", "unix-socket-mode", {
    kind: fileMode,
    default: "660",
    help: "Who may connect to it, as chmod says it",
  }),
  row("mqtt", "proxy-protocol-from", {
    kind: networks,
    default: [],
    help: "Proxies before MQTT's ports that say by the PROXY protocol who connects; others are refused then",
  }),
  ...methodRows("mqtt"),
  ...featureNames().map((feature) =>
    row("mqtt", kebabCase(feature), { ...FEATURES[feature], default: ALL_FEATURES[feature] })
  ),
  row("http", "host", { kind: address, default: "127.0.0.1", setBy: "host", help: "Address for HTTP" }),
  row("http", "port", {
    kind: portOrOff,
    default: 8080,
    help: "Port for HTTP; 0 takes a free one",
  }),
  row("http", "tls-port", { kind: portOrOff, default: OFF, help: "Port for HTTPS, usually 8443" }),
  row("http", "tls-certificate", {
    kind: path,
    default: undefined,
    setBy: "tls-certificate",
    help: "Certificate for HTTPS, if it has one of its own",
  }),
  row("http", "tls-key", {
    kind: path,
    default: undefined,
    setBy: "tls-key",
    help: "Private key for HTTPS, if it has one of its own",
  }),
  row("http", "direct", {
    kind: yesNoOrLocal,
    default: LOCAL,
    help:
      "Plain HTTP without a bound for connections, at twice the rate; local: while no other machine reaches it",
  }),
  row("http", "websocket", { kind: yesOrNo, default: true, help: "MQTT over WebSocket on /mqtt" }),
  ...methodRows("http"),
  row("http", "trusted-proxies", {
    kind: networks,
    default: [],
    help: "Proxies before HTTP whose X-Forwarded-For and X-Forwarded-Proto count",
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
    help: `Order in which those who are set up are asked; the first that is shown something decides (${
      METHOD_NAMES.join(",")
    })`,
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
  row("auth", "jwt-secret", {
    kind: secretOf(SECRET_BYTES_MIN),
    default: undefined,
    help: "Secret that tokens are signed with (HS256 to HS512), as it stands, in the place of a file",
  }),
  row("auth", "jwt-jwks-url", {
    kind: urlOf({
      allowed: "a URL with https, or with http on this machine, without a user in it",
      isAllowed: isSafeUrl,
    }),
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
    help: "What who is let in may do",
  }),
  row("auth", "allow-everything", {
    kind: yesOrNo,
    default: undefined,
    help: "Without that file, let them do everything; true until one of the methods is set up",
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

type RowRest = Omit<OptionRow, "name" | "section" | "key">;

function row(section: OptionRow["section"], key: string, rest: RowRest): OptionRow {
  return { name: section ? `${section}-${key}` : key, section, key, ...rest };
}

function methodRows(section: "mqtt" | "http"): OptionRow[] {
  return LISTENER_NAMES.filter((name) => name.startsWith(`${section}-`)).map((name) => {
    const key = name.slice(section.length + 1);
    const words = OFFER_WORDS.filter((word) => word !== CERTIFICATE || CERTIFICATE_LISTENERS.includes(name));
    const help = `Ways in at ${section}.${key}, of ${words.join(",")}; all that are set up if not given`;
    return row(section, `${key}-methods`, { kind: someOf(OFFER_WORDS), default: undefined, help });
  });
}

function limitKind(limit: keyof Limits): OptionKind {
  const unit = limit.includes("Bytes")
    ? Number.MAX_SAFE_INTEGER
    : limit.includes("Seconds")
    ? SECONDS_MAX
    : COUNT_MAX;
  return wholeNumber(OPTIONAL_LIMITS.has(limit) ? 0 : 1, LIMIT_MAXIMA[limit] ?? unit);
}
