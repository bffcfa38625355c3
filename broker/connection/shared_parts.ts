import type { Offer } from "../auth/offer.ts";
import type { ByteBudget } from "../core/byte_budget.ts";
import type { Mentions } from "../core/mentions.ts";
import type { PropertyLimits, Slab, StringCache } from "../packet/mod.ts";
import type { BufferPool } from "../transport/buffer_pool.ts";
import type { ConnectionPort } from "./connection_port.ts";

/** What all connections of one server, and of one of its listeners, have in common. */
export interface SharedParts {
  readonly strings: StringCache;
  readonly propertyLimits: PropertyLimits;
  readonly slab: Slab;
  readonly pool: BufferPool;
  /** Bytes that wait in all outboxes. */
  readonly outboxBudget: ByteBudget;
  /** Whose publishing too fast the log has mentioned. */
  readonly throttled: Mentions;
  /** How clients may say there who they are; undefined: by all that is set up. */
  readonly offer?: Offer | undefined;
  /** Whether one more whose CONNECT was not accepted in time is to be ended at this look, of which it is one then. */
  takeOverdueEnd(): boolean;
  /** The connection's link is closed. */
  connectionOver(connection: ConnectionPort): void;
}
