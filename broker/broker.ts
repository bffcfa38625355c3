import type { Credentials, Grant } from "./auth/authenticator.ts";
import { Door, type DoorOptions } from "./auth/door.ts";
import { RuleBook, type RulesInForce } from "./auth/rule_book.ts";
import type { Backplane } from "./cluster/backplane.ts";
import { singleNode } from "./cluster/single_node.ts";
import { type Clock, systemClock } from "./core/clock.ts";
import { ALL_FEATURES, type Features } from "./core/features.ts";
import { BROKER_IDENTITY, type Identity } from "./core/identity.ts";
import { DEFAULT_LIMITS, type Limits } from "./core/limits.ts";
import { type Log, silentLog } from "./core/log.ts";
import { MemoryWatch } from "./core/memory_watch.ts";
import { isFalseText, Message, type MessageDraft } from "./core/message.ts";
import type { Publication, PublishWish, SubscribeOutcome } from "./core/outcome.ts";
import {
  PUBLISH_REFUSALS,
  type Refusal,
  type StoreRefusal,
  SUBSCRIBE_REFUSALS,
  type SubscribeRefusal,
} from "./core/refusal.ts";
import { RetainedStore } from "./core/retained_store.ts";
import { Router } from "./core/router.ts";
import type { Subscriber, Subscription, SubscriptionWish } from "./core/subscriber.ts";
import { TopicCheck } from "./core/topic_check.ts";
import { Turn } from "./core/turn.ts";
import { Counters } from "./metrics/counters.ts";
import type { Session } from "./session/session.ts";
import { SessionTable } from "./session/session_table.ts";
import { Restoration } from "./restoration.ts";
import { RetainedMessages } from "./retained_messages.ts";
import { EventJournal } from "./store/event_journal.ts";
import { Journal } from "./store/journal.ts";
import { MemoryStore } from "./store/memory_store.ts";
import { Sequence } from "./store/sequence.ts";
import { CommitError, type Store, StoreError } from "./store/store.ts";
import {
  checkFilter,
  hasWildcards,
  isReserved,
  isShared,
  parseShare,
  type TopicProblem,
} from "./topic/name.ts";

export interface BrokerOptions extends DoorOptions {
  readonly limits?: Partial<Limits>;
  readonly features?: Partial<Features>;
  /** What who is let in may do; without, everything that whoever let them in allows. */
  readonly rules?: RulesInForce;
  /** Whether a client identifier belongs to the user who has a session under it; true if nothing is said. */
  readonly clientIdPerUser?: boolean;
  readonly store?: Store;
  readonly backplane?: Backplane;
  readonly clock?: Clock;
  readonly log?: Log;
  /** Bytes that the process holds; asked about once a second, if they are bounded. */
  readonly readMemory?: () => number;
}

/** Sees every message that the broker takes, in order, after it was routed. It must not throw, nor publish. */
export type MessageObserver = (message: Message) => void;

const NO_IDENTIFIERS: readonly number[] = [];

/**
 * The one topic space that MQTT and HTTP share. Everything here runs to completion: what was checked stays true, and
 * whatever must be on disk before somebody hears of it waits in `turn`, not here.
 */
export class Broker {
  readonly limits: Limits;
  readonly features: Features;
  readonly counters: Counters = new Counters();
  readonly clock: Clock;
  readonly log: Log;
  readonly turn: Turn;
  readonly sessions: SessionTable;
  /** Undefined where nothing outlives the process. */
  readonly journal: Journal | undefined;
  /** What streams catch up from, across starts of the process. */
  readonly events: EventJournal;
  readonly retained: RetainedMessages;
  readonly door: Door;
  /** What everybody may do; `ruleBook.replace` changes it. */
  readonly ruleBook: RuleBook;
  readonly memory: MemoryWatch;
  readonly topicCheck: TopicCheck;
  readonly startedAt: number;
  readonly #store: Store;
  readonly #backplane: Backplane;
  readonly #router: Router;
  readonly #retained: RetainedStore;
  #observers: readonly MessageObserver[] = [];
  readonly #sequence: Sequence;

