import { ANONYMOUS_NAME, type Identity } from "../core/identity.ts";
import { type Asker, levelOf, type Question, type Rule } from "./rule.ts";
import { RuleTree } from "./rule_tree.ts";
import { saslprep } from "./saslprep.ts";

const NO_GROUPS: readonly string[] = [];

/**
 * What an `acl-file` says, compiled. The first rule, from the top of the file, that names the action, the topic and
 * whoever asks decides; if there is none, the answer is no.
 *
 * | asked                       | when                                            | a rule fits if                      |
 * | --------------------------- | ----------------------------------------------- | ----------------------------------- |
 * | publish a/b                 | PUBLISH, POST; a will at CONNECT and as it fires| a pattern matches a/b               |
 * | publish a/b, retained       | the same with RETAIN; PUT, DELETE               | it does, and `retain` is not false  |
 * | subscribe a/#               | SUBSCRIBE, GET of a stream; and, while rules    | a pattern covers a/#: a/#, +/# or # |
 * |                             | change, before each message of it               |                                     |
 * | subscribe $share/g/a/#      | the same                                        | a pattern covers a/#                |
 * | receive a/b                 | each message: live, retained, queued, sent      | a pattern matches a/b               |
 * |                             | again, replayed, in a list, by GET              |                                     |
 *
 * So a subscription to a/# needs a rule for a/#, and who may read a/b only must ask for a/b; with `subscribe` for a/# and
 * `read` for a/b, a/# is granted and a/b is all that comes of it. What is denied for reading never comes, however wide
 * the filter is that it was asked for with. A first level that begins with $ is matched by a pattern that names it only.
 */
export class Rules {
  readonly list: readonly Rule[];
  /** The users of each, in the form of SASLprep. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
  readonly #tree = new RuleTree();
  readonly #groupsByUser = new Map<string, string[]>();

  constructor(list: readonly Rule[], groups: ReadonlyMap<string, readonly string[]> = new Map()) {
    this.list = list;
    this.groups = groups;
    for (const rule of list) this.#tree.add(rule);
    for (const [group, users] of groups) {
      for (const user of users) {
        const known = this.#groupsByUser.get(user);
        if (known) known.push(group);
        else this.#groupsByUser.set(user, [group]);
      }
    }
  }

  /** Whoever showed no name has none: no rule for users is about them, whatever they are called in logs. */
  askerOf({ name, method, groups = NO_GROUPS }: Omit<Identity, "can">, clientId: string | undefined): Asker {
    const isNamed = name !== ANONYMOUS_NAME;
    const user = isNamed ? saslprep(name) ?? name : undefined;
    const more = user === undefined ? undefined : this.#groupsByUser.get(user);
    return {
      user,
      clientId,
      groups: more ? [...groups, ...more] : groups,
      method: isNamed ? method : ANONYMOUS_NAME,
      userLevel: isNamed ? levelOf(name) : undefined,
      clientLevel: levelOf(clientId),
    };
  }

  /** The rule that decides; without one the answer is no. */
  ruleFor(asker: Asker, question: Question, topicOrFilter: string): Rule | undefined {
    return this.#tree.first(asker, question, topicOrFilter);
  }
}
