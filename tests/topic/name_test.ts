import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  checkFilter,
  checkTopic,
  hasWildcards,
  isReserved,
  matches,
  parseShare,
  TOPIC_BYTES_MAX,
  TOPIC_LEVELS_MAX,
  type TopicProblem,
} from "../../broker/topic/name.ts";

type Refusal = [name: string, code: TopicProblem["code"], position: number];

function assertRefusals(check: typeof checkTopic, rows: Refusal[]): void {
  for (const [name, code, position] of rows) {
    const problem = check(name);
    assertEquals([problem?.code, problem?.position], [code, position], JSON.stringify(name));
  }
}

function assertAccepts(check: typeof checkTopic, names: string[]): void {
  for (const name of names) assertEquals(check(name), undefined, JSON.stringify(name));
}

const ODD_NAMES = [
  "/",
  "//",
  "a//b",
  "/a",
  "a/",
  " ",
  "$SYS/x",
  "$",
  "$share",
  "é",
  "\uffff",
  "\ufeffa",
  "😀/a",
  "\x01",
];

Deno.test("[MQTT-4.7.3-1] a topic or filter has at least one character", () => {
  assertRefusals(checkTopic, [["", "empty", 0]]);
  assertRefusals(checkFilter, [["", "empty", 0]]);
});

Deno.test("[MQTT-4.7.3-2] a topic or filter has no U+0000", () => {
  const rows: Refusal[] = [["\0", "nul", 0], ["a/\0b", "nul", 2], ["é\0", "nul", 1]];
  assertRefusals(checkTopic, rows);
  assertRefusals(checkFilter, rows);
});

Deno.test("[MQTT-1.5.3-1] half of a surrogate pair is no UTF-8", () => {
  const rows: Refusal[] = [
    ["\ud83d", "not-utf8", 0],
    ["a/\ude00", "not-utf8", 2],
    ["\ude00\ud83d", "not-utf8", 0],
    ["\ud83d\ud83d\ude00", "not-utf8", 0],
    ["😀\ud83d/", "not-utf8", 2],
    ["\ud83d\ue000", "not-utf8", 0],
  ];
  assertRefusals(checkTopic, rows);
  assertRefusals(checkFilter, rows);
});

Deno.test("odd names without wildcards are topics and filters", () => {
  assertAccepts(checkTopic, ODD_NAMES);
  assertAccepts(checkFilter, ODD_NAMES);
});

Deno.test("[MQTT-4.7.1-1] a topic has no wildcards", () => {
  assertRefusals(checkTopic, [
    ["+", "wildcard", 0],
    ["#", "wildcard", 0],
    ["a/+/b", "wildcard", 2],
    ["a/b#", "wildcard", 3],
    ["é+", "wildcard", 1],
  ]);
});

Deno.test("[MQTT-4.7.1-2] # fills the last level of a filter", () => {
  assertAccepts(checkFilter, ["#", "a/#", "/#", "//#", "+/#", "$SYS/#", "sport/tennis/#"]);
  assertRefusals(checkFilter, [
    ["a#", "hash-not-alone", 1],
    ["#a", "hash-not-alone", 0],
    ["a/b#", "hash-not-alone", 3],
    ["##", "hash-not-alone", 0],
    ["+#", "plus-not-alone", 0],
    ["a/#b/c", "hash-not-alone", 2],
    ["a/#/b", "hash-not-last", 2],
    ["#/", "hash-not-last", 0],
    ["#/#", "hash-not-last", 0],
  ]);
});

Deno.test("[MQTT-4.7.1-3] + fills a whole level of a filter", () => {
  assertAccepts(checkFilter, ["+", "+/a/#", "/+", "+/", "a/+/b", "+/+", "a/+"]);
  assertRefusals(checkFilter, [
    ["a+", "plus-not-alone", 1],
    ["+a", "plus-not-alone", 0],
    ["a/+b", "plus-not-alone", 2],
    ["++", "plus-not-alone", 0],
    ["a/b+/c", "plus-not-alone", 3],
    ["#+", "hash-not-alone", 0],
  ]);
});

Deno.test("[MQTT-4.7.3-3] the bytes of UTF-8 are counted, up to the last that fits", () => {
  for (const check of [checkTopic, checkFilter]) {
    for (const [unit, bytes] of [["a", 1], ["é", 2], ["日", 3], ["😀", 4]] as const) {
      const most = Math.floor(TOPIC_BYTES_MAX / bytes);
      const rest = "a".repeat(TOPIC_BYTES_MAX - most * bytes);
      assertEquals(check(unit.repeat(most - 1)), undefined, unit);
      assertEquals(check(unit.repeat(most) + rest), undefined, unit);
      const problem = check(unit.repeat(most) + rest + unit);
      assertEquals([problem?.code, problem?.position], ["too-long", most * unit.length + rest.length], unit);
    }
  }
});

