/**
 * A map by string whose first entry stands in the object itself. Most nodes have one child and most filters one
 * subscriber, and a `Map` of one costs about 180 bytes.
 *
 *     one entry    #key, #value   #many = undefined
 *     more         #key unset     #many = Map(every entry); stays until the last entry goes
 *
 * `#many` stays so that a walk over `keys()` keeps its place while entries come and go.
 */
export class SmallMap<Value extends NonNullable<unknown>> {
  #key = "";
  #value: Value | undefined = undefined;
  #many: Map<string, Value> | undefined = undefined;

  get size(): number {
    return this.#many?.size ?? (this.#value === undefined ? 0 : 1);
  }

  get(key: string): Value | undefined {
    if (this.#many !== undefined) return this.#many.get(key);
    return this.#key === key ? this.#value : undefined;
  }

  /** Returns the value that this one replaces. */
  set(key: string, value: Value): Value | undefined {
    const previous = this.get(key);
    if (this.#many !== undefined) {
      this.#many.set(key, value);
    } else if (this.#value === undefined || this.#key === key) {
      this.#key = key;
      this.#value = value;
    } else {
      this.#many = new Map([[this.#key, this.#value], [key, value]]);
      this.#clear();
    }
    return previous;
  }

  /** Returns the value that went. */
  delete(key: string): Value | undefined {
    const previous = this.get(key);
    if (previous === undefined) return undefined;
    if (this.#many === undefined) {
      this.#clear();
    } else {
      this.#many.delete(key);
      if (this.#many.size === 0) this.#many = undefined;
    }
    return previous;
  }

  appendTo(list: Value[]): void {
    if (this.#value !== undefined) list.push(this.#value);
    else if (this.#many !== undefined) { for (const value of this.#many.values()) list.push(value); }
  }

  /** The keys, while the map may change: one that stays comes once, one that goes may, one that is added may. */
  keys(): IterableIterator<string> {
    if (this.#many !== undefined) return this.#many.keys();
    return this.#value === undefined ? [].values() : [this.#key].values();
  }

  #clear(): void {
    this.#key = "";
    this.#value = undefined;
  }
}
