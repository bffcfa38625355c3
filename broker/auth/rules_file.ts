import { closestString } from "@std/text/closest-string";
import type { Limits } from "../core/limits.ts";
import { checkFilter, isShared } from "../topic/name.ts";
import { NOT_ABOUT_RETAIN, type Rule, RULE_METHODS, RULE_WORDS } from "./rule.ts";
import { Rules } from "./rules.ts";
import { saslprep } from "./saslprep.ts";
import { type Assignment, readSections, type Section } from "./toml_lines.ts";

/** A file of rules cannot be used; the message says which line and why, in one line. */
export class RulesFileError extends Error {
  override readonly name = "RulesFileError";
}

export interface RulesFile {
  /** For messages. */
  readonly name: string;
  readonly text: string;
}

export type RuleLimits = Pick<
  Limits,
  "aclFileBytesMax" | "aclRulesMax" | "aclPatternsMax" | "topicLevelsMax"
>;

const encoder = new TextEncoder();

type Fail = (problem: string) => never;
type Word = keyof typeof RULE_WORDS;

const RULE = "[[rule]]";
const GROUPS = "[groups]";
const WORDS = Object.keys(RULE_WORDS) as Word[];
const KEYS = ["allow", "deny", "topics", "users", "groups", "clients", "methods", "retain"] as const;
type Key = (typeof KEYS)[number];
/** A message quotes no more of a value than this. */
const QUOTE_LENGTH_MAX = 60;

/**
 * Reads the rules of a file. Whatever is not understood makes the whole file unusable: it may have been meant to keep
 * somebody out (Mosquitto CVE-2018-12551), and so does a file without rules (CVE-2018-12550).
 *
 * @throws {RulesFileError}
 */
export function parseRulesFile({ name, text }: RulesFile, limits: RuleLimits): Rules {
  const failAt = (line: number, problem: string): never => {
    throw new RulesFileError(`Cannot use ${name}, line ${line}: ${problem}`);
  };
  if (encoder.encode(text).length > limits.aclFileBytesMax) {
    throw new RulesFileError(
      `Cannot use ${name}: it is longer than the ${limits.aclFileBytesMax} bytes that are allowed (limits.acl-file-bytes-max)`,
    );
  }
  const rules: Rule[] = [];
  let groups: Map<string, readonly string[]> | undefined;
  let patternCount = 0;
  for (const section of readSections(text, failAt)) {
    const fail = (problem: string) => failAt(section.line, problem);
    if (section.header === "") {
      fail("it stands before the first section");
    } else if (section.header === GROUPS) {
      if (groups) fail(`there is a section ${GROUPS} before`);
      groups = readGroups(section, failAt);
    } else if (section.header === RULE) {
      const rule = readRule(section, rules.length + 1, { failAt, levelsMax: limits.topicLevelsMax });
      rules.push(rule);
      patternCount += rule.patterns.length;
      if (rules.length > limits.aclRulesMax) {
        fail(`there are more than ${limits.aclRulesMax} rules (limits.acl-rules-max)`);
      }
      if (patternCount > limits.aclPatternsMax) {
        fail(`there are more than ${limits.aclPatternsMax} topics in all rules (limits.acl-patterns-max)`);
      }
    } else {
      fail(
        `unknown section ${quote(section.header)}: did you mean ${
          closestString(section.header, [RULE, GROUPS])
        }?`,
      );
    }
  }
  if (rules.length > 0) return new Rules(rules, groups);
  throw new RulesFileError(
    `Cannot use ${name}: it has no rule; to allow nothing, say so: [[rule]] deny = "all" topics = ["#"]`,
  );
}

type FailAt = (line: number, problem: string) => never;

function readGroups({ assignments }: Section, failAt: FailAt): Map<string, readonly string[]> {
  const groups = new Map<string, readonly string[]>();
  for (const { key, value, line } of assignments) {
    const fail = (problem: string) => failAt(line, problem);
    if (key === "") fail("the name of a group is empty");
    if (groups.has(key)) fail(`there is a group ${quote(key)} before`);
    groups.set(key, Array.isArray(value) && value.length === 0 ? [] : readUsers(key, value, fail));
  }
  return groups;
}

