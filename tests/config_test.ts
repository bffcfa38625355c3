import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { ConfigError, type OptionSources, printOptions, resolveOptions } from "../broker/config.ts";
import { featureNames, kebabCase, limitNames, OPTION_ROWS } from "../broker/config_schema.ts";
import { ALL_FEATURES } from "../broker/core/features.ts";
import { DEFAULT_LIMITS } from "../broker/core/limits.ts";

function fileOf(text: string): OptionSources {
  return { file: { name: "pregon.toml", text } };
}

function messageOf(sources: OptionSources): string {
  const { message } = assertThrows(() => resolveOptions(sources), ConfigError);
  assertMatch(message, /^[A-Z][^\n]*[^.\n]$/, "One line, sentence case, no full stop");
  assertThrows(() => printOptions(sources), ConfigError, message);
  return message;
}

Deno.test("without any source everything has its default, on loopback only", () => {
  assertEquals(resolveOptions({}), {
    durability: "disk",
    data: "./data",
    sysIntervalSeconds: 10,
    mqtt: {
      ...{ host: "127.0.0.1", port: 1883, tlsPort: "off", websocketPort: "off", websocketTlsPort: "off" },
      ...{ files: undefined, clientCertificates: "off", proxyProtocolFrom: [] },
      ...{ unixSocket: undefined, unixSocketMode: 0o660 },
    },
    http: {
      ...{ host: "127.0.0.1", port: 8080, tlsPort: "off", files: undefined, websocket: true },
      ...{ trustedProxies: [], allowedHosts: [], allowedOrigins: [] },
    },
    auth: { passwordFile: undefined, allowAnonymous: true },
    log: { level: "info" },
    features: ALL_FEATURES,
    limits: DEFAULT_LIMITS,
  });
});

Deno.test("flags win over variables, variables over the file, the file over defaults", () => {
  const file = { name: "f", text: "[mqtt]\nport = 1\n[http]\nport = 2\n[log]\nlevel = 'warn'" };
  const env = { PREGON_HTTP_PORT: "3", PREGON_LOG_LEVEL: "error", PATH: "/bin" };
  const options = resolveOptions({ file, env, flags: { "log-level": "debug" } });
  assertEquals([options.mqtt.port, options.http.port, options.log.level], [1, 3, "debug"]);
});

Deno.test("host sets both addresses, unless its source sets one of them itself", () => {
  const hosts = (sources: OptionSources) => {
    const { mqtt, http } = resolveOptions(sources);
    return [mqtt.host, http.host];
  };
  assertEquals(hosts({ flags: { host: "0.0.0.0" } }), ["0.0.0.0", "0.0.0.0"]);
  assertEquals(hosts({ flags: { host: "0.0.0.0", "http-host": "::1" } }), ["0.0.0.0", "::1"]);
  assertEquals(hosts({ flags: { host: "0.0.0.0" }, env: { PREGON_HTTP_HOST: "::1" } }), [
    "0.0.0.0",
    "0.0.0.0",
  ]);
  assertEquals(hosts({ flags: { "http-host": "::1" }, env: { PREGON_HOST: "0.0.0.0" } }), ["0.0.0.0", "::1"]);
  assertEquals(hosts(fileOf('host = "::"\n[mqtt]\nhost = "localhost"')), ["localhost", "::"]);
});

/** Options that another one is of no use without. */
const COMPANIONS: Readonly<Record<string, Record<string, string>>> = {
  "mqtt-client-ca": { "mqtt-tls-port": "1", "tls-certificate": "c", "tls-key": "k" },
  "mqtt-client-certificates": {
    "mqtt-tls-port": "1",
    "tls-certificate": "c",
    "tls-key": "k",
    "mqtt-client-ca": "a",
  },
};

/** Where the kind of the option does not say what it takes. */
const TEXTS: Readonly<Record<string, string>> = {
  "http-allowed-hosts": "a.example, b.example",
  "http-allowed-origins": "https://a.example, http://b.example:81",
  "http-trusted-proxies": "10.0.0.0/8, ::1",
  "mqtt-proxy-protocol-from": "10.0.0.0/8, ::1",
  "mqtt-unix-socket-mode": "600",
};

