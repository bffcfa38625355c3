/** What an identity may want to do with a topic (publish, receive) or a filter (subscribe). */
export type Action = "publish" | "subscribe" | "receive";

/** How somebody showed who they are. */
export const IDENTITY_METHODS = ["anonymous", "password", "certificate", "token"] as const;
export type IdentityMethod = (typeof IDENTITY_METHODS)[number];

/**
 * Who somebody is and what they may do, after authentication. `can` answers at once and never throws, so that the
 * path of a message never waits. The same object answers for MQTT and HTTP, for live, retained, queued and replayed
 * messages alike.
 */
export interface Identity {
  /** For logs and limits: a user name, or `anonymous`. */
  readonly name: string;
  readonly method?: IdentityMethod | undefined;
  /** As far as whoever let them in knows; rules may count them among others. */
  readonly groups?: readonly string[] | undefined;
  /** @param retain whether a message to be published is to be retained */
  can(action: Action, topicOrFilter: string, retain?: boolean): boolean;
}

/** Why somebody is not let in. `unavailable`: it cannot be found out who they are; `busy`: not now. */
export type AuthRefusal = "bad-credentials" | "not-authorized" | "unavailable" | "busy";

/** The broker itself: it publishes `$SYS` and is never refused. */
export const BROKER_IDENTITY: Identity = { name: "broker", can: () => true };
