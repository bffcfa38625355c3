import { ownLevel } from "./level.ts";
import { SmallMap } from "./small_map.ts";
import { SortedLevels } from "./sorted_levels.ts";

/** One level of a `RetainedTree`. */
export class TopicNode<Value extends NonNullable<unknown>> {
  value: Value | undefined = undefined;
  /** Undefined rather than empty. */
  #children: SmallMap<TopicNode<Value>> | undefined = undefined;
  /** Undefined until the first page needs it. */
  #sorted: SortedLevels | undefined = undefined;

  get isEmpty(): boolean {
    return this.value === undefined && this.#children === undefined;
  }

  get isLeaf(): boolean {
    return this.#children === undefined;
  }

  child(level: string): TopicNode<Value> | undefined {
    return this.#children?.get(level);
  }

  addChild(level: string): TopicNode<Value> {
    const child = new TopicNode<Value>();
    const key = ownLevel(level);
    (this.#children ??= new SmallMap()).set(key, child);
    this.#sorted?.add(key);
    return child;
  }

  deleteChild(level: string): void {
    if (this.#children === undefined) return;
    this.#children.delete(level);
    this.#sorted?.delete(level);
    if (this.#children.size === 0) this.#children = this.#sorted = undefined;
  }

  /** The children's levels, live: the iterator may be kept while children come and go. */
  keys(): Iterator<string> {
    return this.#children?.keys() ?? [].values();
  }

  /** Puts some of the children's levels in order, and answers whether all are. */
  sortSome(): boolean {
    this.#sorted ??= new SortedLevels(this.keys());
    return this.#sorted.sortSome();
  }

  /** The children's levels in order, not before the given one, once they are; to be read before children come or go. */
  sortedKeys(from: string): Iterator<string> {
    return this.#sorted?.from(from) ?? [].values();
  }
}
