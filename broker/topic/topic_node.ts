import { ownLevel } from "./level.ts";
import { SmallMap } from "./small_map.ts";
import { SortedLevels } from "./sorted_levels.ts";

/** Levels that went may make a sorted list twice as long as the children and this much more. */
const STALE_LEVELS_MAX = 16;

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
    if (this.#children.size === 0) this.#children = undefined;
    const stale = (this.#sorted?.length ?? 0) - 2 * (this.#children?.size ?? 0);
    if (this.#children === undefined || stale > STALE_LEVELS_MAX) this.#sorted = undefined;
  }

  /** The children's levels, live: the iterator may be kept while children come and go. */
  keys(): Iterator<string> {
    return this.#children?.keys() ?? [].values();
  }

  /** The children's levels in order, not before the given one; to be read before children come or go. */
  sortedKeys(from: string): Iterator<string> {
    if (this.#children === undefined) return [].values();
    this.#sorted ??= new SortedLevels([...this.#children.keys()]);
    return this.#sorted.from(from);
  }
}
