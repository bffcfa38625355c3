import type { Identity } from "../core/identity.ts";
import type { Limits } from "../core/limits.ts";
import type { Counters } from "../metrics/counters.ts";
import type { MessageQueueBounds, Outgoing } from "./message_queue.ts";

/** The connection's side of a session, while there is one. */
export interface Outlet {
  /** Whether the peer takes so many bytes more, live messages included. */
  hasRoom(bytes: number): boolean;
  /** Whether so little waits for the peer that a backlog may add to it. */
  readonly isNearlyIdle: boolean;
  /** Has what waits gone on with when others had their turn. */
  pumpLater(): void;
  /** @param packetId 0 for QoS 0 */
  sendPublish(outgoing: Outgoing, packetId: number, dup: boolean): void;
  sendPubrel(packetId: number): void;
  /** Another connection presents the same client identifier. */
  takenOver(): void;
  /** QoS 1 and 2 messages that the client takes before it acknowledges one (Receive Maximum). */
  readonly receiveMaximum: number;
  /** Whether the client takes packets as large as this one would be (Maximum Packet Size). */
  fits(outgoing: Outgoing): boolean;
}

/** What all sessions of one table have in common. */
export interface SessionPorts {
  readonly limits: Limits;
  readonly counters: Counters;
  readonly queueBounds: MessageQueueBounds;
  /** Milliseconds since 1970, for expiry. */
  readonly now: () => number;
  /** Whether the store can take nothing at the moment. */
  readonly isStoreFailing: () => boolean;
}

export interface SessionInit {
  readonly clientId: string;
  readonly identity: Identity;
  /** How long it outlives its connection; 0: not at all, Infinity: as long as the broker lets it. */
  readonly expirySeconds: number;
}
