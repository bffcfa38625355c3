import { FilterShapes } from "./filter_shapes.ts";
import { ownLevel } from "./level.ts";
import { hasWildcards, isReserved } from "./name.ts";
import { SmallMap } from "./small_map.ts";

/**
 * Values by filter and key, found by topic. A key stands once under a filter: setting it again replaces its value.
 *
 *     #exact      "a/b" -> { key: value }            filters without wildcards: one look-up, whatever their number
 *
 *     #ordinary   (root)                             filters with wildcards, a node per level
 *                   |-- "a" -- "+" -- "c"            entries of a/+/c stand in "c"
 *                   |           '---- rest           entries of a/+/# stand in "+" as rest: they match a/x as well
 *                   '-- rest                         entries of #
 *     #reserved   (root) -- "$SYS" -- rest           the same for filters that begin with $
 *
 * - A topic that begins with $ looks into `#reserved` only, others into `#ordinary` only [MQTT-4.7.2-1] [MQTT5-4.7.2-1].
 * - A node but for the roots has entries, rest or children; it goes with the last of them.
 * - Filters are valid (`checkFilter`) and not shared: `$share/group/` is cut off before.
 * - Matching goes level by level, not by recursion, and ends where no filter goes deeper. It visits no more nodes than
 *   there are shapes (`FilterShapes`), so whoever bounds these bounds the time.
 */
export class FilterTree<Value extends NonNullable<unknown>> {
  readonly #exact = new Map<string, SmallMap<Value>>();
  readonly #ordinary = new FilterNode<Value>();
  readonly #reserved = new FilterNode<Value>();
  readonly #shapes = new FilterShapes();
  #size = 0;
  #nodeCount = 0;

  /** Values in the tree. */
  get size(): number {
    return this.#size;
  }

  /** Nodes of the wildcard filters without the roots, about 110 bytes each. Filters may be deep, so their count bounds no memory. */
  get nodeCount(): number {
    return this.#nodeCount;
  }

  /** Nodes that `match` visits at most. */
  get shapeCount(): number {
    return this.#shapes.nodeCount;
  }

  /** What a filter would add to `shapeCount`; nothing without +, since a topic has one such way only. */
  shapeGrowthBy(filter: string): number {
    return filter.includes("+") ? this.#shapes.growthBy(filter) : 0;
  }

  get(filter: string, key: string): Value | undefined {
    return this.#find(filter)?.get(key);
  }

  /** Returns the value that this one replaces. */
  set(filter: string, key: string, value: Value): Value | undefined {
    const entries = this.#find(filter) ?? this.#add(filter);
    const previous = entries.set(key, value);
    if (previous === undefined) this.#size++;
    return previous;
  }

  /** Returns the value that went. */
  delete(filter: string, key: string): Value | undefined {
    const entries = this.#find(filter);
    const previous = entries?.delete(key);
    if (previous === undefined) return undefined;
    this.#size--;
    if (entries?.size === 0) this.#remove(filter);
    return previous;
  }

  /** Appends the values of every filter that matches the topic, in no particular order, and returns the list. */
  match(topic: string, into: Value[] = []): Value[] {
    this.#exact.get(topic)?.appendTo(into); // No character is changed or folded [MQTT-4.7.3-4] [MQTT5-4.7.3-4]
    const root = this.#root(topic);
    if (!root.isEmpty) matchLevels(root, topic, into);
    return into;
  }

  #root(name: string): FilterNode<Value> {
    return isReserved(name) ? this.#reserved : this.#ordinary; // [MQTT-4.7.2-1]
  }

  #find(filter: string): SmallMap<Value> | undefined {
    if (!hasWildcards(filter)) return this.#exact.get(filter);
    let node: FilterNode<Value> | undefined = this.#root(filter);
    for (const level of filter.split("/")) {
      if (level === "#") return node.rest;
      node = node.child(level);
      if (node === undefined) return undefined;
    }
    return node.entries;
  }

  /** Makes the entries of a filter that has none. */
  #add(filter: string): SmallMap<Value> {
    const entries = new SmallMap<Value>();
    if (!hasWildcards(filter)) {
      this.#exact.set(filter, entries);
      return entries;
    }
    this.#shapes.add(filter);
    let node = this.#root(filter);
    for (const level of filter.split("/")) {
      if (level === "#") return node.rest = entries;
      let child = node.child(level);
      if (child === undefined) {
        child = new FilterNode();
        node.setChild(level, child);
        this.#nodeCount++;
      }
      node = child;
    }
    return node.entries = entries;
  }

  /** Takes out the entries of a filter, and the nodes that this leaves empty. */
  #remove(filter: string): void {
    if (!hasWildcards(filter)) {
      this.#exact.delete(filter);
      return;
    }
    this.#shapes.delete(filter);
    const path: { parent: FilterNode<Value>; level: string }[] = [];
    let node: FilterNode<Value> | undefined = this.#root(filter);
    for (const level of filter.split("/")) {
      if (level === "#") break;
      path.push({ parent: node, level });
      node = node.child(level);
      if (node === undefined) return;
    }
    if (filter.endsWith("#")) node.rest = undefined;
    else node.entries = undefined;
    for (let step = path.pop(); step !== undefined && node.isEmpty; step = path.pop()) {
      step.parent.deleteChild(step.level);
      this.#nodeCount--;
      node = step.parent;
    }
  }
}

class FilterNode<Value extends NonNullable<unknown>> {
  /** Of the filter that ends here. */
  entries: SmallMap<Value> | undefined = undefined;
  /** Of the filter that ends in # below here. */
  rest: SmallMap<Value> | undefined = undefined;
  /** The child for +. */
  any: FilterNode<Value> | undefined = undefined;
  children: SmallMap<FilterNode<Value>> | undefined = undefined;

  get isEmpty(): boolean {
    return this.entries === undefined && this.rest === undefined && this.any === undefined &&
      this.children === undefined;
  }

  child(level: string): FilterNode<Value> | undefined {
    return level === "+" ? this.any : this.children?.get(level);
  }

  setChild(level: string, child: FilterNode<Value>): void {
    if (level === "+") this.any = child;
    else (this.children ??= new SmallMap()).set(ownLevel(level), child);
  }

  deleteChild(level: string): void {
    if (level === "+") {
      this.any = undefined;
    } else {
      this.children?.delete(level);
      if (this.children?.size === 0) this.children = undefined;
    }
  }
}

/** Keeps the nodes that the levels so far lead to, at most those of one depth. */
function matchLevels<Value extends NonNullable<unknown>>(
  root: FilterNode<Value>,
  topic: string,
  into: Value[],
): void {
  let nodes = [root];
  for (let start = 0; start <= topic.length && nodes.length > 0;) {
    const slash = topic.indexOf("/", start);
    const end = slash === -1 ? topic.length : slash;
    const level = topic.slice(start, end);
    const next: FilterNode<Value>[] = [];
    for (const node of nodes) {
      node.rest?.appendTo(into);
      if (node.any !== undefined) next.push(node.any);
      const child = node.children?.get(level);
      if (child !== undefined) next.push(child);
    }
    nodes = next;
    start = end + 1;
  }
  for (const node of nodes) {
    node.entries?.appendTo(into);
    node.rest?.appendTo(into); // a/# matches a [MQTT-4.7.1-2]
  }
}
