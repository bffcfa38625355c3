import type { StoreRecord } from "../../broker/store/records.ts";
import type { Random } from "../topic/random_names.ts";

const FILTERS = ["a", "a/+", "#", "$share/g/a"];
const ACTIONS = 19;

/**
 * Records as a journal could make them: few keys that come again and again, numbers of sessions, deliveries and messages
 * that are never given to another, and of each of those a life with a beginning and an end.
 */
export class RandomRecords {
  readonly #random: Random;
  #lastSessionId = 0;
  #lastDeliveryId = 0;
  #lastSequence = 0;
  #sessionIds: number[] = [];
  #deliveryIds: number[] = [];
  /** Messages that may be put: those that were are put again only after they were deleted. */
  #sequences: number[] = [];
  #deletedSequences: number[] = [];
  #eventsBefore = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  take(count: number): StoreRecord[] {
    const records: StoreRecord[] = [];
    while (records.length < count) {
      const record = this.#next(this.#random.below(ACTIONS));
      if (record) records.push(record);
    }
    return records;
  }

  #next(action: number): StoreRecord | undefined {
    const random = this.#random;
    switch (action) {
      case 0:
      case 1:
        return this.#message();
      case 2:
        return this.#messageDeleted();
      case 3:
        return { kind: "retained-put", topic: random.pick(FILTERS), sequence: random.below(100) };
      case 4:
        return { kind: "retained-deleted", topic: random.pick(FILTERS) };
      case 5:
      case 6:
      case 7:
        return this.#delivery();
      case 8:
        return this.#ofDelivery((deliveryId) => ({
          kind: "delivery-sent",
          deliveryId,
          packetId: random.below(65_535),
        }));
      case 9:
      case 10:
        return this.#deliveryDeleted();
      case 11:
        return { kind: "event-put", ...this.#fields(this.#eventsBefore + random.below(60)) };
      case 12:
        return { kind: "events-deleted", before: this.#eventsBefore += random.below(4) };
      case 13:
        return { kind: "interest-put", filter: random.pick(FILTERS), until: random.pick([1, Infinity]) };
      case 14:
        return { kind: "interest-deleted", filter: random.pick(FILTERS) };
      case 15:
        return { kind: "state-put", name: random.pick(["epoch", "sequence"]), value: `${random.below(9)}` };
      default:
        return this.#session(action);
    }
  }

  #session(action: number): StoreRecord | undefined {
    const random = this.#random;
    const fields = { clientId: "c", identity: "", expirySeconds: random.below(9), expiresAt: Infinity };
    if (this.#sessionIds.length === 0 || random.below(10) === 0) {
      this.#sessionIds.push(++this.#lastSessionId);
      return { kind: "session-put", sessionId: this.#lastSessionId, ...fields };
    }
    const index = random.below(this.#sessionIds.length);
    const sessionId = this.#sessionIds[index]!;
    const packetId = 1 + random.below(3);
    const filter = random.pick(FILTERS);
    if (random.below(8) === 0) {
      this.#sessionIds.splice(index, 1);
      return { kind: "session-deleted", sessionId };
    }
    if (action === 16) {
      if (random.below(3) === 0) return { kind: "subscription-deleted", sessionId, filter };
      const [noLocal, retainAsPublished, hasBacklog] = [0, 0, 0].map(() => random.below(2) === 0);
      return {
        kind: "subscription-put",
        sessionId,
        filter,
        qos: random.below(3),
        noLocal: noLocal!,
        retainAsPublished: retainAsPublished!,
        identifier: random.below(3),
        hasBacklog: hasBacklog!,
      };
    }
    if (action === 17) {
      return { kind: random.pick(["inbound-put", "inbound-deleted"] as const), sessionId, packetId };
    }
    if (random.below(3) === 0) return { kind: "will-deleted", sessionId };
    if (random.below(3) === 0) return { kind: "session-put", sessionId, ...fields };
    const { topic, payload, qos, retain, properties } = this.#fields(0);
    return { kind: "will-put", sessionId, dueAt: random.below(9), topic, payload, qos, retain, properties };
  }

  #message(): StoreRecord {
    const again = this.#random.below(4) === 0 ? this.#takeOut(this.#deletedSequences) : undefined;
    const sequence = again ?? ++this.#lastSequence;
    this.#sequences.push(sequence);
    return { kind: "message-put", ...this.#fields(sequence) };
  }

  #messageDeleted(): StoreRecord | undefined {
    const sequence = this.#takeOut(this.#sequences);
    if (sequence === undefined) return undefined;
    this.#deletedSequences.push(sequence);
    return { kind: "message-deleted", sequence };
  }

  #delivery(): StoreRecord {
    const random = this.#random;
    this.#deliveryIds.push(++this.#lastDeliveryId);
    return {
      kind: "delivery-put",
      deliveryId: this.#lastDeliveryId,
      sessionId: random.below(10),
      sequence: random.below(100),
      qos: random.below(3),
      retain: random.below(2) === 0,
      packetId: random.below(3),
      identifiers: [undefined, "1", "1,2"][random.below(3)],
      sharedFilter: [undefined, "$share/g/a"][random.below(2)],
    };
  }

  #deliveryDeleted(): StoreRecord | undefined {
    const deliveryId = this.#takeOut(this.#deliveryIds);
    return deliveryId === undefined ? undefined : { kind: "delivery-deleted", deliveryId };
  }

  #ofDelivery(make: (deliveryId: number) => StoreRecord): StoreRecord | undefined {
    return this.#deliveryIds.length === 0 ? undefined : make(this.#random.pick(this.#deliveryIds));
  }

  #takeOut(numbers: number[]): number | undefined {
    // Mostly the newest: what lives shorter than a batch is what batches leave out.
    const back = this.#random.below(Math.min(numbers.length, 5) + 1);
    return numbers.splice(Math.max(0, numbers.length - 1 - back), 1)[0];
  }

  /** The same for the same sequence, as a message never changes. */
  #fields(sequence: number) {
    return {
      sequence,
      time: sequence * 7,
      topic: FILTERS[sequence % 4]!,
      payload: new Uint8Array(sequence % 5).fill(sequence),
      qos: sequence % 3,
      retain: sequence % 2 === 0,
      properties: sequence % 3 === 0 ? undefined : Uint8Array.of(sequence % 256),
      publisherId: sequence % 4 === 0 ? undefined : `p${sequence}`,
    };
  }
}
