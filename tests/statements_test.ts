import { assertEquals } from "@std/assert";
import { CLIENT_STATEMENTS, NOT_APPLICABLE, STATEMENTS } from "./support/statements.ts";

const ROOT = new URL("../", import.meta.url);
const TAG = /\[(MQTT-\d+\.\d+\.\d+-\d+)\]/g;

Deno.test("every statement of MQTT 3.1.1 that binds a server has its tag in the code", async () => {
  const tags = await tagsIn(new URL("broker/", ROOT), ".ts");
  assertEquals(
    STATEMENTS.filter((statement) => !tags.has(statement)),
    [],
    "Statements without a tag in broker/",
  );
});

Deno.test("every statement of MQTT 3.1.1 that binds a server has a test", async () => {
  const tags = await tagsIn(new URL("tests/", ROOT), "_test.ts");
  assertEquals(
    STATEMENTS.filter((statement) => !tags.has(statement)),
    [],
    "Statements without a tag in tests/",
  );
});

Deno.test("every tag is one of a statement that we know", async () => {
  const tags = [
    ...await tagsIn(new URL("broker/", ROOT), ".ts"),
    ...await tagsIn(new URL("tests/", ROOT), "_test.ts"),
  ];
  const known = new Set([...STATEMENTS, ...CLIENT_STATEMENTS, ...Object.keys(NOT_APPLICABLE)]);
  assertEquals(tags.filter((tag) => !known.has(tag)), []);
});

Deno.test("no statement is both kept and not applicable, and none is listed twice", () => {
  assertEquals(STATEMENTS.filter((statement) => statement in NOT_APPLICABLE), []);
  assertEquals(new Set(STATEMENTS).size, STATEMENTS.length);
});

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
