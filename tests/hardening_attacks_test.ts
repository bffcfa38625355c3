// No attack on record is forgotten: each has a test that bears its name.

import { assertEquals } from "@std/assert";
import { ATTACKS } from "./support/attacks.ts";

/** Where the tests are that may bear them. */
const FILES = /^(hardening\w*|frozen_subscriber)_test\.ts$/;

Deno.test("every attack on record is the name of a test", async () => {
  const names = await testNames();
  for (const { what, names: wanted } of ATTACKS) {
    const missing = wanted.filter((name) => !names.some((test) => test.includes(`[${name}]`)));
    assertEquals(missing, [], `${what} has no test`);
  }
});

Deno.test("no test bears the name of an attack that is not on record", async () => {
  const known = new Set(ATTACKS.flatMap(({ names }) => names));
  for (const test of await testNames()) {
    const tags = [...test.matchAll(/\[([^\]]+)\]/g)].map(([, tag]) => tag!);
    assertEquals(tags.filter((tag) => !tag.startsWith("MQTT") && !known.has(tag)), [], test);
  }
});

async function testNames(): Promise<string[]> {
  const names: string[] = [];
  for await (const { name: file } of Deno.readDir(new URL(".", import.meta.url))) {
    if (!FILES.test(file)) continue;
    const text = await Deno.readTextFile(new URL(file, import.meta.url));
    for (const [, name] of text.matchAll(/^ *Deno\.test\(\s*["`](.*?)["`],/gm)) names.push(name!);
  }
  return names;
}
