import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { parseRulesFile, type RuleLimits, RulesFileError } from "../../broker/auth/rules_file.ts";
import { DEFAULT_LIMITS } from "../../broker/core/limits.ts";

const RULE = '[[rule]]\nallow = "all"\ntopics = "#"\n';

function parse(text: string, limits: Partial<RuleLimits> = {}) {
  return parseRulesFile({ name: "acl.toml", text }, { ...DEFAULT_LIMITS, ...limits });
}

function messageOf(text: string, limits?: Partial<RuleLimits>): string {
  const { message } = assertThrows(() => parse(text, limits), RulesFileError);
  assertMatch(message, /^Cannot use acl\.toml[^\n]*[^.\n]$/, "One line, no full stop");
  return message.replace("Cannot use acl.toml, ", "");
}

Deno.test("a file of rules says for each where it stands and what it is about", () => {
  const text = `\ufeff# Who may do what\r
[groups]\r
staff = ["ana", "bob"]\r
nobody = []\r
\r
[[rule]] # ours\r
allow = ["publish", "read"]\r
topics = [ "home/%u/#", # own\r
  'a/#]"/b#' ]\r
groups = "staff"\r
retain = false\r
[[ rule ]]\r
deny = "subscribe"\r
topics = "#"\r
users = ["ana"]\r
clients = ["c"]\r
methods = ["anonymous", "jwt"]`.replace(`'a/#]"/b#'`, `'a/b]"c'`);
  const { list, groups } = parse(text);
  assertEquals([...groups], [["staff", ["ana", "bob"]], ["nobody", []]]);
  assertEquals(list.map(({ number, line, isAllowing }) => [number, line, isAllowing]), [
    [1, 6, true],
    [2, 12, false],
  ]);
  assertEquals(list[0]!.patterns, ["home/%u/#", 'a/b]"c']);
  assertEquals([list[0]!.questions, list[1]!.questions], [1 | 4 | 8, 4]);
  assertEquals([...list[1]!.methods!], ["anonymous", "jwt"]);
});

