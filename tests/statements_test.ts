import { assertEquals } from "@std/assert";
import { type Standard, STANDARDS } from "./support/statements.ts";

const ROOT = new URL("../", import.meta.url);
const TAG = /\[(MQTT5?-\d+\.\d+\.\d+-\d+)\]/g;
const CHAPTER = /^MQTT5?-(\d+)/;

const inCode = await tagsIn(new URL("broker/", ROOT), ".ts");
const inTests = await tagsIn(new URL("tests/", ROOT), "_test.ts");

/** The statements that a standard has in any list. */
function allOf({ kept, clientOnly, notApplicable }: Standard): string[] {
  return [...kept, ...clientOnly, ...Object.keys(notApplicable)];
}

for (const standard of STANDARDS) {
  const { name, kept } = standard;

  Deno.test(`every statement of ${name} that binds a server has its tag in the code`, () => {
    assertEquals(kept.filter((tag) => !inCode.has(tag)), [], "Statements without a tag in broker/");
  });

  Deno.test(`every statement of ${name} that binds a server has a test`, () => {
    assertEquals(kept.filter((tag) => !inTests.has(tag)), [], "Statements without a tag in tests/");
  });

  Deno.test(`no statement of ${name} is in two lists, or twice in one`, () => {
    const all = allOf(standard);
    assertEquals(all.filter((tag, index) => all.indexOf(tag) !== index), []);
    console.log(report(standard));
  });
}

Deno.test("all 141 statements of MQTT 3.1.1 and all 251 of MQTT 5.0 are accounted for", () => {
  assertEquals(STANDARDS.map((standard) => allOf(standard).length), [141, 251]);
});

Deno.test("every tag is one of a statement that we know", () => {
  const known = new Set(STANDARDS.flatMap(allOf));
  assertEquals([...inCode, ...inTests].filter((tag) => !known.has(tag)), []);
});

/** How many statements there are of each kind, by chapter of the standard. */
function report(standard: Standard): string {
  const { name, clientOnly, notApplicable } = standard;
  const columns: readonly (readonly [title: string, has: (tag: string) => boolean])[] = [
    ["statements", () => true],
    ["tagged in code", (tag) => inCode.has(tag)],
    ["tested", (tag) => inTests.has(tag)],
    ["client only", (tag) => clientOnly.includes(tag)],
    ["not applicable", (tag) => tag in notApplicable],
  ];
  const row = (title: string, tags: readonly string[]) => {
    const counts = columns.map(([column, has]) => `${tags.filter(has).length}`.padStart(column.length));
    return [title.padEnd(12), ...counts].join("  ");
  };
  const all = allOf(standard);
  const chapters = Map.groupBy(all, (tag) => CHAPTER.exec(tag)![1]!);
  return [
    [name.padEnd(12), ...columns.map(([title]) => title)].join("  "),
    ...[...chapters].sort().map(([chapter, tags]) => row(`chapter ${chapter}`, tags)),
    row("all", all),
  ].join("\n");
}

async function tagsIn(folder: URL, ending: string): Promise<Set<string>> {
  const tags = new Set<string>();
  for await (const entry of Deno.readDir(folder)) {
    if (entry.isDirectory) {
      for (const tag of await tagsIn(new URL(`${entry.name}/`, folder), ending)) tags.add(tag);
    } else if (entry.name.endsWith(ending)) {
      const text = await Deno.readTextFile(new URL(entry.name, folder));
      for (const [, tag] of text.matchAll(TAG)) tags.add(tag!);
    }
  }
  return tags;
}
