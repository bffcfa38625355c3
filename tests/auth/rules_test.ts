import { assertEquals } from "@std/assert";
import { Answers } from "../../broker/auth/answers.ts";
import { allows } from "../../broker/auth/rights.ts";
import { RuleBook } from "../../broker/auth/rule_book.ts";
import type { Action, Identity } from "../../broker/core/identity.ts";
import { rulesOf } from "../support/reference_rules.ts";

type Asked = readonly [
  name: string,
  clientId: string | undefined,
  action: Action,
  topic: string,
  retain?: boolean,
];

const ANA: Identity = { name: "ana", method: "password-file", groups: ["token-group"], can: () => true };

function may(text: string, [name, clientId, action, topic, retain]: Asked): boolean {
  const identity = name === "anonymous" ? { name, can: () => true } : { ...ANA, name };
  return new RuleBook(rulesOf(text), 10, () => {}).admit(identity, clientId).can(action, topic, retain);
}

/** Whether each is allowed by the rules. */
function assertRights(text: string, expected: readonly (readonly [boolean, ...Asked])[]): void {
  for (const [isAllowed, ...asked] of expected) {
    assertEquals(may(text, asked), isAllowed, JSON.stringify(asked));
  }
}

Deno.test("the first rule that fits decides, and without one the answer is no", () => {
  const rules = `
    [[rule]]
    allow = "publish"
    topics = "a/b"
    [[rule]]
    deny = "publish"
    topics = "a/#"
    [[rule]]
    allow = "publish"
    topics = ["#", "a/c"]`;
  assertRights(rules, [
    [true, "ana", "c", "publish", "a/b"],
    [false, "ana", "c", "publish", "a/c"],
    [false, "ana", "c", "publish", "a"],
    [true, "ana", "c", "publish", "b"],
    [false, "ana", "c", "receive", "b"],
    [false, "ana", "c", "subscribe", "b"],
  ]);
});

Deno.test("a subscription needs a rule that covers its filter; read includes it, and subscribe gives no messages", () => {
  const rules = `
    [[rule]]
    allow = "read"
    topics = ["a/b", "own/%u/#", "x/+/y"]
    [[rule]]
    allow = "subscribe"
    topics = "a/#"`;
  assertRights(rules, [
    [true, "ana", "c", "subscribe", "a/b"],
    [true, "ana", "c", "subscribe", "a/#"],
    [true, "ana", "c", "subscribe", "a/+"],
    [false, "ana", "c", "subscribe", "#"],
    [false, "ana", "c", "subscribe", "+/b"],
    [true, "ana", "c", "receive", "a/b"],
    [false, "ana", "c", "receive", "a/c"],
    [true, "ana", "c", "subscribe", "own/ana/#"],
    [false, "ana", "c", "subscribe", "own/#"],
    [false, "ana", "c", "subscribe", "own/+/#"],
    [true, "ana", "c", "subscribe", "x/+/y"],
    [false, "ana", "c", "subscribe", "x/#"],
    [false, "ana", "c", "subscribe", "x/#/y"],
  ]);
});

Deno.test("retain says which messages a rule for publish is about", () => {
  const rules = `
    [[rule]]
    deny = "publish"
    retain = true
    topics = "a"
    [[rule]]
    allow = "all"
    retain = false
    topics = "#"`;
  assertRights(rules, [
    [true, "ana", "c", "publish", "a"],
    [false, "ana", "c", "publish", "a", true],
    [false, "ana", "c", "publish", "b", true],
    [true, "ana", "c", "receive", "a"],
  ]);
});

Deno.test("every condition of a rule must hold; of each list one entry is enough", () => {
  const rules = `
    [groups]
    staff = ["ana"]
    [[rule]]
    allow = "publish"
    topics = "both"
    users = ["bob", "ana"]
    clients = ["c", "d"]
    [[rule]]
    allow = "publish"
    topics = "group"
    groups = ["staff", "token-group"]
    methods = ["password-file"]
    [[rule]]
    allow = "publish"
    topics = "staff"
    groups = "staff"
    [[rule]]
    allow = "publish"
    topics = "nameless"
    methods = "anonymous"`;
  assertRights(rules, [
    [true, "ana", "c", "publish", "both"],
    [false, "ana", "e", "publish", "both"],
    [false, "ana", undefined, "publish", "both"],
    [false, "eve", "c", "publish", "both"],
    [true, "eve", "c", "publish", "group"],
    [true, "ana", "c", "publish", "staff"],
    [false, "eve", "c", "publish", "staff"],
    [false, "anonymous", "c", "publish", "group"],
    [true, "anonymous", "c", "publish", "nameless"],
    [false, "ana", "c", "publish", "nameless"],
  ]);
});