function companionsOf(name: string): Record<string, string> {
  const others = COMPANIONS[name];
  if (others) return others;
  if (name.endsWith("tls-certificate")) return { [name.replace("certificate", "key")]: "k" };
  if (name.endsWith("tls-key")) return { [name.replace("key", "certificate")]: "c" };
  return name.endsWith("tls-port") ? { "tls-certificate": "c", "tls-key": "k" } : {};
}

Deno.test("every option can be set by file, variable and flag alike", () => {
  for (const { name, section, key, kind, default: initial } of OPTION_ROWS) {
    const text = TEXTS[name] ??
      (typeof initial === "number" || typeof initial === "boolean"
        ? String(initial)
        : kind.choices?.at(-1) ?? (kind.accept(true) ? "true" : kind.accept(7) ? "7" : "10.1.2.3"));
    const value = kind.accept(kind.fromText(text))!;
    const toml = `${section ? `[${section}]\n` : ""}${key} = ${JSON.stringify(value)}`;
    const others = companionsOf(name);
    const withOthers = (sources: OptionSources) =>
      resolveOptions({ ...sources, flags: { ...others, ...sources.flags } });
    const byFlag = withOthers({ flags: { [name]: text } });
    const variable = `PREGON_${name.toUpperCase().replaceAll("-", "_")}`;
    assertEquals(withOthers({ env: { [variable]: text } }), byFlag, name);
    assertEquals(withOthers(fileOf(toml)), byFlag, name);
  }
});

Deno.test("with a password file nobody comes in without a name, unless that is said too", () => {
  const auth = (flags: Record<string, string>) => resolveOptions({ flags }).auth;
  assertEquals(auth({}), { passwordFile: undefined, allowAnonymous: true });
  assertEquals(auth({ "auth-password-file": "u" }), { passwordFile: "u", allowAnonymous: false });
  const both = { "auth-password-file": "u", "auth-allow-anonymous": "true" };
  assertEquals(auth(both), { passwordFile: "u", allowAnonymous: true });
  assertEquals(resolveOptions(fileOf(printOptions({ flags: both }))).auth, auth(both));
  assertStringIncludes(printOptions({ flags: { "auth-password-file": "u" } }), "allow-anonymous = false\n");
  assertEquals(printOptions({}).includes("password-file"), false);
});

// A variable that the shell did not find must not open the door.
Deno.test("an empty name of a password file is refused, and so is a door that nobody could enter", () => {
  assertEquals(
    messageOf({ env: { PREGON_AUTH_PASSWORD_FILE: "" } }),
    'Cannot use "" for auth.password-file from variable PREGON_AUTH_PASSWORD_FILE: it must be the path of a file or folder',
  );
  assertEquals(
    messageOf(fileOf("[auth]\nallow-anonymous = false")),
    "Cannot use false for auth.allow-anonymous from file pregon.toml: without auth.password-file nobody could come in",
  );
  assertEquals(
    messageOf({ flags: { "auth-allow-anonymous": "no" } }),
    'Cannot use "no" for auth.allow-anonymous from flag --auth-allow-anonymous: it must be true or false',
  );
});

Deno.test("the limits are all there, under their names in kebab case", () => {
  assertEquals(kebabCase("inboundQos2Max"), "inbound-qos2-max");
  const rows = OPTION_ROWS.filter((row) => row.section === "limits");
  assertEquals(rows.map((row) => row.key), limitNames().map(kebabCase));
  assertEquals(resolveOptions({ env: { PREGON_LIMITS_INBOUND_QOS2_MAX: "7" } }).limits.inboundQos2Max, 7);
});

Deno.test("the features are all there, in the section of MQTT", () => {
  for (const feature of featureNames()) {
    assertEquals(OPTION_ROWS.filter(({ name }) => name === `mqtt-${kebabCase(feature)}`).length, 1, feature);
  }
  const text = `[mqtt]
maximum-qos = 1
retain-available = false
wildcard-subscriptions-available = false
subscription-identifiers-available = false
shared-subscriptions-available = false
keep-alive-seconds-max = 300
check-payload-format = true
response-information = "reply/%c"
`;
  const { features } = resolveOptions(fileOf(text));
  assertEquals(features, {
    maximumQos: 1,
    retainAvailable: false,
    wildcardSubscriptionsAvailable: false,
    subscriptionIdentifiersAvailable: false,
    sharedSubscriptionsAvailable: false,
    keepAliveSecondsMax: 300,
    checkPayloadFormat: true,
    responseInformation: "reply/%c",
  });
  for (const line of text.trim().split("\n").slice(1)) {
    assertStringIncludes(printOptions(fileOf(text)), `\n${line} # file pregon.toml\n`);
  }
});

