import { assertEquals } from "@std/assert";
import { limitNames, OPTION_ROWS } from "../broker/config_schema.ts";
import { kebabCase } from "../broker/core/kebab_case.ts";
import { DEFAULT_LIMITS, type Limits } from "../broker/core/limits.ts";
import { METERED_LIMITS } from "../broker/core/limits_met.ts";
import { COUNTED, figuresOf } from "./support/limits.ts";
import { found } from "./support/found.ts";
import { startBroker } from "./support/start_broker.ts";

const ROOT = new URL("../", import.meta.url);
/** A test's name, up to its first colon or its end. */
const TEST_NAME = /\b(?:Deno\.test|testVersions|testVersionPairs)\(\s*(["`])((?:(?!\1)[^:\\]|\\.)*)(:?)/g;
/** Tags of statements may stand before a name. */
const TAGS = /^(?:\[[^\]]*\] )*/;
/** A limit of a name, with the value that the test gives it: `queueBytesMax of 3 messages`, `hookSeconds 7`. */
const NAMED_LIMIT = /^([a-z]\w+)(?: (?:of )?[\w.${}]+(?: \w+){0,2})?$/;

const limits = limitNames();
const tests = await readTests(new URL("tests/", ROOT));
const tested = testedLimits();

Deno.test("every limit has an option with its default, in the file, as a variable and as a flag", () => {
  const rows = OPTION_ROWS.filter(({ section }) => section === "limits");
  assertEquals(
    Object.fromEntries(rows.map(({ name, default: value }) => [name, value])),
    Object.fromEntries(limits.map((limit) => [`limits-${kebabCase(limit)}`, DEFAULT_LIMITS[limit]])),
  );
});

Deno.test("every limit has a comment of its own, which says what its default is for and what full does", async () => {
  const source = await Deno.readTextFile(new URL("broker/core/limits.ts", ROOT));
  const [, declared = ""] = source.split("export interface Limits {");
  const commented = [...declared.matchAll(/\*\/\n {2}readonly (\w+): number;/g)].map(([, name]) => name);
  assertEquals(limits.filter((limit) => !commented.includes(limit)), []);
});

// What the test does below, at and above the bound is for people to see: `queueMessagesMax 3: of 4 messages 3 wait`.
Deno.test("every limit has a test whose name begins with it and the value that it has there", () => {
  assertEquals(limits.filter((limit) => !tested.has(limit)), [], "Limits without a test");
});

Deno.test("every limit has a counter that $SYS publishes, or nothing in it ever is full", async () => {
  await using test = startBroker({ sysIntervalSeconds: 10 });
  const everybody = { name: "test", can: () => true };
  const messages = found(test.broker.retained.matching(everybody, "$SYS/#"));
  const published = new Set(Array.from(messages, ({ topic }) => topic.replace("$SYS/broker/", "")));
  assertEquals(limits.filter((limit) => figuresOf(limit).some((figure) => !published.has(figure))), []);
  const isCounted = (limit: keyof Limits) => figuresOf(limit).length > 0;
  assertEquals(limits.filter((limit) => isCounted(limit) === "nothing" in COUNTED[limit]), []);
});

Deno.test("of every limit that counts for itself a test sees the count", () => {
  const isSeen = (limit: string) => new RegExp(`limitsMet\\.${limit}\\b`).test(tests);
  assertEquals(METERED_LIMITS.filter((limit) => !isSeen(limit)), []);
});

/** Limits that stand at the beginning of a test's name, before its colon. */
function testedLimits(): ReadonlySet<string> {
  const found = new Set<string>();
  for (const [, , name = "", colon] of tests.matchAll(TEST_NAME)) {
    if (colon === "") continue;
    const parts = name.replace(TAGS, "").split(", ").map((part) => NAMED_LIMIT.exec(part)?.[1]);
    if (!parts.every((part) => limits.some((limit) => limit === part))) continue;
    for (const part of parts) found.add(part!);
  }
  return found;
}

/** All tests of the folder, one behind the other. */
async function readTests(folder: URL): Promise<string> {
  const texts: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    if (entry.isDirectory) texts.push(await readTests(new URL(`${entry.name}/`, folder)));
    else if (entry.name.endsWith("_test.ts")) {
      texts.push(await Deno.readTextFile(new URL(entry.name, folder)));
    }
  }
  return texts.join("\n");
}
