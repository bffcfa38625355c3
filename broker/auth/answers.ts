import { type Question, QUESTION_BITS } from "./rule.ts";

/** Longer names are looked up each time: what is remembered must stay small. */
const NAME_LENGTH_MAX = 200;

/**
 * The latest answers about topics and filters, for one identity.
 *
 *     young   name -> [ allowed | known ]    one bit a question in each half
 *     old     the young of before: what is asked again moves to the young, the rest goes with the next change
 *
 * Two generations and not one list in the order of use: nothing is deleted one by one, which would leave V8 with tables
 * full of holes to tidy up.
 */
export class Answers {
  readonly #namesMax: number;
  #young = new Map<string, number>();
  #old = new Map<string, number>();

  /** @param namesMax of one generation */
  constructor(namesMax: number) {
    this.#namesMax = namesMax;
  }

  /** Names in both generations. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(name: string, question: Question): boolean | undefined {
    const bits = this.#young.get(name) ?? this.#recall(name);
    return (bits & question) === 0 ? undefined : (bits >> QUESTION_BITS & question) !== 0;
  }

  set(name: string, question: Question, isAllowed: boolean): void {
    if (name.length > NAME_LENGTH_MAX) return;
    const bits = this.#young.get(name) ?? 0;
    this.#put(name, bits | question | (isAllowed ? question << QUESTION_BITS : 0));
  }

  /** What the old generation knows, which from now on is young. */
  #recall(name: string): number {
    const bits = this.#old.get(name);
    if (bits === undefined) return 0;
    this.#put(name, bits);
    return bits;
  }

  #put(name: string, bits: number): void {
    if (this.#young.size >= this.#namesMax && !this.#young.has(name)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(name, bits);
  }
}
