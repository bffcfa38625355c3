import type { Message } from "../core/message.ts";
import type { Journal } from "./journal.ts";

/** What was kept of the events when the process ended. */
export interface RestoredEvents {
  /** In the order of their sequence, which may have holes. */
  readonly events: readonly Message[];
  /** Streams that had something kept for them: filter, and until when that counts in milliseconds since 1970. */
  readonly interests: readonly (readonly [filter: string, until: number])[];
  /** No event is missing from this sequence on … 0: none was ever kept. */
  readonly loggedFrom: number;
  /** … up to this one; behind it only those are there that were promised. */
  readonly loggedUntil: number;
  /** Shortly before this sequence a process ended without warning, and events that nobody was promised may be lost. */
  readonly unsureUntil: number;
}

const NOTHING: RestoredEvents = {
  events: [],
  interests: [],
  loggedFrom: 0,
  loggedUntil: 0,
  unsureUntil: 0,
};

/** What streams catch up from, as far as it outlives the process. Without a store that does, nothing of it does anything. */
export class EventJournal {
  readonly #journal: Journal | undefined;
  #restored = NOTHING;
  #isPromised: (topic: string) => boolean = () => false;

  constructor(journal: Journal | undefined) {
    this.#journal = journal;
  }

  get isDurable(): boolean {
    return this.#journal !== undefined;
  }

  /** @param logged the state of that name */
  restore(kept: Pick<RestoredEvents, "events" | "interests">, logged = "0 0 0"): void {
    const [loggedFrom = 0, loggedUntil = 0, unsureUntil = 0] = logged.split(" ").map(Number);
    this.#restored = { ...kept, loggedFrom, loggedUntil, unsureUntil };
  }

  /** Says which topics have events that are promised. */
  watch(isPromised: (topic: string) => boolean): void {
    this.#isPromised = isPromised;
  }

  /** Whether a QoS 1 or 2 message on the topic has an event that is promised to its publisher. */
  isPromised(topic: string): boolean {
    return this.#isPromised(topic);
  }

  /** What the process before this one left. Once: it is not held for longer. */
  takeRestored(): RestoredEvents {
    const restored = this.#restored;
    this.#restored = NOTHING;
    return restored;
  }

  /** @param isPromised whoever publishes it hears of it only when it is on the disk */
  put(message: Message, isPromised: boolean): void {
    this.#journal?.eventPut(message, isPromised);
  }

  /** Events before this sequence are not needed any more. */
  deleteBefore(sequence: number): void {
    this.#journal?.eventsDeleted(sequence);
  }

  /** All events between these have been put. */
  logged(from: number, until: number, unsureUntil: number): void {
    this.#journal?.statePut("logged", `${from} ${until} ${unsureUntil}`);
  }

  putInterest(filter: string, until: number): void {
    this.#journal?.interestPut(filter, until);
  }

  deleteInterest(filter: string): void {
    this.#journal?.interestDeleted(filter);
  }
}
