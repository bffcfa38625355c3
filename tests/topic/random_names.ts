/** Seeded randomness, so that a failure can be run again: mulberry32. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0 to below the bound. */
  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error("Cannot pick from an empty list");
    return item;
  }
}

/** Few and nasty, so that random topics meet random filters: empty, case, NFC against NFD, beyond the BMP, long. */
const LEVELS = [
  "",
  "",
  "a",
  "b",
  "A",
  "a.b",
  " ",
  "é",
  "e\u0301",
  "😀",
  "\uffff",
  "$x",
  "$",
  "long level, over 13",
];
const FIRST_LEVELS = [...LEVELS, "$SYS", "$SYS"];

/** A valid topic of one to five levels. */
export function randomTopic(random: Random): string {
  const levels = [random.pick(FIRST_LEVELS)];
  for (let more = random.below(5); more > 0; more--) levels.push(random.pick(LEVELS));
  return levels.join("/") || "/"; // One empty level alone would be an empty topic
}

/** A valid filter of one to six levels, mostly with wildcards. */
export function randomFilter(random: Random): string {
  const levels = randomTopic(random).split("/").map((level) => random.below(3) === 0 ? "+" : level);
  if (random.below(3) === 0) levels[random.below(2) === 0 ? levels.length - 1 : levels.length] = "#";
  return levels.join("/");
}
