import { assertEquals, assertThrows } from "@std/assert";
import { shareDescriptors, spareOpener } from "../../broker/cli/descriptors.ts";
import { StartError } from "../../broker/cli/start.ts";
import { DEFAULT_LIMITS, type Limits } from "../../broker/core/limits.ts";
import { Log, silentLog } from "../../broker/core/log.ts";
import { FewDescriptors } from "../support/few_descriptors.ts";

/** 24 are kept for the process itself. */
const OWN = 24;

function share(usable: number, limits: Partial<Limits> = {}) {
  const all = { ...DEFAULT_LIMITS, descriptorsReserve: 32, ...limits };
  const lines: string[] = [];
  const system = new FewDescriptors(usable + OWN + all.descriptorsReserve);
  const shares = shareDescriptors(all, new Log("info", (line) => lines.push(line.slice(25))), system.open);
  assertEquals(system.inUse, 0);
  return { linksMax: shares.linksMax, streamsMax: shares.limits.streamsMax, lines };
}

Deno.test("with descriptors for everything, no bound is lowered", () => {
  // Seven of eight, and never more than three of four for links.
  const limits = { connectionsMax: 500, streamsMax: 200 };
  assertEquals(share(800, limits), { linksMax: Infinity, streamsMax: 200, lines: [] });
  assertEquals(share(801, limits), { linksMax: Infinity, streamsMax: 200, lines: [] });
  assertEquals(share(799, limits), {
    linksMax: 500,
    streamsMax: 199,
    lines: ["warn  descriptors-few free=855 descriptorsReserve=32 connections=500 streams=199"],
  });
});

Deno.test("where descriptors are few, links have three of four, streams one of eight, and requests the rest", () => {
  const { lines, ...shares } = share(160);
  assertEquals(shares, { linksMax: 120, streamsMax: 20 });
  assertEquals(lines, ["warn  descriptors-few free=216 descriptorsReserve=32 connections=120 streams=20"]);
});

Deno.test("more than 4,096 descriptors are not counted, and not shared out", () => {
  for (const [free, isShared] of [[4095, true], [4096, false], [4097, false]] as const) {
    const { linksMax, streamsMax } = share(free - 32 - OWN);
    assertEquals([linksMax, streamsMax], isShared ? [3029, 505] : [Infinity, 10_000]);
  }
});

Deno.test("who wants few connections has more descriptors for streams", () => {
  const { linksMax, streamsMax } = share(160, { connectionsMax: 10 });
  assertEquals([linksMax, streamsMax], [10, 130]);
});

Deno.test("with too few descriptors for one connection and one stream nothing starts, and the line says what helps", () => {
  for (const usable of [-40, 0, 4]) {
    assertThrows(() => share(usable), StartError, "raise ulimit -n, or lower --limits-descriptors-reserve");
  }
  const { linksMax, streamsMax } = share(5);
  assertEquals([linksMax, streamsMax], [3, 1]);
});

Deno.test("where nothing is known of descriptors all bounds stay as they are", () => {
  assertEquals(shareDescriptors(DEFAULT_LIMITS, silentLog, undefined), {
    limits: DEFAULT_LIMITS,
    linksMax: Infinity,
  });
  const open = spareOpener(silentLog)!;
  open().close();
});
