import { isReserved } from "../topic/name.ts";
import { type Asker, concerns, type Question, type Rule } from "./rule.ts";

/**
 * The rules by the levels of their patterns, so that a question meets only those whose pattern fits.
 *
 *     (root) ── "home" ── %u ── rest      home/%u/#: `%u` and `%c` are branches of their own, taken when the level is
 *       |          '── + ── "temp"        the name of who asks. Names never become part of a pattern.
 *       '── rest                          #
 *
 * - A topic is walked as it is, and so is a filter: a level + is met by the pattern's +, a level # by # only. So what is
 *   found for a filter are the patterns that cover it: all that it could match, they do.
 * - Nothing but its own name leads to a first level that begins with $ [MQTT-4.7.2-1] [MQTT5-4.7.2-1].
 * - Of the rules under one pattern, those of the user, the client or the groups are found by name.
 */
export class RuleTree {
  readonly #root = new RuleNode();

  /** Rules are added in the order of their numbers. */
  add(rule: Rule): void {
    for (const pattern of rule.patterns) {
      let node = this.#root;
      let isRest = false;
      for (const level of pattern.split("/")) {
        if (level === "#") isRest = true;
        else node = node.descend(level);
      }
      if (isRest) (node.rest ??= new RuleShelf()).add(rule);
      else (node.rules ??= new RuleShelf()).add(rule);
    }
  }

  /** The first rule that answers the question about the topic or filter. */
  first(asker: Asker, question: Question, name: string): Rule | undefined {
    let best: Rule | undefined;
    let nodes: RuleNode[] = [this.#root];
    let isBranching = !isReserved(name);
    for (let start = 0; start <= name.length && nodes.length > 0;) {
      const slash = name.indexOf("/", start);
      const end = slash === -1 ? name.length : slash;
      const level = name.slice(start, end);
      const next: RuleNode[] = [];
      for (const node of nodes) {
        if (isBranching && node.rest) best = node.rest.first(asker, question, best);
        node.follow(level, isBranching ? asker : undefined, next);
      }
      nodes = next;
      isBranching = true;
      start = end + 1;
    }
    for (const { rules, rest } of nodes) {
      if (rules) best = rules.first(asker, question, best);
      if (rest) best = rest.first(asker, question, best); // a/# matches a [MQTT-4.7.1-2]
    }
    return best;
  }
}

class RuleNode {
  /** Of the pattern that ends here. */
  rules: RuleShelf | undefined;
  /** Of the pattern that ends in # below here. */
  rest: RuleShelf | undefined;
  readonly #children = new Map<string, RuleNode>();
  #any: RuleNode | undefined;
  #user: RuleNode | undefined;
  #client: RuleNode | undefined;

  /** The child for a level of a pattern, made if it is not there. */
  descend(level: string): RuleNode {
    if (level === "+") return this.#any ??= new RuleNode();
    if (level === "%u") return this.#user ??= new RuleNode();
    if (level === "%c") return this.#client ??= new RuleNode();
    let child = this.#children.get(level);
    if (!child) this.#children.set(level, child = new RuleNode());
    return child;
  }

  /**
   * Appends the children that a level of a topic or filter leads to.
   *
   * @param asker undefined where only a level's own name leads on
   */
  follow(level: string, asker: Asker | undefined, into: RuleNode[]): void {
    const child = this.#children.get(level);
    if (child) into.push(child);
    if (!asker) return;
    if (this.#any && level !== "#") into.push(this.#any);
    if (this.#user && level === asker.userLevel) into.push(this.#user);
    if (this.#client && level === asker.clientLevel) into.push(this.#client);
  }
}

/** The rules of one pattern. Each list is in the order of the file, and a rule stands where the fewest look. */
class RuleShelf {
  readonly #everybody: Rule[] = [];
  readonly #byUser = new Map<string, Rule[]>();
  readonly #byClient = new Map<string, Rule[]>();
  readonly #byGroup = new Map<string, Rule[]>();

  add(rule: Rule): void {
    const { users, clients, groups } = rule;
    if (users) append(this.#byUser, users, rule);
    else if (clients) append(this.#byClient, clients, rule);
    else if (groups) append(this.#byGroup, groups, rule);
    else this.#everybody.push(rule);
  }

  /** @param best what was found elsewhere: a rule after it does not count */
  first(asker: Asker, question: Question, best: Rule | undefined): Rule | undefined {
    const { user, clientId, groups } = asker;
    let first = earlier(this.#everybody, { asker, question, best });
    if (user !== undefined) first = earlier(this.#byUser.get(user), { asker, question, best: first });
    if (clientId !== undefined) {
      first = earlier(this.#byClient.get(clientId), { asker, question, best: first });
    }
    if (this.#byGroup.size === 0) return first;
    for (const group of groups) {
      first = earlier(this.#byGroup.get(group), { asker, question, best: first });
    }
    return first;
  }
}

function append(lists: Map<string, Rule[]>, names: ReadonlySet<string>, rule: Rule): void {
  for (const name of names) {
    const list = lists.get(name);
    if (list) list.push(rule);
    else lists.set(name, [rule]);
  }
}

function earlier(
  rules: readonly Rule[] | undefined,
  { asker, question, best }: {
    readonly asker: Asker;
    readonly question: Question;
    readonly best: Rule | undefined;
  },
): Rule | undefined {
  for (const rule of rules ?? []) {
    if (best && rule.number >= best.number) return best;
    if ((rule.questions & question) !== 0 && concerns(rule, asker)) return rule;
  }
  return best;
}
