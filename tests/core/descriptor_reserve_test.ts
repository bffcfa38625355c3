import { assertEquals, assertThrows } from "@std/assert";
import {
  countFreeDescriptors,
  DescriptorReserve,
  isOutOfDescriptors,
  type OpenSpare,
} from "../../broker/core/descriptor_reserve.ts";
import { Log } from "../../broker/core/log.ts";
import { PacedLog } from "../../broker/core/paced_log.ts";
import { FewDescriptors, outOfDescriptors } from "../support/few_descriptors.ts";

function reserveOf(descriptorsReserve: number, open: OpenSpare) {
  const lines: string[] = [];
  const counters = { descriptorShortages: 0 };
  let now = 0;
  const log = new PacedLog(new Log("info", (line) => lines.push(line.slice(25))), () => now += 1000);
  const reserve = new DescriptorReserve({ limits: { descriptorsReserve }, counters, log, open });
  return { reserve, counters, lines };
}

for (const [count, isEnough] of [[10, false], [11, true], [12, true]] as const) {
  Deno.test(`descriptorsReserve 10: ${count} free descriptors, of which one must be left over, are ${isEnough ? "" : "not "}enough`, () => {
    const system = new FewDescriptors(count);
    const { reserve, counters } = reserveOf(10, system.open);
    assertEquals([reserve.recover(), reserve.isShort], [isEnough, !isEnough]);
    assertEquals(counters.descriptorShortages, isEnough ? 0 : 1);
    assertEquals(system.inUse, isEnough ? 10 : 0);
    reserve.close();
    assertEquals(system.inUse, 0);
  });
}

Deno.test("whoever is refused a descriptor finds the reserve given up, until it is there again, and half as much", () => {
  const system = new FewDescriptors(20);
  const { reserve, counters, lines } = reserveOf(10, system.open);
  let callbacks = 0;
  reserve.onShort(() => callbacks++);
  reserve.recover();
  const others = Array.from({ length: 10 }, () => system.open());
  assertThrows(system.open, Error, "Too many open files");
  reserve.ranOut();
  reserve.ranOut();
  assertEquals([system.inUse, reserve.isShort, callbacks, counters.descriptorShortages], [10, true, 1, 1]);
  const file = system.open();
  assertEquals([reserve.recover(), system.inUse], [false, 11]);
  file.close();
  assertEquals([reserve.recover(), system.inUse], [false, 10]);
  for (const other of others.splice(0, 4)) other.close();
  assertEquals([reserve.recover(), system.inUse], [false, 6]);
  others.pop()!.close();
  assertEquals([reserve.recover(), reserve.isShort, system.inUse], [true, false, 15]);
  assertEquals(lines, ["warn  descriptors-short descriptorsReserve=10", "info  descriptors-recovered"]);
});

Deno.test("that the last descriptor is gone is found even if nobody was refused one", () => {
  const system = new FewDescriptors(20);
  const { reserve, counters } = reserveOf(10, system.open);
  reserve.recover();
  for (let count = 0; count < 9; count++) system.open();
  assertEquals([reserve.recover(), counters.descriptorShortages], [true, 0]);
  system.open();
  assertEquals([reserve.recover(), counters.descriptorShortages, system.inUse], [false, 1, 10]);
});

Deno.test("descriptors are counted up to what is asked for, and all given back", () => {
  const system = new FewDescriptors(7);
  assertEquals([6, 7, 8, 100].map((max) => countFreeDescriptors(system.open, max)), [6, 7, 7, 7]);
  assertEquals(system.inUse, 0);
});

Deno.test("another error than a want of descriptors is nobody's to hide", () => {
  const system = new FewDescriptors(20);
  let count = 0;
  const open = () => {
    if (++count === 3) throw new Deno.errors.NotCapable("Requires read access");
    return system.open();
  };
  assertThrows(() => countFreeDescriptors(open, 5), Deno.errors.NotCapable);
  assertEquals(system.inUse, 0);
  assertEquals([outOfDescriptors(), new Error("Too many open files")].map(isOutOfDescriptors), [true, false]);
});

Deno.test("Deno says that descriptors ran out in the way that is looked for, and does not say how many there are", async () => {
  const script = `const files = [];
try { for (;;) files.push(Deno.openSync("/dev/null")); } catch (error) { console.log(error.code); }
for (const file of files.splice(-2)) file.close();
const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
const link = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
await listener.accept().catch((error) => console.log(error.code));
link.close();
try { await Deno.readTextFile("/proc/self/limits"); } catch (error) { console.log(error.name); }
Deno.exit(0);`;
  const code = `ulimit -n 64; exec "$0" run --allow-net --allow-read --allow-write --allow-env -`;
  const child = new Deno.Command("bash", {
    args: ["-c", code, Deno.execPath()],
    stdin: "piped",
    stdout: "piped",
  })
    .spawn();
  const input = child.stdin.getWriter();
  await input.write(new TextEncoder().encode(script));
  await input.close();
  const { stdout } = await child.output();
  assertEquals(new TextDecoder().decode(stdout), "EMFILE\nEMFILE\nNotCapable\n");
});