// Mosquitto CVE-2018-12550, CVE-2018-12551: an empty file allowed everything, and a bad line was passed over.
Deno.test("whatever is not understood makes the whole file unusable, with its line and what was meant", () => {
  const cases: [text: string, problem: string][] = [
    [
      "",
      'Cannot use acl.toml: it has no rule; to allow nothing, say so: [[rule]] deny = "all" topics = ["#"]',
    ],
    [
      "# nothing\n[groups]\na = []",
      'Cannot use acl.toml: it has no rule; to allow nothing, say so: [[rule]] deny = "all" topics = ["#"]',
    ],
    ["allow = 1", "line 1: it stands before the first section"],
    [`${RULE}[[rules]]`, 'line 4: unknown section "[[rules]]": did you mean [[rule]]?'],
    ["[rule]", 'line 1: unknown section "[rule]": did you mean [[rule]]?'],
    ["[[groups]]", 'line 1: unknown section "[[groups]]": did you mean [groups]?'],
    ["[groups]\n[groups]", "line 2: there is a section [groups] before"],
    ["[groups]\na = []\n\na = []", 'line 4: there is a group "a" before'],
    ['[groups]\n"" = []', "line 2: the name of a group is empty"],
    ['[groups]\n__proto__ = ["ana"]', "line 2: it is no key = value of TOML"],
    ["[groups]\na = 1", "line 2: a is 1: it must be a text or a list of texts, none of them empty"],
    [`${RULE}topic = "a"`, 'line 4: unknown key "topic": did you mean topics?'],
    [`${RULE}allow = "all"`, "line 4: the rule has allow before, in line 2"],
    [`${RULE}"allow" = "all"`, "line 4: the rule has allow before, in line 2"],
    [
      `${RULE}users.ana = true`,
      'line 4: users is {"ana":true}: it must be a text or a list of texts, none of them empty',
    ],
    [`${RULE}deny = "all"`, "line 1: the rule has both allow and deny"],
    ['[[rule]]\ntopics = "#"', "line 1: the rule has neither allow nor deny"],
    ['[[rule]]\nallow = "all"', "line 1: the rule has no topics"],
    [
      '[[rule]]\nallow = ["publish", "raed"]\ntopics = "#"',
      'line 2: allow has "raed", which is none of publish, subscribe, read, all: did you mean read?',
    ],
    ['[[rule]]\nallow = []\ntopics = "#"', "line 2: allow is empty: it would be about nobody and nothing"],
    [
      '[[rule]]\nallow = true\ntopics = "#"',
      "line 2: allow is true: it must be a text or a list of texts, none of them empty",
    ],
    [`${RULE}users = []`, "line 4: users is empty: it would be about nobody and nothing"],
    [
      `${RULE}users = ["ana", 1]`,
      'line 4: users is ["ana",1]: it must be a text or a list of texts, none of them empty',
    ],
    [
      `${RULE}groups = ["a", ""]`,
      'line 4: groups is ["a",""]: it must be a text or a list of texts, none of them empty',
    ],
    [
      `${RULE}clients = "a\\u0000"`,
      'line 4: clients is "a\\u0000": it must be a text or a list of texts, none of them empty',
    ],
    [`${RULE}users = "a\\u0007"`, 'line 4: users has "a\\u0007", which has a character that is not allowed'],
    [
      `${RULE}methods = "password"`,
      'line 4: methods has "password", which is none of anonymous, password-file, jwt, certificate, hook: did you mean password-file?',
    ],
    [`${RULE}retain = "false"`, 'line 4: retain is "false": it must be true or false'],
    [
      '[[rule]]\nallow = "read"\nretain = true\ntopics = "#"',
      "line 3: retain is for publish, which the rule is not about",
    ],
    [
      '[[rule]]\nallow = "all"\ntopics = ["a", "a/#/b"]',
      'line 3: topics: Cannot use filter "a/#/b": # must be the last level',
    ],
    [
      '[[rule]]\nallow = "all"\ntopics = "home/%ub"',
      'line 3: topics has "home/%ub": %u and %c must fill a whole level',
    ],
    [
      '[[rule]]\nallow = "all"\ntopics = "$share/g/a"',
      'line 3: topics has "$share/g/a": rights are to the filter behind the group',
    ],
    [`${RULE}users = [\n"ana",\n`, "line 4: it is no key = value of TOML"],
    [`${RULE}users = "ana`, "line 4: it is no key = value of TOML"],
    [`${RULE}users = """\nana`, "line 4: it is no key = value of TOML"],
    [`${RULE}users`, "line 4: it is no key = value of TOML"],
    [`${RULE}[[rule`, "line 4: it is no key = value of TOML"],
  ];
  for (const [text, problem] of cases) assertEquals(messageOf(text), problem, text);
});

Deno.test("aclRulesMax, aclPatternsMax, aclFileBytesMax, topicLevelsMax: one more than there may be refuses the file", () => {
  for (const count of [2, 3]) assertEquals(parse(RULE.repeat(count), { aclRulesMax: 3 }).list.length, count);
  assertEquals(
    messageOf(RULE.repeat(4), { aclRulesMax: 3 }),
    "line 10: there are more than 3 rules (limits.acl-rules-max)",
  );
  const two = '[[rule]]\nallow = "all"\ntopics = ["a", "b"]\n';
  for (const max of [4, 5]) assertEquals(parse(two.repeat(2), { aclPatternsMax: max }).list.length, 2);
  assertEquals(
    messageOf(two.repeat(2), { aclPatternsMax: 3 }),
    "line 4: there are more than 3 topics in all rules (limits.acl-patterns-max)",
  );
  for (const spare of [0, 1]) {
    assertEquals(parse(RULE, { aclFileBytesMax: RULE.length + spare }).list.length, 1);
  }
  assertEquals(
    messageOf(RULE, { aclFileBytesMax: RULE.length - 1 }),
    `Cannot use acl.toml: it is longer than the ${
      RULE.length - 1
    } bytes that are allowed (limits.acl-file-bytes-max)`,
  );
  assertEquals(parse('[[rule]]\nallow="all"\ntopics="a/b"', { topicLevelsMax: 2 }).list.length, 1);
  assertEquals(
    messageOf('[[rule]]\nallow="all"\ntopics="a/b/c"', { topicLevelsMax: 2 }),
    'line 3: topics: Cannot use filter "a/b/c": it has more than 2 levels',
  );
});
