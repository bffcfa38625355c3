import type { Pauses } from "./collector_pauses.ts";
import type { LoadResult, MessageShape, Shape, Use } from "./load/options.ts";

/** What is done with a broker: a load, no more than its start, or a load with an eye on its garbage collector. */
export type Task = Shape | { readonly kind: "start" } | {
  readonly kind: "pauses";
  readonly load: MessageShape;
};

/** What came of a task. */
export type Result = (LoadResult & { readonly pauses?: Pauses }) | StartResult;

export interface StartResult extends Use {
  readonly kind: "start";
  /** Until a client that connects has its CONNACK. */
  readonly milliseconds: number;
}
