import { assertEquals, assertStringIncludes } from "@std/assert";
import { logWebSockets } from "../broker/cli/start.ts";
import { type OptionSources, printOptions, resolveOptions } from "../broker/config.ts";
import { Log } from "../broker/core/log.ts";
import { EVERYBODY, fileOf, messageOf } from "./support/options.ts";

type Flags = NonNullable<OptionSources["flags"]>;

const BY_OTHERS: readonly Flags[] = [
  { "http-host": "0.0.0.0" },
  { host: "::" },
  { "http-host": "broker.example" },
  { "http-trusted-proxies": "127.0.0.1" },
];
const BY_THIS_MACHINE: readonly Flags[] = [
  {},
  { "http-host": "::1" },
  { "http-host": "localhost" },
  { "mqtt-host": "0.0.0.0" },
];

function portsOf(flags: Flags): string {
  return resolveOptions({ flags: { ...EVERYBODY, ...flags } }).http.websocket;
}

function logOf(flags: Flags): string {
  const lines: string[] = [];
  logWebSockets(
    resolveOptions({ flags: { ...EVERYBODY, ...flags } }),
    new Log("info", (line) => lines.push(line)),
  );
  return lines.join("\n");
}

Deno.test("http.websocket: local is on plain HTTP only where nobody but this machine can come, true everywhere, false nowhere", () => {
  for (
    const [value, others, thisMachine] of [
      [undefined, "https", "all"],
      ["local", "https", "all"],
      ["true", "all", "all"],
      ["false", "none", "none"],
    ] as const
  ) {
    const said: Flags = value === undefined ? {} : { "http-websocket": value };
    for (const flags of BY_OTHERS) assertEquals(portsOf({ ...flags, ...said }), others);
    for (const flags of BY_THIS_MACHINE) assertEquals(portsOf({ ...flags, ...said }), thisMachine);
  }
});

Deno.test("http.websocket is read from a file, printed as it was said, and nothing else", () => {
  for (const value of ['"local"', "true", "false"]) {
    const file = fileOf(`[http]\nwebsocket = ${value}\n`);
    assertStringIncludes(printOptions(file), `\nwebsocket = ${value} # file pregon.toml\n`);
  }
  const printed = printOptions({});
  assertStringIncludes(printed, '\nwebsocket = "local"\n');
  assertEquals(resolveOptions(fileOf(printed)), resolveOptions({}));
  assertEquals(
    messageOf({ flags: { "http-websocket": "locale" } }),
    'Cannot use "locale" for http.websocket from flag --http-websocket: it must be true, false or local',
  );
});

Deno.test("the start says what becomes of WebSockets on plain HTTP that others reach, and nothing where there is nothing to say", () => {
  for (const flags of BY_OTHERS) {
    const withheld = logOf(flags);
    assertStringIncludes(withheld, " info  websocket-not-served ");
    const unbounded = logOf({ ...flags, "http-websocket": "true" });
    assertStringIncludes(unbounded, " warn  websocket-unbounded ");
    for (const line of [withheld, unbounded]) {
      assertStringIncludes(line, "http.tls-port");
      assertStringIncludes(line, "mqtt.websocket-port");
      assertEquals(line.includes("\n"), false);
    }
    assertEquals(logOf({ ...flags, "http-websocket": "false" }), "");
    assertEquals(logOf({ ...flags, "http-port": "off" }), "");
  }
  for (const flags of BY_THIS_MACHINE) {
    for (const value of ["local", "true", "false"]) {
      assertEquals(logOf({ ...flags, "http-websocket": value }), "");
    }
  }
});