Deno.test("a feature is true or false in so many words, and response information a topic that one may publish to", () => {
  const { features } = resolveOptions({ env: { PREGON_MQTT_RETAIN_AVAILABLE: "false" } });
  assertEquals(features.retainAvailable, false);
  assertEquals(
    messageOf({ flags: { "mqtt-retain-available": "flase" } }),
    'Cannot use "flase" for mqtt.retain-available from flag --mqtt-retain-available: it must be true or false; ' +
      "did you mean false?",
  );
  for (const value of ['"true"', "0", "[]"]) messageOf(fileOf(`[mqtt]\nretain-available = ${value}`));
  for (const topic of ["reply/+", "#", "$reply", "a\0b", "/".repeat(200)]) {
    assertStringIncludes(
      messageOf({ flags: { "mqtt-response-information": topic } }),
      "a topic without wildcards",
    );
  }
  messageOf({ flags: { "mqtt-maximum-qos": "3" } });
  messageOf({ flags: { "mqtt-keep-alive-seconds-max": "65536" } });
});

Deno.test("what nobody knows is refused with what may have been meant", () => {
  assertEquals(
    messageOf({ flags: { "mqtt-prot": "1" } }),
    "Unknown flag --mqtt-prot: did you mean --mqtt-port?",
  );
  assertEquals(
    messageOf({ env: { PREGON_MQTT_PROT: "1" } }),
    "Unknown variable PREGON_MQTT_PROT: did you mean PREGON_MQTT_PORT?",
  );
  assertEquals(
    messageOf(fileOf("[mqtt]\nprot = 1")),
    "Unknown key mqtt.prot in pregon.toml: did you mean mqtt.port?",
  );
  assertStringIncludes(
    messageOf(fileOf("[limit]\noutbox-bytes-max = 1")),
    "Unknown key limit in pregon.toml",
  );
  assertStringIncludes(messageOf(fileOf("[empty]")), "Unknown key empty in pregon.toml");
  assertStringIncludes(
    messageOf(fileOf("[limits]\noutboxBytesMax = 1")),
    "did you mean limits.outbox-bytes-max?",
  );
});

Deno.test("a section with a slip, a key outside its section and a section that is none each say so", () => {
  assertEquals(
    messageOf(fileOf("[mqt]\nport = 1")),
    "Unknown key mqt in pregon.toml: did you mean the section [mqtt]?",
  );
  assertEquals(
    messageOf(fileOf("port = 1")),
    "Unknown key port in pregon.toml: did you mean port in the section [mqtt] or [http]?",
  );
  assertEquals(
    messageOf(fileOf("[log]\nport = 1")),
    "Unknown key log.port in pregon.toml: did you mean port in the section [mqtt] or [http]?",
  );
  assertEquals(
    messageOf(fileOf("mqtt = 5")),
    "Cannot use 5 for mqtt from file pregon.toml: it must be a section, [mqtt] with its keys below",
  );
  assertEquals(
    messageOf(fileOf("sys-interval-second = 5")),
    "Unknown key sys-interval-second in pregon.toml: did you mean sys-interval-seconds?",
  );
});

Deno.test("a bad value is refused with its key, its source and what is allowed", () => {
  assertEquals(
    messageOf({ flags: { "mqtt-port": "65536" } }),
    "Cannot use 65536 for mqtt.port from flag --mqtt-port: it must be a whole number from 0 to 65535, or off",
  );
  assertEquals(
    messageOf({ env: { PREGON_MQTT_PORT: "" } }),
    'Cannot use "" for mqtt.port from variable PREGON_MQTT_PORT: it must be a whole number from 0 to 65535, or off',
  );
  assertEquals(
    messageOf(fileOf('[mqtt]\nport = "1883"')),
    'Cannot use "1883" for mqtt.port from file pregon.toml: it must be a whole number from 0 to 65535, or off',
  );
  assertEquals(
    messageOf({ flags: { "log-level": "wran" } }),
    'Cannot use "wran" for log.level from flag --log-level: it must be one of debug, info, warn, error, off; ' +
      "did you mean warn?",
  );
  assertStringIncludes(messageOf({ flags: { host: "a b" } }), 'Cannot use "a b" for host from flag --host');
  assertStringIncludes(messageOf({ flags: { "http-allowed-origins": "example.com" } }), "such as https://");
  assertStringIncludes(
    messageOf(fileOf("[http]\nallowed-hosts = [1]")),
    "Cannot use [1] for http.allowed-hosts",
  );
  assertStringIncludes(messageOf(fileOf("[log]\nlevel = { a = 1 }")), "log.level from file");
  assertStringIncludes(messageOf({ flags: { host: "x y".repeat(1000) } }), "…");
});

