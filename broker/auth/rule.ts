import type { Action } from "../core/identity.ts";

/** The words for how somebody showed who they are. */
export const RULE_METHODS = ["anonymous", "password-file", "jwt", "certificate", "hook"] as const;

/** What is asked, one bit each: a message that is to be retained is another question than one that is not. */
const PUBLISH = 1;
const PUBLISH_RETAINED = 2;
const SUBSCRIBE = 4;
const RECEIVE = 8;

/** Of `QUESTION_BITS` bits, exactly one; a rule's questions may be several. */
export type Question = number;
export const QUESTION_BITS = 4;

/** The words that a rule names questions by. Who may read a topic may subscribe to it, or could not read it. */
export const RULE_WORDS = {
  publish: PUBLISH | PUBLISH_RETAINED,
  subscribe: SUBSCRIBE,
  read: SUBSCRIBE | RECEIVE,
  all: PUBLISH | PUBLISH_RETAINED | SUBSCRIBE | RECEIVE,
} as const satisfies Readonly<Record<string, Question>>;

/** What `retain` leaves of a rule's questions. */
export const NOT_ABOUT_RETAIN: Readonly<Record<"true" | "false", Question>> = {
  true: PUBLISH,
  false: PUBLISH_RETAINED,
};

/** One rule of an `acl-file`. Each condition that there is must hold, and of a list one entry is enough. */
export interface Rule {
  /** From 1, in the order of the file. */
  readonly number: number;
  readonly line: number;
  readonly isAllowing: boolean;
  readonly questions: Question;
  /** Filters in which a level may be `%u` or `%c`. */
  readonly patterns: readonly string[];
  readonly users?: ReadonlySet<string> | undefined;
  readonly groups?: ReadonlySet<string> | undefined;
  readonly clients?: ReadonlySet<string> | undefined;
  readonly methods?: ReadonlySet<string> | undefined;
}

/** Who asks, as rules see it. */
export interface Asker {
  /** In the form of SASLprep; undefined for who showed no name. */
  readonly user: string | undefined;
  /** Undefined over HTTP. */
  readonly clientId: string | undefined;
  readonly groups: readonly string[];
  readonly method: string | undefined;
  /** What `%u` and `%c` stand for; undefined where they stand for nothing. */
  readonly userLevel: string | undefined;
  readonly clientLevel: string | undefined;
}

export function questionOf(action: Action, retain: boolean): Question {
  if (action === "publish") return retain ? PUBLISH_RETAINED : PUBLISH;
  return action === "subscribe" ? SUBSCRIBE : RECEIVE;
}

/** Whether every condition on who asks holds. */
export function concerns({ users, groups, clients, methods }: Rule, asker: Asker): boolean {
  if (users && (asker.user === undefined || !users.has(asker.user))) return false;
  if (clients && (asker.clientId === undefined || !clients.has(asker.clientId))) return false;
  if (groups && !asker.groups.some((group) => groups.has(group))) return false;
  return !methods || (asker.method !== undefined && methods.has(asker.method));
}

/** A name as a level of its own; undefined for one that would be more, less or other than that. (Mosquitto CVE-2017-7650) */
export function levelOf(name: string | undefined): string | undefined {
  return name === undefined || name === "" || /[+#/\0]/.test(name) ? undefined : name;
}
