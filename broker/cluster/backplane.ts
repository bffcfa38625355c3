import type { Message } from "../core/message.ts";

/** Carries this node's messages to the other nodes of a cluster; what they send arrives through `Broker.publish`. */
export interface Backplane {
  /** Queues the message for the others and returns at once. */
  forward(message: Message): void;
  close(): Promise<void>;
}
