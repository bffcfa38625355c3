import { assertEquals, assertStringIncludes } from "@std/assert";
import { warnOfDirect } from "../broker/cli/start.ts";
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

function isDirect(flags: Flags): boolean {
  return resolveOptions({ flags: { ...EVERYBODY, ...flags } }).http.isDirect;
}

function logOf(flags: Flags): string {
  const lines: string[] = [];
  warnOfDirect(
    resolveOptions({ flags: { ...EVERYBODY, ...flags } }),
    new Log("info", (line) => lines.push(line)),
  );
  return lines.join("\n");
}

Deno.test("http.direct: local is so only where nobody but this machine can come, true everywhere, false nowhere", () => {
  for (
    const [value, others, thisMachine] of [
      [undefined, false, true],
      ["local", false, true],
      ["true", true, true],
      ["false", false, false],
    ] as const
  ) {
    const said: Flags = value === undefined ? {} : { "http-direct": value };
    for (const flags of BY_OTHERS) assertEquals(isDirect({ ...flags, ...said }), others);
    for (const flags of BY_THIS_MACHINE) assertEquals(isDirect({ ...flags, ...said }), thisMachine);
  }
});

Deno.test("http.direct is read from a file, printed as it was said, and nothing else", () => {
  for (const value of ['"local"', "true", "false"]) {
    const file = fileOf(`[http]\ndirect = ${value}\n`);
    assertStringIncludes(printOptions(file), `\ndirect = ${value} # file pregon.toml\n`);
  }
  const printed = printOptions({});
  assertStringIncludes(printed, '\ndirect = "local"\n');
  assertEquals(resolveOptions(fileOf(printed)), resolveOptions({}));
  assertEquals(
    messageOf({ flags: { "http-direct": "locale" } }),
    'Cannot use "locale" for http.direct from flag --http-direct: it must be true, false or local',
  );
});

Deno.test("the start warns of direct HTTP that others reach, in one line, and of nothing else", () => {
  for (const flags of BY_OTHERS) {
    const line = logOf({ ...flags, "http-direct": "true" });
    for (
      const words of [" warn  http-unbounded ", "descriptors", "fragments of a message", "http.tls-port"]
    ) {
      assertStringIncludes(line, words);
    }
    assertEquals(line.includes("\n"), false);
    const withoutWebSocket = logOf({ ...flags, "http-direct": "true", "http-websocket": "false" });
    assertEquals(withoutWebSocket.includes("fragments"), false);
    assertEquals(logOf(flags), "");
    assertEquals(logOf({ ...flags, "http-direct": "true", "http-port": "off" }), "");
  }
  for (const flags of BY_THIS_MACHINE) assertEquals(logOf({ ...flags, "http-direct": "true" }), "");
});