Deno.test("names are compared in the form of SASLprep, as passwords are", () => {
  const rules = '[groups]\ng = ["e\\u0301va"]\n[[rule]]\ndeny = "all"\nusers = "\\uff41na"\ntopics = "#"\n' +
    '[[rule]]\nallow = "all"\ntopics = "a"\n[[rule]]\nallow = "all"\ngroups = "g"\ntopics = "b"';
  assertRights(rules, [
    [false, "ana", "c", "publish", "a"],
    [false, "\uff41na", "c", "publish", "a"],
    [true, "\u00e9va", "c", "publish", "a"],
    [true, "\u00e9va", "c", "publish", "b"],
    [false, "bob", "c", "publish", "b"],
  ]);
});

Deno.test("rules narrow what whoever let somebody in says, and widen it never", () => {
  const book = new RuleBook(rulesOf('[[rule]]\nallow = "all"\ntopics = "a"'), 10, () => {});
  const token = book.admit({ name: "t", can: (action) => action === "publish" }, "c");
  assertEquals([token.can("publish", "a"), token.can("publish", "b"), token.can("receive", "a")], [
    true,
    false,
    false,
  ]);
});

// NATS CVE-2026-33217: topics of the server's own could be reached past the rules.
Deno.test("without rules everybody sees $SYS and nothing else that begins with $; with them, only what they name", () => {
  const open = new RuleBook(undefined, 10, () => {});
  const free = open.admit(ANA, "c");
  assertEquals(
    ["a", "$SYS", "$SYS/#", "$SYS/broker/x", "$SYSTEM", "$http/r/1", "$CONTROL/#", "$"].map((name) =>
      free.can("subscribe", name) && free.can("receive", name)
    ),
    [true, true, true, true, false, false, false, false],
  );
  assertRights('[[rule]]\nallow = "all"\ntopics = ["#", "+/#", "%u/#", "%c/#", "$SYS/broker/#"]', [
    [true, "$http", "$http", "receive", "a"],
    [false, "$http", "$http", "receive", "$http/r"],
    [false, "$SYS", "$SYS", "subscribe", "$SYS/#"],
    [true, "ana", "c", "receive", "$SYS/broker/uptime"],
    [false, "ana", "c", "subscribe", "$SYS/#"],
  ]);
});

Deno.test("where nobody said what is allowed, nobody may do more than a token or a hook names", () => {
  const book = new RuleBook("deny", 10, () => {});
  const questions = [["publish", "a"], ["subscribe", "a"], ["receive", "a"], ["receive", "$SYS/x"]] as const;
  const answersTo = (identity: Identity) => {
    const ruled = book.admit(identity, "c");
    return questions.map(([action, topic]) => ruled.can(action, topic));
  };
  assertEquals(answersTo(ANA), [false, false, false, false]);
  const rights = { publish: ["a"], subscribe: [], read: ["#", "$http/#"] };
  const token = { name: "t", rights, can: (action: Action, topic: string) => allows(rights, action, topic) };
  assertEquals(answersTo(token), [true, false, true, false]);
  assertEquals(book.admit(token, "c").can("receive", "$http/r"), false);
  book.replace(rulesOf('[[rule]]\nallow = "read"\ntopics = "a"'));
  assertEquals(answersTo(ANA), [false, true, true, false]);
});

Deno.test("whoever comes back is the same identity, under rules that come later too", () => {
  let changes = 0;
  const book = new RuleBook(undefined, 10, () => changes++);
  const first = book.admit(ANA, "c");
  assertEquals(book.admit(ANA, "c", first) === first, true);
  assertEquals(book.admit(first, "c", first) === first, true, "admitted twice");
  assertEquals(book.admit(ANA, "d", first) === first, false, "another client identifier");
  assertEquals(book.admit({ ...ANA }, "c", first) === first, false, "somebody else");
  assertEquals(first.can("publish", "a"), true);
  book.replace(rulesOf('[[rule]]\nallow = "publish"\ntopics = "%c"'));
  assertEquals([first.can("publish", "a"), first.can("publish", "c"), changes], [false, true, 1]);
  book.replace(rulesOf('[[rule]]\nallow = "publish"\ntopics = "a"'));
  assertEquals([first.can("publish", "a"), first.can("publish", "c"), changes], [true, false, 2]);
});

Deno.test("aclAnswersMax: the answers of twice as many names are remembered, what is asked for again longest", () => {
  const answers = new Answers(3);
  for (const name of ["a", "b", "c"]) answers.set(name, 1, true);
  answers.set("a", 4, false);
  assertEquals([answers.get("a", 1), answers.get("a", 4), answers.get("a", 8)], [true, false, undefined]);
  answers.set("d", 1, true);
  assertEquals([answers.size, answers.get("a", 1)], [4, true]);
  for (const name of ["e", "f"]) answers.set(name, 1, false);
  assertEquals(["a", "b", "d", "e"].map((name) => answers.get(name, 1)), [true, undefined, true, false]);
  const sizes = Array.from({ length: 1000 }, (_, index) => {
    answers.set(`t${index}`, 8, true);
    return answers.size;
  });
  assertEquals(Math.max(...sizes), 6);
  answers.set("x".repeat(201), 1, true);
  assertEquals(answers.get("x".repeat(201), 1), undefined);
  answers.set("x".repeat(200), 1, true);
  assertEquals(answers.get("x".repeat(200), 1), true);
});