Deno.test("a bad value is refused even where another source wins", () => {
  assertStringIncludes(
    messageOf({ flags: { "mqtt-port": "1" }, env: { PREGON_MQTT_PORT: "x" } }),
    "PREGON_MQTT_PORT",
  );
});

Deno.test("a file that is not TOML is refused with its name, in one line", () => {
  assertMatch(messageOf(fileOf("port = \nb")), /^Cannot read pregon\.toml as TOML: .*line 2/);
});

Deno.test("no odd number ever becomes a limit", () => {
  const texts = [
    "0",
    "-1",
    "1.5",
    "x",
    "1e99",
    "NaN",
    "Infinity",
    "",
    " 5",
    "0x10",
    "9007199254740992",
    "١",
    "5 ",
  ];
  const toml = [
    "0",
    "-1",
    "1.5",
    "'x'",
    "1e99",
    "nan",
    "inf",
    "-inf",
    "true",
    "[1]",
    "{ a = 1 }",
    "1979-05-27",
  ];
  for (const limit of limitNames()) {
    if (limit === "connectionsPerAddressMax") continue; // It may be 0, for none.
    const key = kebabCase(limit);
    for (const text of texts) messageOf({ flags: { [`limits-${key}`]: text } });
    for (const value of toml) messageOf(fileOf(`[limits]\n${key} = ${value}`));
  }
});

Deno.test("a limit holds at both ends of what it may be", () => {
  const limits = (key: string, text: string) => resolveOptions({ flags: { [`limits-${key}`]: text } }).limits;
  assertEquals(limits("inflight-max", "1").inflightMax, 1);
  assertEquals(limits("inflight-max", "65535").inflightMax, 65_535);
  messageOf({ flags: { "limits-inflight-max": "65536" } });
  assertEquals(limits("packet-bytes-max", "268435460").packetBytesMax, 268_435_460);
  messageOf({ flags: { "limits-packet-bytes-max": "268435461" } });
  assertEquals(limits("stall-seconds", "2147483647").stallSeconds, 2_147_483_647);
  messageOf({ flags: { "limits-stall-seconds": "2147483648" } });
  messageOf({ flags: { "limits-sessions-max": "16777217" } });
});

Deno.test("a least above its most is refused, naming both", () => {
  const flags = { "limits-read-buffer-bytes-min": "2048", "limits-read-buffer-bytes-max": "2047" };
  assertEquals(
    messageOf({ flags }),
    "Cannot use 2048 for limits.read-buffer-bytes-min from flag --limits-read-buffer-bytes-min: " +
      "it must be at most limits.read-buffer-bytes-max, which is 2047 from flag --limits-read-buffer-bytes-max",
  );
  assertEquals(
    resolveOptions({ flags: { ...flags, "limits-read-buffer-bytes-max": "2048" } }).limits.readBufferBytesMin,
    2048,
  );
  assertStringIncludes(messageOf({ flags: { "limits-outbox-total-bytes-max": "1" } }), "from its default");
});

Deno.test("printed options are the same options when they are loaded", () => {
  const sources = {
    flags: {
      host: "::",
      "http-allowed-hosts": "a.example,b.example",
      "http-allowed-origins": "https://a.example",
    },
    env: { PREGON_LIMITS_STREAMS_MAX: "3", PREGON_MQTT_CHECK_PAYLOAD_FORMAT: "true" },
    ...fileOf("sys-interval-seconds = 0"),
  };
  const text = printOptions(sources);
  assertEquals(resolveOptions(fileOf(text)), resolveOptions(sources));
  assertStringIncludes(text, 'host = "::" # flag --host\n');
  assertStringIncludes(text, "streams-max = 3 # variable PREGON_LIMITS_STREAMS_MAX\n");
  assertStringIncludes(text, "sys-interval-seconds = 0 # file pregon.toml\n");
  assertStringIncludes(text, "\nport = 1883\n");
});
