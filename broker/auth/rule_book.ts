import { type Action, type Identity, type IdentityEnd, keptOf, type Rights } from "../core/identity.ts";
import { isReserved } from "../topic/name.ts";
import { Answers } from "./answers.ts";
import { type Asker, type Question, questionOf } from "./rule.ts";
import type { Rules } from "./rules.ts";

/** What the broker says of itself, and all that everybody may see of what begins with $. */
const SYS = "$SYS";

/**
 * Rules, or what is so without: undefined allows everything that whoever let somebody in does, `deny` only what they name
 * themselves (`Identity.rights`).
 */
export type RulesInForce = Rules | "deny" | undefined;

/**
 * What everybody may do at the moment: what whoever let them in says, and what the rules do.
 *
 * With rules they may do what these allow, and nothing else. Without they see nothing that begins with $ except `$SYS`.
 */
export class RuleBook {
  #rules: RulesInForce;
  readonly #answersMax: number;
  readonly #changed: () => void;

  /**
   * @param answersMax remembered for each identity
   * @param changed called when answers found before count no more
   */
  constructor(rules: RulesInForce, answersMax: number, changed: () => void) {
    this.#rules = rules;
    this.#answersMax = answersMax;
    this.#changed = changed;
  }

  get rules(): RulesInForce {
    return this.#rules;
  }

  /** In one step everybody may do what these rules say, whatever was granted before. */
  replace(rules: Rules): void {
    this.#rules = rules;
    this.#changed();
  }

  /**
   * Puts an identity under the rules, and keeps it there when they change.
   *
   * @param clientId undefined over HTTP
   * @param known the answer for the one who was here before, which is the answer if it is the same one
   */
  admit(identity: Identity, clientId: string | undefined, known?: Identity): Identity {
    const base = identity instanceof RuledIdentity ? identity.base : identity;
    if (known instanceof RuledIdentity && known.base === base && known.clientId === clientId) return known;
    return new RuledIdentity(this, { base, clientId, answersMax: this.#answersMax });
  }
}

class RuledIdentity implements Identity {
  readonly name: string;
  readonly method: string | undefined;
  readonly groups: readonly string[] | undefined;
  readonly rights: Rights | undefined;
  readonly kept: string;
  readonly base: Identity;
  readonly clientId: string | undefined;
  readonly #book: RuleBook;
  readonly #answersMax: number;
  /** By which the answers were found; who asks also depends on them. */
  #rules: Rules | undefined;
  #asker: Asker | undefined;
  #answers: Answers | undefined;

  constructor(
    book: RuleBook,
    { base, clientId, answersMax }: {
      readonly base: Identity;
      readonly clientId: string | undefined;
      readonly answersMax: number;
    },
  ) {
    this.name = base.name;
    this.method = base.method;
    this.groups = base.groups;
    this.rights = base.rights;
    this.kept = keptOf(base);
    this.base = base;
    this.clientId = clientId;
    this.#book = book;
    this.#answersMax = answersMax;
  }

  can(action: Action, topicOrFilter: string, retain = false): boolean {
    if (!this.base.can(action, topicOrFilter, retain)) return false;
    const { rules } = this.#book;
    if (rules === "deny" && !this.rights) return false;
    if (!rules || rules === "deny") return !isReserved(topicOrFilter) || isOfSys(topicOrFilter);
    return this.#ask(rules, questionOf(action, retain), topicOrFilter);
  }

  ended(now: number): IdentityEnd | undefined {
    return this.base.ended?.(now);
  }

  #ask(rules: Rules, question: Question, name: string): boolean {
    if (this.#rules !== rules) {
      this.#rules = rules;
      this.#asker = rules.askerOf(this.base, this.clientId);
      this.#answers = new Answers(this.#answersMax);
    }
    const answers = this.#answers!;
    const known = answers.get(name, question);
    if (known !== undefined) return known;
    const isAllowed = rules.ruleFor(this.#asker!, question, name)?.isAllowing === true;
    answers.set(name, question, isAllowed);
    return isAllowed;
  }
}

function isOfSys(name: string): boolean {
  return name.startsWith(SYS) && (name.length === SYS.length || name[SYS.length] === "/");
}