function readRule(
  { line, assignments }: Section,
  number: number,
  { failAt, levelsMax }: { readonly failAt: FailAt; readonly levelsMax: number },
): Rule {
  const given = new Map<Key, Assignment>();
  for (const assignment of assignments) {
    const key = KEYS.find((key) => key === assignment.key);
    if (!key) {
      return failAt(
        assignment.line,
        `unknown key ${quote(assignment.key)}: did you mean ${closestString(assignment.key, KEYS)}?`,
      );
    }
    if (given.has(key)) {
      failAt(assignment.line, `the rule has ${key} before, in line ${given.get(key)!.line}`);
    }
    given.set(key, assignment);
  }
  const read = <Value>(
    key: Key,
    reader: (key: Key, value: unknown, fail: Fail) => Value,
  ): Value | undefined => {
    const assignment = given.get(key);
    return assignment && reader(key, assignment.value, (problem) => failAt(assignment.line, problem));
  };
  const allow = read("allow", readWords);
  const deny = read("deny", readWords);
  if (allow === undefined && deny === undefined) return failAt(line, "the rule has neither allow nor deny");
  if (allow !== undefined && deny !== undefined) return failAt(line, "the rule has both allow and deny");
  const patterns = read("topics", (key, value, fail) => readPatterns(key, value, { fail, levelsMax }));
  if (!patterns) return failAt(line, "the rule has no topics");
  return {
    number,
    line,
    isAllowing: allow !== undefined,
    questions: (allow ?? deny!) &
      ~(read("retain", (key, value, fail) => readRetain(key, value, { fail, questions: allow ?? deny! })) ??
        0),
    patterns,
    users: asSet(read("users", readUsers)),
    groups: asSet(read("groups", readNames)),
    clients: asSet(read("clients", readNames)),
    methods: asSet(read("methods", readMethods)),
  };
}

function readWords(key: string, value: unknown, fail: Fail): number {
  let questions = 0;
  for (const word of readNames(key, value, fail)) {
    const known = WORDS.find((known) => known === word);
    if (!known) return fail(unknownWord(key, word, WORDS));
    questions |= RULE_WORDS[known];
  }
  return questions;
}

/** The questions that `retain` takes away. */
function readRetain(
  key: string,
  value: unknown,
  { fail, questions }: { readonly fail: Fail; readonly questions: number },
): number {
  if (typeof value !== "boolean") return fail(`${key} is ${quote(value)}: it must be true or false`);
  if ((questions & RULE_WORDS.publish) === 0) fail(`${key} is for publish, which the rule is not about`);
  return NOT_ABOUT_RETAIN[`${value}`];
}

function readMethods(key: string, value: unknown, fail: Fail): string[] {
  return readNames(key, value, fail).map((name) =>
    RULE_METHODS.find((method) => method === name) ?? fail(unknownWord(key, name, RULE_METHODS))
  );
}

/** In the form in which names are compared. */
function readUsers(key: string, value: unknown, fail: Fail): string[] {
  return readNames(key, value, fail).map((name) => {
    return saslprep(name) ?? fail(`${key} has ${quote(name)}, which has a character that is not allowed`);
  });
}

function readPatterns(
  key: string,
  value: unknown,
  { fail, levelsMax }: { readonly fail: Fail; readonly levelsMax: number },
): string[] {
  return readNames(key, value, fail).map((pattern) => {
    const problem = checkFilter(pattern, levelsMax);
    if (problem) fail(`${key}: ${problem.message}`);
    if (isShared(pattern)) fail(`${key} has ${quote(pattern)}: rights are to the filter behind the group`);
    const misplaced = pattern.split("/").find((level) => /%[uc]/.test(level) && level.length > 2);
    if (misplaced) fail(`${key} has ${quote(pattern)}: %u and %c must fill a whole level`);
    return pattern;
  });
}

/** One or several. */
function readNames(key: string, value: unknown, fail: Fail): string[] {
  const names: unknown[] = Array.isArray(value) ? value : [value];
  if (names.length === 0) fail(`${key} is empty: it would be about nobody and nothing`);
  return names.map((name) => {
    if (typeof name === "string" && /^[^\0]+$/.test(name)) return name;
    return fail(`${key} is ${quote(value)}: it must be a text or a list of texts, none of them empty`);
  });
}

function unknownWord(key: string, word: string, known: readonly string[]): string {
  return `${key} has ${quote(word)}, which is none of ${known.join(", ")}: did you mean ${
    closestString(word, known)
  }?`;
}

function asSet<Value>(values: readonly Value[] | undefined): ReadonlySet<Value> | undefined {
  return values && new Set(values);
}

/** As it would stand in the file, on one line. */
function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= QUOTE_LENGTH_MAX ? text : `${text.slice(0, QUOTE_LENGTH_MAX)}…`;
}
