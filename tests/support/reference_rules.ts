import { parseRulesFile } from "../../broker/auth/rules_file.ts";
import type { Rules } from "../../broker/auth/rules.ts";
import type { Action } from "../../broker/core/identity.ts";
import { DEFAULT_LIMITS } from "../../broker/core/limits.ts";

/** A rule as it stands in a file, each value as TOML and JSON have it. */
export interface WrittenRule {
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
  readonly topics: readonly string[];
  readonly users?: readonly string[];
  readonly groups?: readonly string[];
  readonly clients?: readonly string[];
  readonly methods?: readonly string[];
  readonly retain?: boolean;
}

export interface WrittenRules {
  readonly groups: Readonly<Record<string, readonly string[]>>;
  readonly rules: readonly WrittenRule[];
}

export interface ReferenceAsker {
  /** Undefined for who shows no name. */
  readonly user: string | undefined;
  /** Undefined over HTTP. */
  readonly clientId: string | undefined;
  readonly method: string;
  readonly groups: readonly string[];
}

const MEANINGS: Readonly<Record<string, readonly Action[]>> = {
  publish: ["publish"],
  subscribe: ["subscribe"],
  read: ["subscribe", "receive"],
  all: ["publish", "subscribe", "receive"],
};

/** Every rule read from top to bottom, each topic of it level by level: slow, short, and written unlike the real one. */
export function mayByReference(
  { groups, rules }: WrittenRules,
  asker: ReferenceAsker,
  { action, name, retain = false }: {
    readonly action: Action;
    readonly name: string;
    readonly retain?: boolean;
  },
): boolean {
  const own = Object.keys(groups).filter((group) => groups[group]!.some((user) => user === asker.user));
  const allGroups = [...asker.groups, ...own];
  const has = (list: readonly string[] | undefined, one: string | undefined) =>
    list === undefined || list.some((each) => each === one);
  const decisive = rules.find((rule) =>
    (rule.allow ?? rule.deny)!.some((word) => MEANINGS[word]!.includes(action)) &&
    (action !== "publish" || rule.retain === undefined || rule.retain === retain) &&
    has(rule.users, asker.user) && has(rule.clients, asker.clientId) && has(rule.methods, asker.method) &&
    (rule.groups === undefined || allGroups.some((group) => has(rule.groups, group))) &&
    rule.topics.some((topic) => covers(expand(topic, asker), name.split("/")))
  );
  return decisive?.allow !== undefined;
}

/** A level that nothing is equal to stands for a name that is none. */
function expand(topic: string, { user, clientId }: ReferenceAsker): (string | undefined)[] {
  const nameOf = (name: string | undefined) => {
    const isLevel = name !== undefined && name.length > 0 && ![..."+#/\0"].some((c) => name.includes(c));
    return isLevel ? name : undefined;
  };
  const levels = topic.split("/").map((level) =>
    level === "%u" ? nameOf(user) : level === "%c" ? nameOf(clientId) : level
  );
  const isExpanded = /^%[uc](\/|$)/.test(topic);
  return isExpanded && levels[0]?.startsWith("$") ? [undefined] : levels;
}

/** Whether the pattern matches whatever the topic or filter stands for. */
function covers(
  [first, ...rest]: readonly (string | undefined)[],
  [level, ...others]: readonly string[],
  isRoot = true,
): boolean {
  const isWild = first === "#" || first === "+";
  if (isRoot && isWild && level?.startsWith("$")) return false;
  if (first === "#") return true;
  if (level === undefined || first === undefined) return false;
  if (first !== level && !(first === "+" && level !== "#")) return false;
  const isOver = rest.length === 0 || (rest.length === 1 && rest[0] === "#");
  return others.length === 0 ? isOver : rest.length > 0 && covers(rest, others, false);
}

/** The rules as a file. */
export function tomlOf({ groups, rules }: WrittenRules): string {
  const assign = ([key, value]: [string, unknown]) => `${JSON.stringify(key)} = ${JSON.stringify(value)}\n`;
  const sections = rules.map((rule) => `[[rule]]\n${Object.entries(rule).map(assign).join("")}`);
  return `[groups]\n${Object.entries(groups).map(assign).join("")}\n${sections.join("\n")}`;
}

export function rulesOf(text: string): Rules {
  return parseRulesFile({ name: "acl.toml", text }, DEFAULT_LIMITS);
}

/** What anything random is drawn from. */
export interface RuleSource {
  readonly random: () => number;
  readonly levels: readonly string[];
  readonly users: readonly string[];
  readonly clients: readonly string[];
  readonly groups: readonly string[];
}

export function randomRules(source: RuleSource): WrittenRules {
  const { random } = source;
  const count = 1 + Math.floor(random() * 7);
  const rules = Array.from({ length: count }, () => randomRule(source));
  const members = Object.fromEntries(source.groups.map((group) => [group, some(random, source.users)]));
  return { groups: members, rules };
}

function randomRule(source: RuleSource): WrittenRule {
  const { random } = source;
  const words = some(random, Object.keys(MEANINGS), 1);
  const isAboutPublish = words.some((word) => MEANINGS[word]!.includes("publish"));
  const maybe = (chance: number, fields: () => Partial<WrittenRule>) => random() < chance ? fields() : {};
  return {
    ...(random() < 0.7 ? { allow: words } : { deny: words }),
    topics: Array.from({ length: 1 + Math.floor(random() * 2) }, () => randomPattern(source)),
    ...maybe(0.3, () => ({ users: some(random, source.users, 1) })),
    ...maybe(0.15, () => ({ groups: some(random, source.groups, 1) })),
    ...maybe(0.15, () => ({ clients: some(random, source.clients, 1) })),
    ...maybe(0.15, () => ({ methods: some(random, ["anonymous", "password-file"], 1) })),
    ...(isAboutPublish ? maybe(0.3, () => ({ retain: random() < 0.5 })) : {}),
  };
}

function randomPattern({ random, levels }: RuleSource): string {
  if (random() < 0.15) return random() < 0.6 ? "#" : "$SYS/#";
  const depth = 1 + Math.floor(random() * 3);
  const pattern = Array.from({ length: depth }, () => pick(random, [...levels, "+", "%u", "%c"]));
  if (random() < 0.4) pattern.push("#");
  return pattern.join("/") || "/";
}

export function pick<Item>(random: () => number, items: readonly Item[]): Item {
  return items[Math.floor(random() * items.length)]!;
}

function some<Item>(random: () => number, items: readonly Item[], min = 0): Item[] {
  const chosen = items.filter(() => random() < 0.4);
  return chosen.length >= min ? chosen : [pick(random, items)];
}
