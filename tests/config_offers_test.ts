import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type OptionSources, printOptions, resolveOptions } from "../broker/config.ts";
import { LISTENER_NAMES } from "../broker/config_schema.ts";
import { ASKS_FOR_CERTIFICATES, EVERYBODY, fileOf, messageOf, saidBy } from "./support/options.ts";

type Flags = NonNullable<OptionSources["flags"]>;

/** Everything is set up, and every listener is open. */
const ALL: Flags = {
  ...ASKS_FOR_CERTIFICATES,
  ...EVERYBODY,
  "auth-certificate-name": "cn",
  "auth-password-file": "u",
  "auth-jwt-keys": "k",
  "auth-hook-url": "http://x/",
  "mqtt-websocket-port": "2",
  "mqtt-websocket-tls-port": "3",
  "mqtt-unix-socket": "/m",
  "http-tls-port": "4",
};

/** The flags with other ones, and without those that are undefined. */
function without(flags: Flags, ...names: string[]): Flags {
  return Object.fromEntries(Object.entries(flags).filter(([name]) => !names.includes(name)));
}

Deno.test("a listener offers what it is told, and all that is set up if it is told nothing", () => {
  assertEquals(resolveOptions({ flags: ALL }).offers, {});
  const flags = {
    ...ALL,
    "mqtt-tls-port-methods": "certificate",
    "mqtt-unix-socket-methods": "anonymous",
    "mqtt-websocket-tls-port-methods": "jwt, scram,password-file",
    "http-port-methods": "anonymous,jwt",
  };
  const options = resolveOptions({ flags });
  assertEquals(options.offers, {
    "mqtt-tls-port": new Set(["certificate"]),
    "mqtt-unix-socket": new Set(["anonymous"]),
    "mqtt-websocket-tls-port": new Set(["jwt", "scram", "password-file"]),
    "http-port": new Set(["anonymous", "jwt"]),
  });
  const printed = printOptions({ flags });
  assertStringIncludes(printed, 'tls-port-methods = ["certificate"] # flag --mqtt-tls-port-methods\n');
  assertEquals(saidBy(resolveOptions(fileOf(printed))), saidBy(options));
});

Deno.test("a word that is none, one twice, and none at all are refused, from a flag, a variable and a file", () => {
  for (const listener of LISTENER_NAMES) {
    const name = `${listener}-methods`;
    const path = name.replace("-", ".");
    for (
      const [text, quoted] of [["", "[]"], ["pasword", '["pasword"]'], ["jwt,jwt", '["jwt","jwt"]']] as const
    ) {
      const says = (source: string) =>
        `Cannot use ${quoted} for ${path} from ${source}: it must be a list of ` +
        "anonymous, certificate, jwt, password-file, hook, scram, each once and at least one";
      assertEquals(messageOf({ flags: { ...ALL, [name]: text } }), says(`flag --${name}`));
      const variable = `PREGON_${name.toUpperCase().replaceAll("-", "_")}`;
      assertEquals(messageOf({ flags: ALL, env: { [variable]: text } }), says(`variable ${variable}`));
      const [section, key] = path.split(".");
      const file = fileOf(`[${section}]\n${key} = ${quoted}`);
      assertEquals(messageOf({ flags: ALL, ...file }), says("file pregon.toml"));
    }
    assertStringIncludes(
      messageOf({ flags: ALL, ...fileOf(`[${path.split(".")[0]}]\n${path.split(".")[1]} = "jwt"`) }),
      `Cannot use "jwt" for ${path} from file pregon.toml: it must be a list`,
    );
  }
});

Deno.test("a method that is not set up cannot be offered, and the message names what would set it up", () => {
  const needs = {
    "certificate": ["auth-certificate-name", "auth.certificate-name"],
    "jwt": ["auth-jwt-keys", "auth.jwt-keys or auth.jwt-secret or auth.jwt-jwks-url"],
    "password-file": ["auth-password-file", "auth.password-file"],
    "scram": ["auth-password-file", "auth.password-file"],
    "hook": ["auth-hook-url", "auth.hook-url"],
  } as const;
  for (const [word, [flag, path]] of Object.entries(needs)) {
    const flags = { ...ALL, "mqtt-tls-port-methods": word };
    resolveOptions({ flags });
    assertEquals(
      messageOf({ flags: without(flags, flag) }),
      `Cannot use ["${word}"] for mqtt.tls-port-methods from flag --mqtt-tls-port-methods: ` +
        `${word} needs ${path}, which is not set`,
    );
  }
});

