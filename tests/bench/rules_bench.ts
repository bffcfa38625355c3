import { RuleBook } from "../../broker/auth/rule_book.ts";
import type { Identity } from "../../broker/core/identity.ts";
import { rulesOf } from "../support/reference_rules.ts";

const USER: Identity = { name: "user-42", method: "password-file", can: () => true };

/** Each kind of file as a list of rules, of which few are about `USER` and its topics. */
const RULE_KINDS: Readonly<Record<string, (index: number) => string>> = {
  "a rule for each user's site": (index) => `topics = "site/${index}/#"\nusers = "user-${index}"`,
  "a rule for each user, all with the same topics": (index) => `topics = "site/#"\nusers = "user-${index}"`,
  "patterns with + and %u": (index) => `topics = "+/${index}/%u/+/#"`,
};

function bookOf(kind: string, count: number): RuleBook {
  const rules = Array.from({ length: count - 1 }, (_, index) => {
    return `[[rule]]\nallow = ["publish", "read"]\n${RULE_KINDS[kind]!(index + 1)}\n`;
  });
  return new RuleBook(
    rulesOf(`${rules.join("")}[[rule]]\nallow = "all"\ntopics = "site/42/%u/#"\n`),
    128,
    () => {},
  );
}

const topics = Array.from({ length: 1_000 }, (_, index) => `site/42/user-42/device/${index}/temperature`);

for (const kind of Object.keys(RULE_KINDS)) {
  for (const count of [10, 1_000, 10_000]) {
    const book = bookOf(kind, count);
    const identity = book.admit(USER, "c");
    Deno.bench(`can, ${count} rules, remembered: ${kind}`, () => {
      identity.can("publish", topics[0]!);
    });
    let next = 0;
    Deno.bench(`can, ${count} rules, 1000 topics in turn: ${kind}`, () => {
      identity.can("publish", topics[next++ % topics.length]!);
    });
  }
}

const free = new RuleBook(undefined, 128, () => {}).admit(USER, "c");
Deno.bench("can, no rules", () => {
  free.can("publish", topics[0]!);
});

const text = Array.from({ length: 10_000 }, (_, index) => {
  return `[[rule]]\nallow = ["publish", "read"]\n${RULE_KINDS["a rule for each user's site"]!(index)}\n`;
}).join("");
Deno.bench("read and compile 10000 rules", () => {
  rulesOf(text);
});
