import { assertEquals, assertThrows } from "@std/assert";
import { allows, covers, parseRights } from "../../broker/auth/rights.ts";
import type { Rights } from "../../broker/core/identity.ts";

function fail(problem: string): never {
  throw new Error(problem);
}

const RIGHTS: Rights = { publish: ["up/+", "log/#"], subscribe: ["down/+/x", "all/#"], read: ["state"] };

Deno.test("a wide filter covers a narrow one level by level, and nothing that may match more", () => {
  const covered = [
    ["#", "#"],
    ["#", "a/+/b"],
    ["a/#", "a"],
    ["a/#", "a/+/#"],
    ["+/b", "+/b"],
    ["+/b", "a/b"],
    ["a//b", "a//b"],
    ["+", "+"],
    ["$SYS/#", "$SYS/+/x"],
  ];
  const uncovered = [
    ["a/+", "a/#"],
    ["a/+", "#"],
    ["a/b", "a/+"],
    ["a/#", "#"],
    ["a/#", "+"],
    ["a/#", "+/b"],
    ["a/+/c", "a/b"],
    ["a/b", "a/b/c"],
    ["a", "A"],
    ["#", "$SYS/a"],
    ["#", "$share/g/a"],
    ["+/a", "$SYS/a"],
    ["a/#", "aa/b"],
  ];
  for (const [wide, narrow] of covered) assertEquals(covers(wide!, narrow!), true, `${wide} ${narrow}`);
  for (const [wide, narrow] of uncovered) assertEquals(covers(wide!, narrow!), false, `${wide} ${narrow}`);
});

Deno.test("what somebody may subscribe to they may read, and what they may read they may not subscribe to", () => {
  assertEquals(
    ["up/a", "log/a/b", "up", "up/a/b", "down/1/x"].map((topic) => allows(RIGHTS, "publish", topic)),
    [
      true,
      true,
      false,
      false,
      false,
    ],
  );
  assertEquals(["down/1/x", "all", "state", "up/a"].map((topic) => allows(RIGHTS, "receive", topic)), [
    true,
    true,
    true,
    false,
  ]);
  assertEquals(
    ["down/+/x", "all/a/#", "down/#", "#", "state"].map((filter) => allows(RIGHTS, "subscribe", filter)),
    [
      true,
      true,
      false,
      false,
      false,
    ],
  );
});

Deno.test("claims without any list say nothing of rights, and with one of them the others are empty", () => {
  assertEquals(parseRights({ sub: "ana" }, fail), undefined);
  const none = { publish: [], subscribe: [], read: [] };
  assertEquals(parseRights({ subscribe: ["a/#"] }, fail), { ...none, subscribe: ["a/#"] });
  assertEquals(parseRights({ publish: [] }, fail), none);
  assertEquals(allows(parseRights({ publish: [] }, fail)!, "subscribe", "a"), false);
});

// Mosquitto CVE-2018-12551: what could not be read was overlooked, and with it what it forbade.
Deno.test("a list that is none is an error and never no bound", () => {
  const problems: [unknown, string][] = [
    ["a/#", "publish is not a list of texts"],
    [null, "publish is not a list of texts"],
    [[1], "publish is not a list of texts"],
    [{}, "publish is not a list of texts"],
    [["a#"], "publish has a filter that is none"],
    [[""], "publish has a filter that is none"],
    [["$share/g/a"], "publish has a filter that is none"],
  ];
  for (const [publish, problem] of problems) {
    assertThrows(() => parseRights({ publish }, fail), Error, problem);
  }
});
