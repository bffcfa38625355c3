import { hasWildcards, isReserved } from "./name.ts";
import { TopicNode } from "./topic_node.ts";
import { walk } from "./topic_walk.ts";

/**
 * Values by topic, found by filter.
 *
 *     #ordinary   (root) -- "a" -- "b"     the value of a/b stands in "b"
 *     #reserved   (root) -- "$SYS" -- ...  the same for topics that begin with $
 *
 * - A filter that begins with $ looks into `#reserved` only, others into `#ordinary` only [MQTT-4.7.2-1] [MQTT5-4.7.2-1].
 * - A node but for the roots has a value or children; it goes with the last of them.
 * - Topics and filters are valid (`checkTopic`, `checkFilter`) and not shared.
 * - Nothing recurses, so depth costs memory but no stack.
 */
export class RetainedTree<Value extends NonNullable<unknown>> {
  readonly #ordinary = new TopicNode<Value>();
  readonly #reserved = new TopicNode<Value>();
  #size = 0;
  #nodeCount = 0;

  /** Topics in the tree. */
  get size(): number {
    return this.#size;
  }

  /** Nodes without the roots, about 110 bytes each. Topics may be deep, so their count bounds no memory. */
  get nodeCount(): number {
    return this.#nodeCount;
  }

  get(topic: string): Value | undefined {
    let node: TopicNode<Value> | undefined = this.#root(topic);
    for (const level of topic.split("/")) {
      node = node.child(level);
      if (node === undefined) return undefined;
    }
    return node.value;
  }

  /** Returns the value that this one replaces. */
  put(topic: string, value: Value): Value | undefined {
    let node = this.#root(topic);
    for (const level of topic.split("/")) {
      let child = node.child(level);
      if (child === undefined) {
        child = node.addChild(level);
        this.#nodeCount++;
      }
      node = child;
    }
    const previous = node.value;
    node.value = value;
    if (previous === undefined) this.#size++;
    return previous;
  }

  /** Returns the value that went. */
  delete(topic: string): Value | undefined {
    const path: { parent: TopicNode<Value>; level: string }[] = [];
    let node = this.#root(topic);
    for (const level of topic.split("/")) {
      const child = node.child(level);
      if (child === undefined) return undefined;
      path.push({ parent: node, level });
      node = child;
    }
    const previous = node.value;
    if (previous === undefined) return undefined;
    node.value = undefined;
    this.#size--;
    for (let step = path.pop(); step !== undefined && node.isEmpty; step = path.pop()) {
      step.parent.deleteChild(step.level);
      this.#nodeCount--;
      node = step.parent;
    }
    return previous;
  }

  /**
   * Walks the values of the topics that a filter matches, in no particular order. The caller may stop, change the tree,
   * and go on: a topic that stays all the while comes once, with the value that it has then; one that goes before its
   * turn does not come; one that is added may or may not come, so one that goes and returns may come twice.
   *
   * Undefined comes where much was visited: others may have a turn. Until it goes on, a walk that rests holds about 50 bytes for each child that comes to a node on its way.
   */
  *match(filter: string): Generator<Value | undefined> {
    if (hasWildcards(filter)) return yield* walk(this.#root(filter), filter);
    const value = this.get(filter);
    if (value !== undefined) yield value;
  }

  /**
   * As `match`, in an order that no change of other topics disturbs: level by level, each level by its UTF-16 code units, a
   * topic before those below it. That is not the order of the whole strings: a, a/b, a/b/c, a/c, a.b. The tree may change
   * where undefined comes, but not between two values: who rests there begins anew after the last one's topic.
   *
   * Costs the nodes that the filter meets on the way, and once for each to put its children's levels in order.
   *
   * @param after the topic before the first, usually the last of a page. It need not be in the tree any more.
   */
  inOrder(filter: string, after?: string): Generator<Value | undefined> {
    return walk(this.#root(filter), filter, { after });
  }

  #root(name: string): TopicNode<Value> {
    return isReserved(name) ? this.#reserved : this.#ordinary; // [MQTT-4.7.2-1]
  }
}
