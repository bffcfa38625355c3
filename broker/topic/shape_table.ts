import { FilterShapes } from "./filter_shapes.ts";

/**
 * The shapes of each subscriber's own filters, by its key: what it has of the shapes that all have together. A shape that
 * others have too counts for each of them, so that nobody's count depends on who else comes and goes.
 *
 * Filters without + take no part, as they do not in `FilterTree.shapeGrowthBy`; who has no other is not in the table. Most
 * of the others have one, and of that only the filter is kept: nodes would take 300 bytes for each of a fleet of devices.
 */
export class ShapeTable {
  readonly #shapes = new Map<string, FilterShapes | string>();

  /** Subscribers in the table. */
  get size(): number {
    return this.#shapes.size;
  }

  /** Nodes of the subscriber's shapes. */
  nodeCountOf(key: string): number {
    return this.#shapesOf(key).nodeCount;
  }

  /** What a filter would add to that. */
  growthBy(key: string, filter: string): number {
    return hasShape(filter) ? this.#shapesOf(key).growthBy(filter) : 0;
  }

  /** Counts a filter that the subscriber did not have. */
  add(key: string, filter: string): void {
    if (!hasShape(filter)) return;
    if (!this.#shapes.has(key)) {
      this.#shapes.set(key, filter);
      return;
    }
    const shapes = this.#shapesOf(key);
    shapes.add(filter);
    this.#shapes.set(key, shapes);
  }

  /** Takes out a filter that was added. */
  delete(key: string, filter: string): void {
    if (!hasShape(filter)) return;
    const shapes = this.#shapesOf(key);
    shapes.delete(filter);
    if (shapes.nodeCount === 0) this.#shapes.delete(key);
  }

  /** Made for the moment where one filter is kept, or none. */
  #shapesOf(key: string): FilterShapes {
    const kept = this.#shapes.get(key);
    if (kept instanceof FilterShapes) return kept;
    const shapes = new FilterShapes();
    if (kept !== undefined) shapes.add(kept);
    return shapes;
  }
}

function hasShape(filter: string): boolean {
  return filter.includes("+");
}