Deno.test("levels are counted up to the bound", () => {
  const levels = (count: number) => Array(count).fill("a").join("/");
  for (const check of [checkTopic, checkFilter]) {
    assertEquals(check(levels(TOPIC_LEVELS_MAX - 1)), undefined);
    assertEquals(check(levels(TOPIC_LEVELS_MAX)), undefined);
    assertEquals(check(levels(TOPIC_LEVELS_MAX + 1))?.code, "too-many-levels");
    assertEquals(check("/".repeat(2), 3), undefined);
    assertEquals(check("/".repeat(3), 3)?.position, 2);
    assertEquals(check("/".repeat(TOPIC_BYTES_MAX), TOPIC_BYTES_MAX + 1), undefined);
  }
  assertEquals(checkFilter("$share/g/a/b/c", 3), undefined);
  assertEquals(checkFilter("$share/g/a/b/c/#", 3)?.code, "too-many-levels");
});

Deno.test("[MQTT5 4.8.2-1] [MQTT5 4.8.2-2] a share has a group without wildcards and a filter", () => {
  assertAccepts(checkFilter, [
    "$share/g/a",
    "$share/g/#",
    "$share/g//",
    "$share/g//t",
    "$share/$g/$SYS/+",
    "$share/é/+",
  ]);
  assertRefusals(checkFilter, [
    ["$share/", "share-group", 7],
    ["$share//x", "share-group", 7],
    ["$share//", "share-group", 7],
    ["$share/+/x", "share-group", 7],
    ["$share/g+/x", "share-group", 8],
    ["$share/g#/x", "share-group", 8],
    ["$share/#", "share-group", 7],
    ["$share/a", "share-filter", 8],
    ["$share/a/", "share-filter", 8],
    ["$share/a/$share/b/c", "share-filter", 8],
    ["$share/g/a#", "hash-not-alone", 10],
    ["$share/g/#/a", "hash-not-last", 9],
    ["$share/g/a+", "plus-not-alone", 10],
    ["$share/g\0/a", "nul", 8],
    ["$share/\ud83d/a", "not-utf8", 7],
  ]);
});

Deno.test("a share is taken apart, and a malformed one never passes for a plain filter", () => {
  assertEquals(parseShare("$share/g/a/+/#"), { group: "g", filter: "a/+/#" });
  assertEquals(parseShare("$share/g//"), { group: "g", filter: "/" });
  for (const plain of ["a", "$share", "$shared/g/a", "/$share/g/a", "$SHARE/g/a"]) {
    assertEquals(parseShare(plain), undefined);
  }
  for (const malformed of ["$share//x", "$share/a", "$share/+/x", "$share/"]) {
    assertThrows(() => parseShare(malformed), Error);
  }
});

Deno.test("a problem says what and where, and cannot break a line or fill a log", () => {
  assertEquals(
    checkTopic("a/+/b")?.message,
    `Cannot use topic "a/+/b": wildcards are only allowed in filters`,
  );
  assertEquals(checkFilter("a#")?.message, `Cannot use filter "a#": # must fill a whole level`);
  assert(!checkTopic("a\r\n\0")?.message.includes("\n"));
  assert((checkTopic("a".repeat(100_000))?.message.length ?? 0) < 200);
});

Deno.test("reserved topics and wildcards are told by their characters", () => {
  assert(isReserved("$") && isReserved("$SYS/a") && !isReserved("a/$SYS") && !isReserved("/$"));
  assert(hasWildcards("#") && hasWildcards("a/+") && !hasWildcards("$SYS/a"));
});

const MATCHES: [filter: string, topic: string][] = [
  ["sport/tennis/player1/#", "sport/tennis/player1"],
  ["sport/tennis/player1/#", "sport/tennis/player1/ranking"],
  ["sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon"],
  ["sport/#", "sport"],
  ["a/#", "a"],
  ["a/#", "a/"],
  ["#", "a/b/c"],
  ["#", "/"],
  ["sport/tennis/+", "sport/tennis/player1"],
  ["sport/+", "sport/"],
  ["+/+", "/finance"],
  ["/+", "/finance"],
  ["+/#", "a"],
  ["+/b/#", "a/b"],
  ["$SYS/#", "$SYS/monitor"],
  ["$SYS/#", "$SYS"],
  ["$SYS/monitor/+", "$SYS/monitor/clients"],
  ["+/$x", "a/$x"],
  ["a//b", "a//b"],
  ["a/+/b", "a//b"],
];

const MISMATCHES: [filter: string, topic: string][] = [
  ["sport/tennis/+", "sport/tennis/player1/ranking"],
  ["sport/+", "sport"],
  ["+", "/finance"],
  ["#", "$SYS/monitor"],
  ["+/monitor/clients", "$SYS/monitor/clients"],
  ["+", "$x"],
  ["+/#", "$x"],
  ["a/+", "a"],
  ["a/b/#", "a"],
  ["/#", "a"],
  ["a/b", "A/b"],
  ["é", "e\u0301"],
  ["a", "/a"],
  ["a", "a/"],
  ["a/b", "a//b"],
  ["a", "\ufeffa"],
];

Deno.test("[MQTT-4.7.1-2] [MQTT-4.7.1-3] the examples of the specification match", () => {
  for (const [filter, topic] of MATCHES) assert(matches(filter, topic), `${filter} matches ${topic}`);
});

Deno.test("[MQTT-4.7.2-1] [MQTT-4.7.3-4] reserved topics and other characters do not match", () => {
  for (const [filter, topic] of MISMATCHES) {
    assert(!matches(filter, topic), `${filter} does not match ${topic}`);
  }
});
