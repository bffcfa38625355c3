import { assertEquals } from "@std/assert";
import { Log } from "../../broker/core/log.ts";
import { PacedLog } from "../../broker/core/paced_log.ts";

function start() {
  const lines: string[] = [];
  const clock = { now: 0 };
  const log = new PacedLog(new Log("info", (line) => lines.push(line.slice(25))), () => clock.now);
  return { log, lines, clock };
}

Deno.test("what is repeated is said once a second, with how often it was not", () => {
  const { log, lines, clock } = start();
  for (const now of [0, 1, 999, 1000, 1001, 5000]) {
    clock.now = now;
    log.warn("refused", { at: now, reason: "full" });
  }
  assertEquals(lines, [
    "warn  refused at=0 reason=full",
    "warn  refused at=1000 reason=full unsaid=2",
    "warn  refused at=5000 reason=full unsaid=1",
  ]);
});

Deno.test("each event and reason has a second of its own", () => {
  const { log, lines } = start();
  for (let count = 0; count < 3; count++) {
    log.warn("refused", { reason: "full" });
    log.error("refused", { reason: "few" });
    log.info("recovered");
  }
  assertEquals(lines, ["warn  refused reason=full", "error refused reason=few", "info  recovered"]);
});

Deno.test("a clock that is set back keeps nothing unsaid for long", () => {
  const { log, lines, clock } = start();
  clock.now = 1_000_000;
  log.info("event");
  clock.now = 0;
  log.info("event");
  assertEquals(lines.length, 2);
});
