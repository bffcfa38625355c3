/** What a walk found, without the places at which it would let others have a turn. */
export function* found<Value>(walk: Iterable<Value | undefined>): Generator<Value> {
  for (const value of walk) if (value !== undefined) yield value;
}
