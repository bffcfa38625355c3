import { Random } from "../topic/random_names.ts";

const SECONDS = 4;

/** How long all fuzzing together may last; `PREGON_FUZZ_SECONDS` says otherwise. */
export function fuzzSeconds(): number {
  const seconds = Number(Deno.env.get("PREGON_FUZZ_SECONDS") ?? SECONDS);
  if (!(seconds > 0)) throw new Error(`Cannot fuzz for ${Deno.env.get("PREGON_FUZZ_SECONDS")} seconds`);
  return seconds;
}

export interface Round {
  readonly random: Random;
  readonly round: number;
  /** Says what is about to be played, so that a failure can print it: the folder of the corpus, and the text of the file. */
  say(target: string, input: string): void;
}

/**
 * Plays rounds until the time is over, each with randomness that follows from seed and number alone. Prints the seed;
 * the error of a failed round says how to play the same rounds again, and what to put into the corpus.
 */
export async function fuzz(
  seconds: number,
  playRound: (round: Round) => Promise<void>,
): Promise<number> {
  const seed = Number(Deno.env.get("PREGON_FUZZ_SEED") ?? crypto.getRandomValues(new Uint32Array(1))[0]);
  console.log(`PREGON_FUZZ_SEED=${seed}`);
  const deadline = performance.now() + seconds * 1000;
  let round = 0;
  let said = "It said no input";
  const say = (target: string, input: string) => said = `Input for tests/corpus/${target}/:\n${input}`;
  for (; performance.now() < deadline; round++) {
    try {
      await playRound({ random: new Random(seed + round * 0x9e3779b1), round, say });
    } catch (error) {
      const message = `Round ${round} failed; try again with PREGON_FUZZ_SEED=${seed}. ${said}`;
      throw new Error(message, { cause: error });
    }
  }
  return round;
}

type Mutation<Item> = (items: Item[], random: Random, others: readonly (readonly Item[])[]) => void;

const byteMutations: readonly Mutation<number>[] = [
  (bytes, random) => bytes[random.below(bytes.length)] = random.below(256),
  (bytes, random) => bytes[random.below(bytes.length)]! ^= 1 << random.below(8),
  (bytes, random) =>
    bytes[random.below(bytes.length)] = random.pick([0x00, 0x7f, 0x80, 0xff, 0x2b, 0x23, 0x24, 0x2f]),
  // A header that lies about its length, in the first packet or somewhere.
  (bytes, random) => bytes[Math.min(1, bytes.length - 1)] = random.below(256),
  (bytes, random) =>
    bytes.splice(random.below(bytes.length), 1, ...random.pick([[0xff, 0xff, 0x7f], [0x80, 0x01], [0x00]])),
];

/** Of anything that is a list: what was cut off, left out, doubled, or put together from two. */
function listMutations<Item>(): Mutation<Item>[] {
  return [
    (items, random) => items.splice(random.below(items.length)),
    (items, random) => items.splice(random.below(items.length), 1 + random.below(4)),
    (items, random) =>
      items.splice(random.below(items.length), 0, ...items.slice(random.below(items.length)).slice(0, 64)),
    (items, random, others) => {
      const other = random.pick(others);
      items.splice(random.below(items.length), items.length, ...other.slice(random.below(other.length)));
    },
  ];
}

/** The bytes after a few mutations. */
export function mutateBytes(bytes: Uint8Array, random: Random, others: readonly Uint8Array[]): Uint8Array {
  const lists = others.map((other) => [...other]);
  return Uint8Array.from(mutate([...bytes], random, [...byteMutations, ...listMutations<number>()], lists));
}

/** The text after a few mutations, by characters. */
export function mutateText(text: string, random: Random, options: {
  readonly others: readonly string[];
  /** What breaks such a text. */
  readonly pieces: readonly string[];
}): string {
  const insertion: Mutation<string> = (items, random) => {
    items.splice(random.below(items.length + 1), random.below(2), random.pick(options.pieces));
  };
  const mutations = [insertion, insertion, insertion, ...listMutations<string>()];
  return mutate([...text], random, mutations, options.others.map((other) => [...other])).join("");
}

/** Cuts bytes at random into pieces, sometimes into single bytes. */
export function pieces(bytes: Uint8Array, random: Random): Uint8Array[] {
  const found: Uint8Array[] = [];
  const most = Math.max(random.pick([1, 7, 300, bytes.length]), Math.ceil(bytes.length / 50));
  for (let start = 0; start < bytes.length;) {
    const end = Math.min(bytes.length, start + 1 + random.below(most));
    found.push(bytes.slice(start, end));
    start = end;
  }
  return found;
}

function mutate<Item>(
  items: Item[],
  random: Random,
  mutations: readonly Mutation<Item>[],
  others: readonly (readonly Item[])[],
): Item[] {
  for (let count = 1 + random.below(4); count > 0 && items.length > 0; count--) {
    random.pick(mutations)(items, random, others);
  }
  return items;
}
