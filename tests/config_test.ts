import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type OptionSources, printOptions, resolveOptions } from "../broker/config.ts";
import { featureNames, limitNames, OPTION_ROWS, OPTIONAL_LIMITS } from "../broker/config_schema.ts";
import { kebabCase } from "../broker/core/kebab_case.ts";
import { ALL_FEATURES } from "../broker/core/features.ts";
import { DEFAULT_LIMITS } from "../broker/core/limits.ts";
import { ASKS_FOR_CERTIFICATES, EVERYBODY, fileOf, messageOf, NOBODY_NAMED } from "./support/options.ts";

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
      ...{ host: "127.0.0.1", port: 8080, tlsPort: "off", files: undefined },
      ...{ isDirect: true, hasWebSocket: true },
      ...{ trustedProxies: [], allowedHosts: [], allowedOrigins: [] },
    },
    auth: NOBODY_NAMED,
    offers: {},
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
  assertEquals(hosts({ flags: { ...EVERYBODY, host: "0.0.0.0" } }), ["0.0.0.0", "0.0.0.0"]);
  assertEquals(hosts({ flags: { ...EVERYBODY, host: "0.0.0.0", "http-host": "::1" } }), ["0.0.0.0", "::1"]);
  assertEquals(hosts({ flags: { ...EVERYBODY, host: "0.0.0.0" }, env: { PREGON_HTTP_HOST: "::1" } }), [
    "0.0.0.0",
    "0.0.0.0",
  ]);
  assertEquals(hosts({ flags: { ...EVERYBODY, "http-host": "::1" }, env: { PREGON_HOST: "0.0.0.0" } }), [
    "0.0.0.0",
    "::1",
  ]);
  assertEquals(hosts(fileOf('host = "::"\n[mqtt]\nhost = "localhost"\n[auth]\nallow-anonymous = true')), [
    "localhost",
    "::",
  ]);
});

const TLS_FILES = { "tls-certificate": "c", "tls-key": "k" };

/** What some options take, and others that they need beside them; most take what their default looks like. */
const SAMPLES: Readonly<Record<string, readonly [text: string, flags?: Record<string, string>]>> = {
  "http-allowed-hosts": ["a.example, b.example"],
  "http-allowed-origins": ["https://a.example, http://b.example:81"],
  "http-trusted-proxies": ["10.0.0.0/8, ::1"],
  "http-tls-port": ["7", TLS_FILES],
  "http-tls-certificate": ["c", { "http-tls-key": "k" }],
  "http-tls-key": ["k", { "http-tls-certificate": "c" }],
  "mqtt-tls-port": ["7", TLS_FILES],
  "mqtt-tls-certificate": ["c", { "mqtt-tls-key": "k" }],
  "mqtt-tls-key": ["k", { "mqtt-tls-certificate": "c" }],
  "mqtt-websocket-port": ["7"],
  "mqtt-websocket-tls-port": ["7", TLS_FILES],
  "mqtt-client-ca": ["a", { ...TLS_FILES, "mqtt-tls-port": "1" }],
  "mqtt-client-certificates": ["require", ASKS_FOR_CERTIFICATES],
  "mqtt-proxy-protocol-from": ["10.0.0.0/8, ::1"],
  "mqtt-unix-socket-mode": ["600"],
  "mqtt-port-methods": ["anonymous", EVERYBODY],
  "mqtt-tls-port-methods": ["certificate, jwt", {
    ...ASKS_FOR_CERTIFICATES,
    ...{ "auth-certificate-name": "cn", "auth-jwt-keys": "k" },
  }],
  "mqtt-websocket-port-methods": ["hook", { "mqtt-websocket-port": "7", "auth-hook-url": "https://x/" }],
  "mqtt-websocket-tls-port-methods": ["scram, password-file", {
    ...TLS_FILES,
    ...{ "mqtt-websocket-tls-port": "7", "auth-password-file": "u" },
  }],
  "mqtt-unix-socket-methods": ["anonymous", { "mqtt-unix-socket": "/m", ...EVERYBODY }],
  "http-port-methods": ["jwt", { "auth-jwt-keys": "k" }],
  "http-tls-port-methods": ["password-file", {
    ...TLS_FILES,
    ...{ "http-tls-port": "7", "auth-password-file": "u" },
  }],
  "tls-certificate": ["c", { "tls-key": "k" }],
  "tls-key": ["k", { "tls-certificate": "c" }],
  "auth-methods": ["hook", { "auth-hook-url": "https://x/" }],
  "auth-allow-anonymous": ["true"],
  "auth-allow-everything": ["true"],
  "auth-certificate-name": ["san", ASKS_FOR_CERTIFICATES],
  "auth-jwt-secret": ["a secret of at least 32 bytes, é "],
  "auth-jwt-jwks-url": ["https://x/"],
  "auth-jwt-algorithms": ["ES256, RS256", { "auth-jwt-keys": "k" }],
  "auth-jwt-issuer": ["i", { "auth-jwt-keys": "k" }],
  "auth-jwt-audience": ["a", { "auth-jwt-keys": "k" }],
  "auth-hook-url": ["http://192.0.2.1/auth"],
};

Deno.test("every option can be set by file, variable and, if it is no secret, flag alike", () => {
  for (const { name, section, key, kind, default: initial } of OPTION_ROWS) {
    const usual = typeof initial === "number" || typeof initial === "boolean"
      ? String(initial)
      : kind.choices?.at(-1) ?? (kind.accept(true) ? "true" : "10.1.2.3");
    const [text, others = name.startsWith("auth-") ? {} : EVERYBODY] = SAMPLES[name] ?? [usual];
    const value = kind.accept(kind.fromText(text))!;
    const toml = `${section ? `[${section}]\n` : ""}${key} = ${JSON.stringify(value)}`;
    const byFile = resolveOptions({ flags: others, ...fileOf(toml) });
    const variable = `PREGON_${name.toUpperCase().replaceAll("-", "_")}`;
    assertEquals(resolveOptions({ flags: others, env: { [variable]: text } }), byFile, name);
    if (kind.isSecret) continue;
    assertEquals(resolveOptions({ flags: { ...others, [name]: text } }), byFile, name);
  }
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
    'Cannot use "flase" for mqtt.retain-available from flag --mqtt-retain-available: it must be true or false',
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
    const key = kebabCase(limit);
    const isOdd = (value: string) => value !== "0" || !OPTIONAL_LIMITS.has(limit);
    for (const text of texts.filter(isOdd)) messageOf({ flags: { [`limits-${key}`]: text } });
    for (const value of toml.filter(isOdd)) messageOf(fileOf(`[limits]\n${key} = ${value}`));
  }
});

Deno.test("a limit holds at both ends of what it may be", () => {
  const limits = (key: string, text: string) => resolveOptions({ flags: { [`limits-${key}`]: text } }).limits;
  for (const limit of OPTIONAL_LIMITS) assertEquals(limits(kebabCase(limit), "0")[limit], 0);
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
      ...EVERYBODY,
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
