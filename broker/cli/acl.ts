import { questionOf, type Rule, RULE_METHODS } from "../auth/rule.ts";
import type { Rules } from "../auth/rules.ts";
import { didYouMean, type Options, resolveOptions } from "../config.ts";
import type { Action } from "../core/identity.ts";
import { checkFilter, checkTopic, isReserved, parseShare } from "../topic/name.ts";
import { type CommandLine, UsageError, valueOf } from "./command_line.ts";
import { readRules } from "./rules.ts";
import { optionSources } from "./start.ts";

const ACTIONS: Readonly<Record<string, Action>> = {
  publish: "publish",
  subscribe: "subscribe",
  read: "receive",
};

type Print = (line: string) => void;

const ANONYMOUS = "anonymous";
/** What `acl check` has a use for. */
const FOR_CHECK: readonly string[] = ["WHAT", "FILE", "config"];

/** Answers whether a file of rules can be used, or what it says; the exit code is 0 for yes, 1 for no. */
export async function runAcl(line: CommandLine, print: Print = console.log): Promise<number> {
  const [what] = line.get("WHAT") ?? [];
  if (what === "check") return await check(line, print);
  if (what === "explain") return await explain(line, print);
  throw new UsageError(
    what === undefined
      ? "Say what to do: pregon acl check FILE, or pregon acl explain --topic TOPIC --publish"
      : `Unknown command acl ${JSON.stringify(what)}: ${didYouMean(what, ["check", "explain"])}`,
  );
}

async function check(line: CommandLine, print: Print): Promise<number> {
  for (const name of line.keys()) {
    if (FOR_CHECK.includes(name)) continue;
    throw new UsageError(`Cannot use --${name} with acl check: it is for acl explain`);
  }
  const { name, rules } = await open(line);
  const { list, groups } = rules;
  const patternCount = list.reduce((count, { patterns }) => count + patterns.length, 0);
  const counts = [
    counted(list.length, "rule"),
    counted(patternCount, "topic"),
    counted(groups.size, "group"),
  ];
  print(`${name} can be used: ${counts.join(", ")}`);
  for (const rule of list) {
    for (const group of rule.groups ?? []) {
      if (groups.has(group)) continue;
      print(
        `Line ${rule.line}: the group ${JSON.stringify(group)} is not in [groups], so a token must name it`,
      );
    }
  }
  return 0;
}

async function explain(line: CommandLine, print: Print): Promise<number> {
  const action = actionOf(line);
  const retain = line.has("retain");
  if (retain && action !== "publish") throw new UsageError("Cannot use --retain without --publish");
  const who = whoOf(line);
  const { name: file, rules, options } = await open(line);
  const topic = topicOf(line, action, options);
  const answer = (isAllowed: boolean, why: string) => {
    print(`${isAllowed ? "Allowed" : "Denied"}: ${why}`);
    return isAllowed ? 0 : 1;
  };
  if (action === "publish" && isReserved(topic)) {
    return answer(false, "topics that begin with $ belong to the broker, whatever rules say");
  }
  const asker = rules.askerOf(who, valueOf(line, "client"));
  const rule = rules.ruleFor(asker, questionOf(action, retain), topic);
  return answer(rule?.isAllowing === true, rule ? describe(rule, file) : `no rule of ${file} is about it`);
}

function describe({ number, line, isAllowing }: Rule, file: string): string {
  return `rule ${number}, line ${line} of ${file}, ${isAllowing ? "allows" : "denies"} it`;
}

function actionOf(line: CommandLine): Action {
  const [action, ...others] = Object.keys(ACTIONS).filter((name) => line.has(name));
  if (action !== undefined && others.length === 0) return ACTIONS[action]!;
  throw new UsageError("Say what is asked: one of --publish, --subscribe and --read");
}

function whoOf(line: CommandLine): { name: string; method: string; groups: readonly string[] } {
  const user = valueOf(line, "user");
  const word = valueOf(line, "method") ?? (user === undefined ? ANONYMOUS : "password-file");
  const method = RULE_METHODS.find((method) => method === word);
  if (!method) {
    throw new UsageError(`Unknown method ${JSON.stringify(word)}: ${didYouMean(word, RULE_METHODS)}`);
  }
  if ((method === ANONYMOUS) !== (user === undefined)) {
    throw new UsageError(`Cannot use --method ${method} ${user === undefined ? "without" : "with"} --user`);
  }
  return { name: user ?? ANONYMOUS, method, groups: line.get("group") ?? [] };
}

function topicOf(line: CommandLine, action: Action, { limits }: Options): string {
  const name = valueOf(line, "topic");
  if (name === undefined) throw new UsageError("Say which topic: --topic TOPIC");
  const check = action === "subscribe" ? checkFilter : checkTopic;
  const problem = check(name, limits.topicLevelsMax);
  if (problem) throw new UsageError(problem.message);
  return action === "subscribe" ? parseShare(name)?.filter ?? name : name;
}

/** The file that is named, or that the options name. */
async function open(line: CommandLine): Promise<{ name: string; rules: Rules; options: Options }> {
  const config = line.get("config");
  const options = resolveOptions(await optionSources(new Map(config ? [["config", config]] : [])));
  const name = line.get("FILE")?.[0] ?? options.auth.aclFile;
  if (name === undefined) {
    throw new UsageError("Say which file: as the argument FILE, or as auth.acl-file in the options");
  }
  return { name, rules: await readRules(name, options.limits), options };
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
