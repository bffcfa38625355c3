/**
 * The shapes of filters, which is what they are when every level but + and # is the same: as many nodes as a topic can
 * meet in a `FilterTree`, whatever the topic and however many the filters.
 *
 *     a/+/c, b/+/c, b/+/#     (root) -- level -- + -- level      3 nodes for 3 filters, and for a million of that shape
 *
 * - A topic and the shape of the first levels name one node of a `FilterTree`, if it is there. So matching visits no more
 *   nodes than there are here. Without a bound for these, a or + on each of 19 levels and then x makes half a million
 *   filters, and a topic of nothing but a visits a million nodes on its way to none of them.
 * - To find what matches without visiting what nearly does is not to be had for every set of filters in memory that grows
 *   as they do, so it is not tried for any.
 * - A node counts the filters whose shape leads through it, and goes with the last of them.
 */
export class FilterShapes {
  readonly #root = new ShapeNode();
  #nodeCount = 0;

  /** Nodes without the root. */
  get nodeCount(): number {
    return this.#nodeCount;
  }

  /** How many nodes the filter would add. */
  growthBy(filter: string): number {
    let node: ShapeNode | undefined = this.#root;
    let growth = 0;
    for (const level of levelsOf(filter)) {
      node = level === "+" ? node?.any : node?.literal;
      if (node === undefined) growth++;
    }
    return growth;
  }

  add(filter: string): void {
    let node = this.#root;
    for (const level of levelsOf(filter)) {
      node = level === "+" ? node.any ??= new ShapeNode() : node.literal ??= new ShapeNode();
      if (node.filterCount++ === 0) this.#nodeCount++;
    }
  }

  /** Takes out a filter that was added. */
  delete(filter: string): void {
    let node = this.#root;
    for (const level of levelsOf(filter)) {
      const child = (level === "+" ? node.any : node.literal)!;
      if (--child.filterCount === 0) {
        this.#nodeCount--;
        if (level === "+") node.any = undefined;
        else node.literal = undefined;
      }
      node = child;
    }
  }
}

class ShapeNode {
  filterCount = 0;
  /** Below it, the next level is +. */
  any: ShapeNode | undefined = undefined;
  /** Below it, the next level is any other. */
  literal: ShapeNode | undefined = undefined;
}

/** Without #, which takes no node in a `FilterTree` either. */
function levelsOf(filter: string): readonly string[] {
  const levels = filter.split("/");
  if (levels.at(-1) === "#") levels.pop();
  return levels;
}
