import { assertEquals } from "@std/assert";
import { pausesIn } from "./collector_pauses.ts";

const ALWAYS = { from: 0, to: Infinity };
const MAIN = "0x560c4160c000";
const STORE = "0x7ff190060000";

function scavenge(isolate: string, at: number, pause: string): string {
  return `[26830:${isolate}]  ${at} ms: Scavenge 8.5 (10.2) -> 7.9 (10.8) MB, pooled: 0.0 MB, ${pause} / 0.00 ms ` +
    "(average mu = 1.000, current mu = 1.000) allocation failure; \n";
}

const MARK_COMPACT = `[26830:${MAIN}]     1704 ms: Incremental Mark-Compact 15.2 (22.1) -> 13.7 (22.1) MB, ` +
  "pooled: 0.0 MB, 8.73 / 0.00 ms (+ 5.8 ms in 148 steps since start of marking, biggest step 0.4 ms, walltime since " +
  "start of marking 18 ms) (average mu = 0.992, current mu = 0.992) finalize incremental marking via task; " +
  "GC in old space requested\n";

Deno.test("of a trace the pauses of the thread that collects first count, those of the store's do not", () => {
  const trace = [
    scavenge(MAIN, 92, "1.00"),
    scavenge(STORE, 23, "50.00"),
    scavenge(MAIN, 190, "3.00"),
    scavenge(STORE, 34, "60.00"),
    scavenge(MAIN, 377, "2.00"),
  ].join("");
  assertEquals(pausesIn(trace, ALWAYS), { count: 3, p50: 2, p999: 3, longest: 3 });
});

Deno.test("an incremental collection stops the thread at its end and in its steps, of which the biggest is known", () => {
  assertEquals(pausesIn(MARK_COMPACT, ALWAYS), { count: 2, p50: 0.4, p999: 8.73, longest: 8.73 });
});

Deno.test("pauses before and after the span do not count, those at its ends do", () => {
  const trace = [1, 2, 3, 4, 5].map((at) => scavenge(MAIN, at * 100, `${at}.00`)).join("");
  assertEquals(pausesIn(trace, { from: 200, to: 400 }), { count: 3, p50: 3, p999: 4, longest: 4 });
});

Deno.test("one pause in a thousand is not among the 99.9 % but is the longest", () => {
  const trace = Array.from(
    { length: 1000 },
    (_, index) => scavenge(MAIN, index, index === 7 ? "40.00" : "1.00"),
  );
  assertEquals(pausesIn(trace.join(""), ALWAYS), { count: 1000, p50: 1, p999: 1, longest: 40 });
});

Deno.test("what else a broker prints is no pause", () => {
  const banner = "Pregón 0.1.0\n  MQTT  mqtt://127.0.0.1:1883\n";
  assertEquals(pausesIn(banner, ALWAYS), { count: 0, p50: NaN, p999: NaN, longest: NaN });
  assertEquals(pausesIn(`${banner}${scavenge(MAIN, 1, "0.50")}[26830:0x56`, ALWAYS).count, 1);
});
