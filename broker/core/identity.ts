/** What an identity may want to do with a topic (publish, receive) or a filter (subscribe). */
export type Action = "publish" | "subscribe" | "receive";

/** What a token or a service says that somebody may do, in filters. A list that is empty allows nothing. */
export interface Rights {
  readonly publish: readonly string[];
  /** Filters that they may subscribe to, or narrower ones; and read what these match. */
  readonly subscribe: readonly string[];
  /** What they may read besides, without subscribing: retained messages. */
  readonly read: readonly string[];
}

/**
 * Who somebody is and what they may do, after authentication. `can` answers at once and never throws, so that the
 * path of a message never waits. The same object answers for MQTT and HTTP, for live, retained, queued and replayed
 * messages alike.
 */
export interface Identity {
  /** For logs, limits and who a client identifier belongs to: a user name, or `anonymous`. */
  readonly name: string;
  /** How it was found out who they are: `jwt`. Undefined where that says nothing. */
  readonly method?: string | undefined;
  /** What they belong to, for rules; empty if nothing says. */
  readonly groups?: readonly string[] | undefined;
  /** What whoever vouched for them says that they may do at most; `can` minds it. Undefined: nothing is said. */
  readonly rights?: Rights | undefined;
  /** What the store keeps, so that `Authenticator.recall` finds the same again after a start; undefined: the name. */
  readonly kept?: string;
  /** @param retain whether a message to be published is to be retained */
  can(action: Action, topicOrFilter: string, retain?: boolean): boolean;
  /** Why it holds no longer, and what it opened must end; undefined while it holds. Asked about once a second. */
  ended?(now: number): IdentityEnd | undefined;
}

/** What the store keeps of who has a session. */
export function keptOf({ kept, name }: Identity): string {
  return kept ?? name;
}

/** The time that it was given for is over; or whoever gave it took it back. */
export type IdentityEnd = "token-expired" | "revoked";

/**
 * Why somebody is not let in. `unavailable`: it cannot be found out who they are; `busy`: not now; `too-many-failures`:
 * not from there for a while.
 */
export type AuthRefusal =
  | "bad-credentials"
  | "not-authorized"
  | "unavailable"
  | "busy"
  | "too-many-failures";

/** The name of those who showed none, and the broker's own: nobody else can have them. */
export const ANONYMOUS_NAME = "anonymous";
const BROKER_NAME = "broker";

export function isReservedName(name: string): boolean {
  return name === ANONYMOUS_NAME || name === BROKER_NAME;
}

/** The broker itself: it publishes `$SYS` and is never refused. */
export const BROKER_IDENTITY: Identity = { name: BROKER_NAME, can: () => true };
