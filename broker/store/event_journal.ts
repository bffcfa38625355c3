import type { Message } from "../core/message.ts";
import type { Journal } from "./journal.ts";

/** What was kept of the events when the process ended. */
export interface RestoredEvents {
  /** In the order of their sequence, which may have holes. */
  readonly events: readonly Message[];
  /** Streams that had something kept for them: filter, and until when that counts in milliseconds since 1970. */
  readonly interests: readonly (readonly [filter: string, until: number])[];
  /** Up to this sequence no event is missing between the oldest and itself; behind it, those of QoS 0 may be. */
  readonly logged: number;
}

const NOTHING: RestoredEvents = { events: [], interests: [], logged: 0 };

/** What streams catch up from, as far as it outlives the process. Without a store that does, nothing of it does anything. */
export class EventJournal {
  readonly #journal: Journal | undefined;
  #restored = NOTHING;

  constructor(journal: Journal | undefined) {
    this.#journal = journal;
  }

  get isDurable(): boolean {
    return this.#journal !== undefined;
  }

  restore(restored: RestoredEvents): void {
    this.#restored = restored;
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

  /** All events up to this sequence have been put. */
  loggedUntil(sequence: number): void {
    this.#journal?.statePut("logged", String(sequence));
  }

  putInterest(filter: string, until: number): void {
    this.#journal?.interestPut(filter, until);
  }

  deleteInterest(filter: string): void {
    this.#journal?.interestDeleted(filter);
  }
}
