import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { run } from "../interop/support/tool_process.ts";
import type { HttpContestant } from "./http/http_contestant.ts";
import { httpTable } from "./http/http_report.ts";

const STREAMS = new URL("./streams.ts", import.meta.url).pathname;
const POSTS = new URL("./posts.ts", import.meta.url).pathname;

async function bench(script: string, ...args: readonly string[]) {
  return await run(Deno.execPath(), ["run", "--no-lock", "-A", script, ...args]);
}

function contestant(name: string): HttpContestant {
  return {
    name,
    publishPath: "/",
    streamPath: "/",
    start: () => Promise.reject(new Error("Not to be started")),
  };
}

Deno.test("a short bench of streams loses no event, and says who could not take part", async () => {
  const { code, text, stderr } = await bench(
    STREAMS,
    ...["--streams", "20", "--rounds", "1", "--seconds", "0.2", "--warm-up", "0.1"],
  );
  assertEquals(code, 0, stderr + text);
  assertMatch(text, /^Servers {3}(nginx\/\S+ with nchan|without nchan: .* not installed)/m);
  assertMatch(text, /^20 streams, 1 message under way/m);
  assertMatch(text, /^20 streams, 16 messages under way/m);
  assertEquals(text.match(/^ {2}Pregón +[1-9][\d,]* +1\.00/gm)?.length, 2, text);
  assertEquals(text.match(/^ {2}bare sockets +[1-9]/gm)?.length, 2, text);
});

Deno.test("a table says medians and ratios of the rounds, and what failed", () => {
  const results = [{ rate: 100, brokerCores: 0.5, loadCores: 0.25 }, new Error("It broke")];
  const other = [{ rate: 300, brokerCores: 1, loadCores: 0.5 }, {
    rate: 900,
    brokerCores: 1,
    loadCores: 0.5,
  }];
  const lines = httpTable("Work", [["per second", ({ rate }) => rate]], [
    { contestant: contestant("One"), results },
    { contestant: contestant("Other"), results: other },
  ]).split("\n");
  assertMatch(lines[0]!, /^Work \(per second\) +median +ratio +per core +broker +load$/);
  assertMatch(lines[1]!, /^ {2}One +100 +1\.00 +1\.00 +0\.50 +0\.25$/);
  assertEquals(lines[2], "    ! It broke");
  assertMatch(lines[3]!, /^ {2}Other +600 +3\.00 +1\.50 +1\.00 +0\.50$/);
});

Deno.test("a wrong flag of the benches of HTTP is named and ends them with 2", async () => {
  const wrong: readonly [script: string, args: readonly string[], message: string][] = [
    [STREAMS, ["--streams", "0"], 'Cannot use --streams "0": a number above 0 is needed'],
    [STREAMS, ["--streams", "1.5"], "Cannot use --streams 1.5: a whole number is needed"],
    [POSTS, ["--connections", "many"], 'Cannot use --connections "many"'],
    [POSTS, ["--fast"], "Unknown flag --fast"],
  ];
  for (const [script, args, message] of wrong) {
    const { code, stderr } = await bench(script, ...args);
    assertEquals(code, 2, stderr);
    assertStringIncludes(stderr, message);
  }
});
