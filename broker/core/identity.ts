/** What an identity may want to do with a topic (publish, receive) or a filter (subscribe). */
export type Action = "publish" | "subscribe" | "receive";

/**
 * Who somebody is and what they may do, after authentication. `can` answers at once and never throws, so that the
 * path of a message never waits. The same object answers for MQTT and HTTP, for live, retained, queued and replayed
 * messages alike.
 */
export interface Identity {
  /** For logs and limits: a user name, or `anonymous`. */
  readonly name: string;
  /** How it was found out who they are: `password-file`. Undefined where that says nothing. */
  readonly method?: string | undefined;
  /** What they belong to, for rules; empty if nothing says. */
  readonly groups?: readonly string[];
  /** @param retain whether a message to be published is to be retained */
  can(action: Action, topicOrFilter: string, retain?: boolean): boolean;
}

/** Why somebody is not let in. `unavailable`: it cannot be found out who they are; `busy`: not now. */
export type AuthRefusal = "bad-credentials" | "not-authorized" | "unavailable" | "busy";

/** The name of those who showed none: nobody else can have it. */
export const ANONYMOUS_NAME = "anonymous";

/** The broker itself: it publishes `$SYS` and is never refused. */
export const BROKER_IDENTITY: Identity = { name: "broker", can: () => true };
