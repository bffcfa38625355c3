import { assertEquals, assertStringIncludes } from "@std/assert";
import { Reloaders } from "../../broker/cli/reload.ts";
import { Log } from "../../broker/core/log.ts";

function start() {
  const lines: string[] = [];
  return { lines, reloaders: new Reloaders(new Log("info", (line) => lines.push(line))) };
}

Deno.test("everything is read again in order, and one that cannot be used stops no other and says why", async () => {
  const { lines, reloaders } = start();
  const calls: string[] = [];
  reloaders.add("first", async () => {
    await Promise.resolve();
    calls.push("first");
  });
  reloaders.add("second", () => {
    throw new Error("Cannot use users, line 2");
  });
  reloaders.add("third", () => void calls.push("third"));
  await reloaders.run();
  assertEquals([calls, lines.length], [["first", "third"], 3]);
  assertStringIncludes(lines[0]!, "info  reloaded name=first");
  assertStringIncludes(lines[1]!, 'error reload-refused name=second error="Cannot use users, line 2"');
  assertStringIncludes(lines[2]!, "info  reloaded name=third");
});

Deno.test("asked for while it runs, however often, everything is read once more afterwards", async () => {
  const { reloaders } = start();
  let started = 0;
  let atOnce = 0;
  const hold = Promise.withResolvers<void>();
  reloaders.add("slow", async () => {
    started++;
    assertEquals(++atOnce, 1, "Two at once");
    await hold.promise;
    atOnce--;
  });
  const first = reloaders.run();
  await Promise.resolve();
  const [second, third] = [reloaders.run(), reloaders.run()];
  assertEquals(started, 1);
  hold.resolve();
  await first;
  await Promise.all([second, third]);
  assertEquals(started, 2);
  await reloaders.run();
  assertEquals(started, 3);
});