  constructor(options: BrokerOptions = {}) {
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.features = { ...ALL_FEATURES, ...options.features };
    this.clock = options.clock ?? systemClock;
    this.log = options.log ?? silentLog;
    this.startedAt = this.clock.now();
    this.#store = options.store ?? new MemoryStore();
    this.#backplane = options.backplane ?? singleNode;
    const { limits, clock, log, counters } = this;
    this.topicCheck = new TopicCheck(limits, counters);
    this.door = new Door(options, { limits, clock, log, counters });
    this.memory = new MemoryWatch({
      limits,
      log,
      read: options.readMemory ?? (() => Deno.memoryUsage().rss),
      onOverload: () => counters.memoryOverloads++,
    });
    this.ruleBook = new RuleBook(options.rules, limits.aclAnswersMax, () => this.rightsChanged());
    this.turn = new Turn(this.#store, {
      log: this.log,
      clock: this.clock,
      onFailed: () => this.counters.commitsFailed++,
      onRecovered: () => this.sessions.storeRecovered(),
    });
    if (this.#store.durable) {
      const { clock, limits: { storePendingBytesMax: pendingBytesMax } } = this;
      this.journal = new Journal(this.#store, this.turn, { clock, pendingBytesMax });
    }
    this.events = new EventJournal(this.journal);
    this.#sequence = new Sequence(this.journal);
    this.#router = new Router(this.limits, this.counters);
    this.#retained = new RetainedStore(this.limits, this.clock, this.journal);
    this.retained = new RetainedMessages(this.#retained, this.features, () => this.sequence);
    this.sessions = new SessionTable({
      limits: this.limits,
      counters: this.counters,
      log: this.log,
      now: () => this.clock.now(),
      journal: this.journal,
      clientIdPerUser: options.clientIdPerUser ?? true,
      isStoreFailing: () => this.turn.failure !== undefined,
      canStore: () => this.storeRefusal === undefined,
      publishWill: (identity, draft, publisherId) => this.publish(identity, draft, publisherId),
      orphaned: (sharedFilter, message) => this.#router.routeShared(sharedFilter, message, this.clock.now()),
      ending: (session) => {
        for (const filter of session.subscriptions.keys()) this.#router.remove(filter, session.id);
      },
      identityChanged: () => this.rightsChanged(),
    });
  }

  /**
   * A broker that goes on where the store's last one ended. Rejects with `StoreError` when the store cannot be used; then
   * it is closed, and nothing in it was changed.
   */
  static async open(options: BrokerOptions): Promise<Broker> {
    const broker = new Broker(options);
    try {
      await broker.#restore();
    } catch (error) {
      await broker.close();
      if (!(error instanceof CommitError)) throw error;
      throw new StoreError(
        `Cannot write to the store: ${error.message}; nothing could be promised to anybody`,
      );
    }
    return broker;
  }

  /** Part of every message id, `<epoch>-<sequence>`: another one means that the sequence began anew. */
  get epoch(): string {
    return this.#sequence.epoch;
  }

  /** Sequence number of the newest message; 0 before the first. */
  get sequence(): number {
    return this.#sequence.last;
  }

  get subscriptionCount(): number {
    return this.#router.subscriptionCount;
  }

  /** Says who somebody is; nobody, if that cannot be found out. The one thing here that may take time. */
  authenticate(credentials: Credentials): Grant | Promise<Grant> {
    const admitted = (grant: Grant): Grant =>
      grant.granted ? { ...grant, identity: this.admit(grant.identity, credentials.clientId) } : grant;
    const grant = this.door.authenticate(credentials);
    return grant instanceof Promise ? grant.then(admitted) : admitted(grant);
  }

  /**
   * Puts whoever was let in under the rules; a client that comes back is the one that it was.
   *
   * @param clientId empty as long as it has none, undefined over HTTP
   */
  admit(identity: Identity, clientId?: string): Identity {
    const known = clientId === undefined ? undefined : this.sessions.get(clientId)?.identity;
    return this.ruleBook.admit(identity, clientId, known);
  }

  /** Whether the identity may publish that; the same answer for MQTT, wills and HTTP. */
  publishRefusal(identity: Identity, wish: PublishWish): Refusal | undefined {
    const { features } = this;
    if (wish.qos > features.maximumQos) return "qos-not-supported"; // [MQTT5-3.2.2-11]
    if (wish.retain && !features.retainAvailable) return "retain-not-supported"; // [MQTT5-3.2.2-14]
    if (isReserved(wish.topic) && identity !== BROKER_IDENTITY) return "reserved-topic";
    if (!identity.can("publish", wish.topic, wish.retain)) return "denied";
    return features.checkPayloadFormat && isFalseText(wish) ? "payload-not-text" : undefined;
  }

  /**
   * Takes a message: checks the right to publish it, keeps it if it is retained, gives it to everybody who subscribed.
   * Nothing of a refused message happens.
   *
   * @param draft its topic is valid (`checkTopic`)
   * @param publisherId of the subscriber that publishes, if it is one
   */
  publish(identity: Identity, draft: MessageDraft, publisherId?: string): Publication {
    const refusal = this.publishRefusal(identity, draft) ??
      (draft.retain && !this.#canRetain(identity, draft) ? "retained-full" : undefined) ??
      (this.journal && this.#storeRefusalOf(draft, publisherId)) ??
      (this.memory.isOverloaded ? this.#memoryRefusalOf(identity, draft, publisherId) : undefined);
    if (refusal) return this.#refuse(identity, draft, refusal);
    const promiseCount = this.journal?.promiseCount;
    const message = new Message(draft, this.#sequence.next(), this.turn.now(), publisherId);
    this.counters.messagesReceived++;
    if (message.retain) this.#retain(message); // [MQTT-3.3.1-12] [MQTT5-3.3.1-8]
    const matched = this.#router.route(message);
    for (const observe of this.#observers) observe(message);
    if (message.isKept) message.compact();
    this.#backplane.forward(message);
    return { accepted: true, message, matched, isKept: this.journal?.promiseCount !== promiseCount };
  }

  /** Why nothing can be promised at the moment that must be on the disk; undefined while it can. */
  get storeRefusal(): StoreRefusal | undefined {
    if (!this.journal) return undefined;
    const { failure } = this.turn;
    if (failure !== undefined) {
      return failure instanceof CommitError && failure.isFull ? "store-full" : "store-failed";
    }
    return this.journal.isBusy ? "store-busy" : undefined;
  }

  /** Why nothing of the session can change at the moment; one that the store knows nothing of goes on as ever. */
  storeRefusalFor(session: Session): StoreRefusal | undefined {
    return session.isKept ? this.storeRefusal : undefined;
  }

  /** Says that some identity's `can` answers differently from now on: no answer is remembered beyond this call. */
  rightsChanged(): void {
    this.#router.forgetAll();
  }

  /**
   * Who is known changed: nothing that was remembered of them counts any more. Connections and streams of whoever is gone
   * end within a second; sessions that wait for their client are theirs who has the name now.
   */
  identitiesChanged(): void {
    this.door.forget();
    this.sessions.recallRevoked((kept, clientId) => this.admit(this.door.recall(kept), clientId));
    this.rightsChanged();
  }

  /** How many subscribers a message on the topic would have. */
  matchCount(topic: string): number {
    return this.#router.matchCount(topic);
  }

  /** Gives the subscriber the messages of the filter from now on, in the place of what it had for the same filter. */
  subscribe(subscriber: Subscriber, filter: string, wish: SubscriptionWish): SubscribeOutcome {
    const problem = checkFilter(filter, this.limits.topicLevelsMax);
    const refusal = this.filterRefusal(filter) ??
      (problem ? "invalid-filter" : this.#subscribeRefusal(subscriber, filter));
    if (refusal) return this.refuseSubscription(refusal, problem);
    const { noLocal = false, retainAsPublished = false, identifier = 0 } = wish;
    const qos = wish.qos < this.features.maximumQos ? wish.qos : this.features.maximumQos; // [MQTT5-3.2.2-10]
    const identifiers = identifier === 0 ? NO_IDENTIFIERS : [identifier];
    const subscription: Subscription = {
      filter,
      isShared: isShared(filter),
      qos,
      noLocal,
      retainAsPublished,
      identifiers,
      subscriber,
    };
    const previous = this.#router.add(subscription); // [MQTT-3.8.4-3] [MQTT5-3.8.4-3]
    return { granted: true, subscription, isNew: previous === undefined };
  }

  /** Whether filters like this one are offered at all, to whomever. [MQTT-3.8.3-2] */
  filterRefusal(filter: string): SubscribeRefusal | undefined {
    const { wildcardSubscriptionsAvailable, sharedSubscriptionsAvailable } = this.features;
    if (!sharedSubscriptionsAvailable && isShared(filter)) return "sharing-not-supported";
    return !wildcardSubscriptionsAvailable && hasWildcards(filter) ? "wildcards-not-supported" : undefined;
  }

  /** Counts a subscription that is not granted, for whatever reason and whoever found it. */
  refuseSubscription(refusal: SubscribeRefusal, problem?: TopicProblem): SubscribeOutcome {
    this.counters.subscriptionsRefused++;
    if (problem?.code === "too-many-levels") this.counters.met("topicLevelsMax");
    const { reasonCode } = SUBSCRIBE_REFUSALS[refusal];
    return { granted: false, refusal, reasonCode, ...(problem && { problem }) };
  }

  /** False if there was no such subscription. */
  unsubscribe(subscriber: Subscriber, filter: string): boolean {
    return this.#router.remove(filter, subscriber.id) !== undefined; // [MQTT-3.10.4-2] [MQTT5-3.10.4-2]
  }

  /** Shows every message to the observer from now on; the answer ends that. */
  observe(observer: MessageObserver): () => void {
    this.#observers = [...this.#observers, observer];
    return () => this.#observers = this.#observers.filter((other) => other !== observer);
  }

  /** Resolves when what was published up to now is as safe as the store makes it; rejects if it could not be kept. */
  settled(): Promise<void> {
    return this.turn.settled();
  }

  /** Commits what is left. Idempotent. */
  async close(): Promise<void> {
    this.#retained.close();
    await this.#backplane.close();
    this.#sequence.close();
    this.journal?.close();
    try {
      await this.turn.close();
    } catch (error) {
      this.log.error("commit-failed", { error: String(error) });
    }
    await this.#store.close();
  }

  async #restore(): Promise<void> {
    if (!this.journal) return;
    const restoration = new Restoration({
      journal: this.journal,
      retained: this.#retained,
      router: this.#router,
      sessions: this.sessions,
      recall: (kept, clientId) => this.admit(this.door.recall(kept), clientId),
    });
    // What is put back is recorded anew in part: sessions whose connections ended with the process, say.
    this.turn.hold();
    for await (const records of this.#store.load()) restoration.take(records);
    this.turn.release();
    const { state, events, interests, backlogs } = restoration.finish();
    this.#sequence.restore(state);
    this.events.restore({ events, interests }, state.logged);
    for (const [session, subscription] of backlogs) {
      session.outbound.deliverRetained(subscription, this.retained.source(session, subscription.filter));
    }
    this.turn.recorded();
    await this.turn.settled();
  }

  #subscribeRefusal({ identity, id }: Subscriber, filter: string): SubscribeRefusal | undefined {
    // Sharing is how messages are given out; the right is to what is received.
    if (!identity.can("subscribe", parseShare(filter)?.filter ?? filter)) return "denied";
    const isNew = !this.#router.get(filter, id);
    if (isNew && this.memory.isOverloaded) return "overloaded";
    return isNew && this.counters.met(this.#router.fullBy(filter, id)) ? "too-many-subscriptions" : undefined;
  }

  /** The broker's own topics are few, and needed most when others have filled the table. */
  #canRetain(identity: Identity, draft: MessageDraft): boolean {
    return identity === BROKER_IDENTITY || !this.counters.met(this.#retained.fullBy(draft));
  }

  /** While the store can take nothing, only what it need not know of goes on. */
  #storeRefusalOf({ topic, qos, retain }: MessageDraft, publisherId = ""): StoreRefusal | undefined {
    const refusal = this.storeRefusal;
    if (!refusal || isReserved(topic)) return undefined;
    const isKept = retain ||
      (qos > 0 && (this.#router.isKept(topic) || this.events.isPromised(topic))) ||
      (qos === 2 && this.sessions.get(publisherId)?.isKept);
    return isKept ? refusal : undefined;
  }

  /** While memory is short, what would stay in it. An empty retained message frees some. */
  #memoryRefusalOf(identity: Identity, draft: MessageDraft, publisherId?: string): Refusal | undefined {
    if (identity === BROKER_IDENTITY) return undefined;
    const staysRetained = draft.retain && draft.payload.length > 0;
    const wouldWait = () => this.#router.wouldWait(new Message(draft, 0, this.turn.now(), publisherId));
    return staysRetained || (draft.qos > 0 && wouldWait()) ? "overloaded" : undefined;
  }

  #retain(message: Message): void {
    if (message.payloadBytes === 0) {
      this.#retained.clear(message.topic); // [MQTT-3.3.1-10] [MQTT-3.3.1-11] [MQTT5-3.3.1-6] [MQTT5-3.3.1-7]
      return;
    }
    message.keep();
    this.#retained.put(message); // [MQTT-3.3.1-5] [MQTT-3.3.1-7] [MQTT5-3.3.1-5]
  }

  #refuse(identity: Identity, draft: MessageDraft, refusal: Refusal): Publication {
    this.counters.refusals[refusal]++;
    this.log.debug("publish-refused", { identity: identity.name, topic: draft.topic, refusal });
    return { accepted: false, refusal, reasonCode: PUBLISH_REFUSALS[refusal].reasonCode };
  }
}
