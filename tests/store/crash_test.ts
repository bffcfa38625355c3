import { assertEquals } from "@std/assert";
import { CrashRun, RESUMES_STREAMS } from "../bench/crash/crash_run.ts";

/** `deno task bench:crash` does the same for longer. */
Deno.test("a broker that is killed ten times keeps whatever it acknowledged, and brings nothing of QoS 2 twice", async () => {
  const seed = crypto.getRandomValues(new Uint16Array(1))[0]!;
  const run = new CrashRun({ kills: 10, seed, seconds: 0.5, resumesStreams: RESUMES_STREAMS });
  const { violations, figures, lives, folder } = await run.play();
  assertEquals(violations, [], JSON.stringify({ figures, lives, folder }, undefined, 2));
});