Deno.test("nobody without a name is let in at a listener where they are not let in at all", () => {
  const said = (value: string) =>
    `Cannot use ${value} for mqtt.unix-socket-methods from flag --mqtt-unix-socket-methods: ` +
    "anonymous needs auth.allow-anonymous = true, and auth.allow-anonymous is false from ";
  const flags = { ...ALL, "mqtt-unix-socket-methods": "anonymous" };
  assertEquals(
    messageOf({ flags: without(flags, "auth-allow-anonymous") }),
    `${said('["anonymous"]')}its default`,
  );
  assertEquals(
    messageOf({
      flags: { ...flags, "auth-allow-anonymous": "false", "mqtt-unix-socket-methods": "jwt,anonymous" },
    }),
    `${said('["jwt","anonymous"]')}flag --auth-allow-anonymous`,
  );
  // Where nothing is set up it is what there is, on this machine.
  resolveOptions({ flags: { "mqtt-port-methods": "anonymous" } });
  assertStringIncludes(
    messageOf({ flags: { "mqtt-port-methods": "anonymous", "host": "0.0.0.0" } }),
    'Cannot use "0.0.0.0" for mqtt.host from flag --host: everybody could come in',
  );
});

// Whoever opens the socket of this machine to everybody must not have opened a port to the world with the same word.
Deno.test("who names anonymous at one listener must say what those offer that other machines reach", () => {
  const flags = { ...ALL, "host": "0.0.0.0" };
  resolveOptions({ flags });
  const named = { ...flags, "mqtt-unix-socket-methods": "anonymous" };
  assertEquals(
    messageOf({ flags: named }),
    'Cannot use ["anonymous"] for mqtt.unix-socket-methods from flag --mqtt-unix-socket-methods: ' +
      'nobody needs a name at mqtt.port either, and mqtt.host is "0.0.0.0" from flag --host; ' +
      "say mqtt.port-methods as well",
  );
  const others = LISTENER_NAMES.filter((name) => name !== "mqtt-unix-socket");
  const all = Object.fromEntries(others.map((name) => [`${name}-methods`, "jwt"]));
  resolveOptions({ flags: { ...named, ...all } });
  for (const name of others) {
    assertStringIncludes(
      messageOf({ flags: without({ ...named, ...all }, `${name}-methods`) }),
      `say ${name.replace("-", ".")}-methods as well`,
    );
  }
  // Only those that others reach; and only if somebody named it.
  resolveOptions({ flags: { ...named, ...all, "http-host": "127.0.0.1", "http-port-methods": "hook" } });
  const local = without({ ...named, ...all, "mqtt-host": "127.0.0.1" }, "host", "mqtt-port-methods");
  resolveOptions({ flags: local });
  // Behind a proxy there are others, wherever it is.
  const proxied = { ...local, "mqtt-proxy-protocol-from": "127.0.0.1" };
  assertStringIncludes(
    messageOf({ flags: proxied }),
    "nobody needs a name at mqtt.port either, and mqtt.proxy-protocol-from is ",
  );
  resolveOptions({ flags: { ...flags, "mqtt-port-methods": "jwt" } });
});

Deno.test("a certificate is offered only where one is asked for, and SCRAM only where MQTT is spoken", () => {
  for (const listener of LISTENER_NAMES) {
    const name = `${listener}-methods`;
    const flags = { ...ALL, [name]: "certificate" };
    if (/mqtt-.*tls-port/.test(listener)) {
      resolveOptions({ flags });
      const off = { ...flags, "mqtt-client-certificates": "off" };
      assertStringIncludes(
        messageOf({ flags: off }),
        'nobody is asked for a certificate: mqtt.client-certificates is "off" from flag --mqtt-client-certificates',
      );
    } else {
      assertEquals(
        messageOf({ flags }),
        `Cannot use ["certificate"] for ${name.replace("-", ".")} from flag --${name}: ` +
          "certificates are shown at mqtt.tls-port and mqtt.websocket-tls-port only",
      );
    }
    const scram = { ...ALL, [name]: "scram" };
    resolveOptions({ flags: scram });
    if (!listener.startsWith("http")) continue;
    assertEquals(
      messageOf({ flags: { ...scram, "http-websocket": "false" } }),
      `Cannot use ["scram"] for ${name.replace("-", ".")} from flag --${name}: ` +
        "scram is a method of MQTT, and http.websocket is false from flag --http-websocket",
    );
  }
});

// Whoever wrote websocket-port-methods and meant websocket-tls-port-methods has left that one open.
Deno.test("a listener that is not open offers nothing", () => {
  for (const listener of LISTENER_NAMES) {
    const name = `${listener}-methods`;
    const path = listener.replace("-", ".");
    const isSocket = listener === "mqtt-unix-socket";
    const flags = without(ALL, listener);
    const off = isSocket ? flags : { ...flags, [listener]: "off" };
    assertEquals(
      messageOf({ flags: { ...off, [name]: "jwt" } }),
      `Cannot use ["jwt"] for ${path}-methods from flag --${name}: ` +
        (isSocket ? `${path} is not set` : `${path} is "off" from flag --${listener}`),
    );
  }
  assert(
    messageOf({ flags: { "auth-jwt-keys": "k", "http-tls-port-methods": "jwt" } }).endsWith(
      'http.tls-port is "off" from its default',
    ),
  );
});
