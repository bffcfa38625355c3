import type { TopicNode } from "./topic_node.ts";

/** Nodes visited before somebody else may have a turn: about 0.3 ms. */
const VISITED_MAX = 2_000;

/** Asks for each node's children in order, strictly after a topic if one is given. It need not be in the tree. */
export interface WalkOrder {
  readonly after: string | undefined;
}

/** One node whose children are being visited. The number of frames is the depth of those children. */
interface Frame<Value extends NonNullable<unknown>> {
  readonly node: TopicNode<Value>;
  readonly keys: Iterator<string>;
  /** Index of the filter's level that the children meet. */
  readonly index: number;
  /** Whether the node lies on the way to `after`. */
  readonly isOnWay: boolean;
}

/**
 * Visits the values of the topics that a filter matches, a topic before those below it. Undefined comes where much was
 * visited, so that the caller may let others have a turn.
 *
 * Holds a frame per level, so the tree may change between two values when the order does not matter: a node that went has
 * no children any more. In order it may change where undefined comes only: from there the walk finds its way anew, by the
 * levels of the last node that it visited.
 */
export function* walk<Value extends NonNullable<unknown>>(
  root: TopicNode<Value>,
  filter: string,
  order?: WalkOrder,
): Generator<Value | undefined> {
  const levels = filter.split("/");
  const frames: Frame<Value>[] = [];
  let after = order?.after?.split("/") ?? [];
  /** Levels of the last node visited behind `after`. */
  const place = [...after];
  let visitedCount = 0;
  /** A node on the way has children that are still to be put in order. */
  let isSorting = false;

  function enter(node: TopicNode<Value>, index: number, isOnWay: boolean): void {
    const level = levels[index];
    if (level === undefined || node.isLeaf) return;
    const from = isOnWay ? after[frames.length] ?? "" : "";
    let keys: Iterator<string>;
    if (level !== "+" && level !== "#") keys = (level < from ? [] : [level]).values();
    else if (order === undefined) keys = node.keys();
    else if (node.sortSome()) keys = node.sortedKeys(from);
    else return void (isSorting = true);
    frames.push({ node, keys, index, isOnWay });
  }

  enter(root, 0, after.length > 0);
  for (;;) {
    if (isSorting || visitedCount >= VISITED_MAX) {
      yield undefined;
      isSorting = false;
      visitedCount = 0;
      if (order !== undefined) {
        after = [...place];
        frames.length = 0;
        enter(root, 0, after.length > 0);
        continue;
      }
    }
    const frame = frames.at(-1);
    if (frame === undefined) return;
    const step = frame.keys.next();
    if (step.done === true) {
      frames.pop();
      continue;
    }
    const child = frame.node.child(step.value);
    if (child === undefined) continue; // Went since, or a literal level that is not there
    const isOnWay = frame.isOnWay && step.value === after[frames.length - 1];
    if (order !== undefined && !isOnWay) {
      place.length = frames.length;
      place[frames.length - 1] = step.value;
    }
    const index = levels[frame.index] === "#" ? frame.index : frame.index + 1;
    const isMatch = index === levels.length || levels[index] === "#"; // a/# matches a [MQTT-4.7.1-2]
    if (isMatch && !isOnWay && child.value !== undefined) yield child.value;
    enter(child, index, isOnWay);
    if (!isOnWay) visitedCount++;
  }
}
