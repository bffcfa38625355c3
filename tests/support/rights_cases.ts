import type { Rules } from "../../broker/auth/rules.ts";
import type { Action } from "../../broker/core/identity.ts";
import { matches } from "../../broker/topic/name.ts";
import { seeded } from "../bridge/support.ts";
import {
  mayByReference,
  pick,
  randomRules,
  type ReferenceAsker,
  rulesOf,
  tomlOf,
  type WrittenRules,
} from "./reference_rules.ts";
import { GroupAuthenticator } from "./rights_world.ts";
import { startBroker, type TestBroker } from "./start_broker.ts";

const RULE_SETS = 200;
export const SEED = 20_261_124;

const USERS = ["ana", "b", "a/b", "+", "$SYS"];
/** Whoever shows no name is none of the users, whatever the log calls them. */
const RULE_USERS = [...USERS, "anonymous"];
const CLIENTS = ["c1", "b", "#", "a/b", "$SYS"];
const GROUPS = ["staff", "others"];
const LEVELS = ["a", "b", "ana", "c1", "anonymous", ""];
export const TOPICS = [
  "a",
  "b",
  "a/b",
  "a/b/c1",
  "b/ana",
  "ana",
  "ana/a",
  "a/c1",
  "c1/ana/b",
  "/a",
  "a//b",
  "anonymous/a",
  "$SYS",
  "$SYS/a",
];
export const FILTERS = [
  "#",
  "+",
  "a/#",
  "a/+",
  "a/b",
  "+/b",
  "ana/#",
  "+/ana",
  "+/+/b",
  "/+",
  "$SYS/#",
  "$SYS/+",
];
/** Allows everything, as before the rules of a case. */
export const FREE = rulesOf('[[rule]]\nallow = "all"\ntopics = ["#", "$SYS/#"]');

export const authenticator = new GroupAuthenticator("others", ["b", "$SYS"]);

/** One set of rules and somebody who asks. */
export interface Case {
  readonly written: WrittenRules;
  readonly rules: Rules;
  readonly asker: ReferenceAsker;
  /** For what is tried with one only. */
  readonly filter: string;
  readonly topic: string;
}

export function casesFrom(seed: number, count: number): Case[] {
  const random = seeded(seed);
  return Array.from({ length: count }, () => {
    const source = { random, levels: LEVELS, users: RULE_USERS, clients: CLIENTS, groups: GROUPS };
    const written = randomRules(source);
    const user = random() < 0.2 ? undefined : pick(random, USERS);
    return {
      written,
      rules: rulesOf(tomlOf(written)),
      filter: pick(random, FILTERS),
      topic: pick(random, TOPICS),
      asker: {
        user,
        clientId: pick(random, CLIENTS),
        method: user === undefined ? "anonymous" : "password-file",
        groups: authenticator.groupsOf(user),
      },
    };
  });
}

export function may({ written, asker }: Case, action: Action, name: string, retain = false): boolean {
  return mayByReference(written, asker, { action, name, retain });
}

/** What may come of filters, sorted; once however many of them match. */
export function expectedOf(one: Case, filters: readonly string[]): string[] {
  return TOPICS.filter((topic) =>
    may(one, "receive", topic) &&
    filters.some((filter) => may(one, "subscribe", filter) && matches(filter, topic))
  ).sort();
}

export function receivable(one: Case): string[] {
  return TOPICS.filter((topic) => may(one, "receive", topic)).sort();
}

export function connectOptions(
  { asker }: Case,
): { readonly clientId: string; readonly version: 5; readonly username?: string } {
  const { user, clientId } = asker;
  return { clientId: clientId!, version: 5, ...(user === undefined ? {} : { username: user }) };
}

/** Says which rules and who, where an answer is wrong. */
export async function explained(one: Case, check: () => Promise<void>): Promise<void> {
  try {
    await check();
  } catch (error) {
    throw new Error(`${JSON.stringify(one.asker)}\n${tomlOf(one.written)}\n${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Runs a check for every set of rules, all on one broker: what an earlier set left behind must not count. */
export function testCases(name: string, check: (test: TestBroker, one: Case) => Promise<void>): void {
  Deno.test(`rights: ${name}`, async () => {
    await using test = startBroker({ authenticators: [authenticator] });
    for (const one of casesFrom(SEED, RULE_SETS)) {
      test.broker.ruleBook.replace(one.rules);
      await explained(one, () => check(test, one));
    }
  });
}

/** What begins with $ is the broker's, whatever rules say. */
export function mayPublish(one: Case, topic: string, retain: boolean): boolean {
  return !topic.startsWith("$") && may(one, "publish", topic, retain);
}
