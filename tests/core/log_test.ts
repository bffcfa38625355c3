import { assertEquals, assertMatch } from "@std/assert";
import { Log, LOG_LEVELS } from "../../broker/core/log.ts";

Deno.test("a log writes what is at least as grave as its level", () => {
  for (const [index, level] of LOG_LEVELS.entries()) {
    const lines: string[] = [];
    const log = new Log(level, (line) => lines.push(line));
    for (const each of LOG_LEVELS) log[each]("event");
    assertEquals(lines.length, LOG_LEVELS.length - index);
  }
  const log = new Log("off", () => {
    throw new Error("A log that is off writes nothing");
  });
  for (const each of LOG_LEVELS) log[each]("event");
});

Deno.test("a line has time, level, event and fields, without those that are undefined", () => {
  const lines: string[] = [];
  new Log("info", (line) => lines.push(line)).warn("slow-consumer", {
    clientId: "a-1",
    bytes: 5,
    at: undefined,
  });
  assertMatch(lines[0]!, /^\d{4}-\d\d-\d\dT[\d:.]+Z warn {2}slow-consumer clientId=a-1 bytes=5$/);
});

Deno.test("no value can forge a line or a field", () => {
  const evil = [
    "a\n2026-01-01T00:00:00Z warn  forged",
    "a\r\nb",
    "a b=c",
    'a" b="c',
    "\u001b[2J",
    "\u2028",
    "\u0085",
    "",
    "=",
    "ключ",
  ];
  for (const value of evil) {
    const lines: string[] = [];
    new Log("info", (line) => lines.push(line)).info("event", { value, last: 1 });
    assertEquals(lines.length, 1);
    const [, text] = lines[0]!.match(/ event value=(".*") last=1$/)!;
    assertEquals(JSON.parse(text!), value);
    // deno-lint-ignore no-control-regex -- it is what must not be there
    assertEquals(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(lines[0]!), false);
  }
});
