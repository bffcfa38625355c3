import type { Offer } from "../auth/offer.ts";
import type { Broker } from "../broker.ts";
import { CLOSE_REASON_CODES, type CloseReason, SILENT_REASONS } from "../core/close_reason.ts";
import { AssertionError } from "../core/errors.ts";
import { InboundAliases } from "../core/topic_alias.ts";
import type { Flushable } from "../core/turn.ts";
import {
  type AckType,
  ackWord,
  decode,
  encode,
  encodeVersionRefusal,
  FrameReader,
  isReasonOf,
  type Packet,
  ReasonCode,
  UnsupportedVersionError,
  type Version,
} from "../packet/mod.ts";
import type { Outgoing } from "../session/message_queue.ts";
import type { Session } from "../session/session.ts";
import type { Will } from "../session/will.ts";
import { Outbox, type OutboxOwner } from "../transport/outbox.ts";
import type { Link } from "../transport/transport.ts";
import { type Answer, encodeAnswer } from "./answer.ts";
import type { Authentication } from "./authentication.ts";
import { logClose } from "./close_log.ts";
import { type ConnectionPort, NO_PEER_LIMITS, type PeerLimits } from "./connection_port.ts";
import { dispatch, dispatchFirst } from "./dispatch.ts";
import { failureOf } from "./failure.ts";
import { PeerFrames } from "./peer_frames.ts";
import { type PublishThrottle, throttleOf } from "./publish_throttle.ts";
import { ReadBuffer } from "./read_buffer.ts";
import type { SharedParts } from "./shared_parts.ts";
import { StallWatch } from "./stall_watch.ts";

/** While no more than this waits for the peer, a backlog of retained messages may add to it. */
const NEARLY_IDLE_BYTES = 64 * 1024;
/** Bytes of a packet that is not whole yet keep a client alive if they come by so many; a trickle does not. */
const PROGRESS_BYTES = 1024;

/**
 * One link that speaks MQTT, from its first byte to its end.
 *
 *     awaiting CONNECT ──accepted──> open ──close()──> closing (last bytes leave) ──> over
 *             '────────────────────────close()────────────^
 *
 * `close` does all that others can see at once (session detached, will published); only the link lives on for a moment,
 * so that the last answer reaches the peer.
 */
export class Connection implements ConnectionPort, OutboxOwner, Flushable {
  readonly broker: Broker;
  readonly peer: string;
  readonly openedAt: number;
  readonly link: Link;
  readonly offer: Offer | undefined;
  version: Version = 4;
  clientId = "";
  keepAliveSeconds = 0;
  will: Will | undefined;
  peerLimits: PeerLimits = NO_PEER_LIMITS;
  authentication: Authentication | undefined;
  readonly #shared: SharedParts;
  readonly #frames: FrameReader;
  readonly #outbox: Outbox;
  #session: Session | undefined;
  #closeReason: CloseReason | undefined;
  #closedAt = 0;
  #receivedAt: number;
  readonly #stallWatch: StallWatch;
  /** Only where there is a rate to keep. */
  #throttle: PublishThrottle | undefined;
  #inboundAliases: InboundAliases | undefined;
  /** Of a client of MQTT 5.0; before, all get the same. */
  #peerFrames: PeerFrames | undefined;
  /** Somebody waits for room in the outbox. */
  #isStarving = false;
  /** There was no room when somebody last asked. */
  #isFull = false;
  /** What the journal had promised before the packet that is being handled, or before its handler went on. */
  #promiseCount = 0;

  constructor(broker: Broker, link: Link, shared: SharedParts) {
    this.broker = broker;
    this.link = link;
    this.offer = shared.offer;
    this.#shared = shared;
    this.peer = link.peer;
    this.openedAt = this.#receivedAt = broker.clock.now();
    this.#frames = new FrameReader(broker.limits.connectBytesMax, shared);
    this.#outbox = new Outbox({
      link,
      pool: shared.pool,
      budget: shared.outboxBudget,
      bytesMax: broker.limits.outboxBytesMax,
      owner: this,
    });
    this.#stallWatch = new StallWatch(this.#outbox, this.openedAt);
  }

  /** Only after CONNECT was accepted. */
  get session(): Session {
    if (!this.#session) throw new AssertionError("The connection has no session yet");
    return this.#session;
  }

  get isOpen(): boolean {
    return this.#session !== undefined && this.#closeReason === undefined;
  }

  get isClosing(): boolean {
    return this.#closeReason !== undefined;
  }

  /**
   * Reads and handles until the connection ends, by whichever side. Never rejects, but may never resolve: who says who
   * the client is may never answer. `SharedParts.connectionOver` tells of the end.
   */
  async run(): Promise<void> {
    try {
      await this.#readAll();
    } catch (error) {
      this.fail(error);
    }
  }

  beginHandling(): void {
    const { journal } = this.broker;
    if (journal) this.#promiseCount = journal.promiseCount;
  }

  /** The CONNECT was accepted: from now on packets of the usual size are read. */
  open(session: Session): void {
    this.#session = session;
    if (this.version === 5) {
      this.#peerFrames = new PeerFrames(this.peerLimits, this.broker.limits.topicAliasesMax);
    }
    this.#frames.packetBytesMax = this.broker.limits.packetBytesMax;
    this.#throttle = throttleOf(this, this.#shared.throttled);
  }

  /** Queues a packet for the peer; it leaves when the turn ends and whatever it promises is kept. */
  send(bytes: Uint8Array): void {
    if (this.#closeReason !== undefined) return;
    if (bytes.length <= this.peerLimits.packetBytesMax) this.#outbox.push(bytes); // [MQTT5-3.1.2-24]
    else this.close("answer-too-large", tooLargeFor(this.peerLimits, bytes));
  }

  answer(answer: Answer, reason: string | undefined): void {
    this.promise(encodeAnswer(answer, reason, this));
  }

  /** Queues an acknowledgement: it must not leave before the commit of what it acknowledges. */
  acknowledge(type: "puback" | "pubrec" | "pubcomp", packetId: number, reasonCode = 0): void {
    if (this.#hasPromised) this.#restOnCommit();
    this.#pushAck(type, packetId, reasonCode);
  }

  acknowledgeAgain(type: "pubrec" | "pubcomp", packetId: number, reasonCode = 0): void {
    this.#restOnCommit();
    this.#pushAck(type, packetId, reasonCode);
  }

  /** As `send`, for an answer that promises something the store was given. */
  promise(bytes: Uint8Array): void {
    if (this.#hasPromised) this.#restOnCommit();
    this.send(bytes);
  }

  hasRoom(bytes: number): boolean {
    const hasRoom = this.#outbox.hasRoom(bytes);
    if (!hasRoom && !this.#isFull) this.broker.counters.met(this.#outbox.fullBy(bytes));
    this.#isFull = !hasRoom;
    if (!hasRoom) this.#isStarving = true;
    return hasRoom;
  }

  get isNearlyIdle(): boolean {
    const isNearlyIdle = this.#outbox.bytes < NEARLY_IDLE_BYTES;
    if (!isNearlyIdle) this.#isStarving = true;
    return isNearlyIdle;
  }

  get receiveMaximum(): number {
    return this.peerLimits.receiveMaximum;
  }

  fits(outgoing: Outgoing): boolean {
    return this.#peerFrames === undefined || this.#peerFrames.fits(outgoing);
  }

  sendPublish(outgoing: Outgoing, packetId: number, dup: boolean): void {
    if (this.#closeReason !== undefined) return;
    const { message, qos, retain } = outgoing;
    // At QoS 1 the worst is that it comes again after a crash.
    if (qos === 2 && outgoing.deliveryId > 0) this.#restOnCommit();
    const frame = this.#peerFrames?.take(outgoing, this.broker.turn.now()) ??
      message.frame(qos, this.version);
    const firstByte = 0x30 | (dup ? 0x08 : 0) | (qos << 1) | (retain ? 0x01 : 0);
    this.#outbox.pushPublish(frame, firstByte, packetId);
    this.broker.counters.messagesSent++;
  }

  /** Sent before its release is on the disk, the message could come a second time after a crash. */
  sendPubrel(packetId: number, reasonCode = 0): void {
    if (this.#session?.isKept) this.#restOnCommit();
    this.#pushAck("pubrel", packetId, reasonCode);
  }

  resolveTopic(topic: string, alias: number): string {
    if (alias === 0) return topic;
    this.#inboundAliases ??= new InboundAliases(this.broker.limits.topicAliasesMax);
    return this.#inboundAliases.resolve(topic, alias);
  }

  outboxDirty(): void {
    this.broker.turn.touch(this);
  }

  outboxDrained(): void {
    if (this.#isStarving) this.pumpLater();
    this.#isStarving = false;
  }

  /** Others are heard first: beside 100,000 retained messages for one client, another's took 230 ms (p99), now 5 ms. */
  pumpLater(): void {
    this.broker.turn.later(() => {
      try {
        if (this.isOpen) this.#session!.outbound.pump();
      } catch (error) {
        this.fail(error);
      }
    });
  }

  outboxSent(bytes: number): void {
    this.broker.counters.bytesSent += bytes;
  }

  outboxFailed(error: unknown): void {
    this.close("link-failed", String(error));
    // It may have been closing already, for the sake of bytes that nobody takes any more.
    this.#outbox.abandon();
  }

  outboxOver(): void {
    this.#shared.connectionOver(this);
  }

  get restsOnBatch(): number {
    return this.#outbox.restsOnBatch;
  }

  flush(): void {
    this.#outbox.flush();
    if (this.#closeReason !== undefined) this.#outbox.end(); // [MQTT5-3.14.4-2]
  }

  flushKept(): void {
    this.#outbox.flushKept();
  }

  /** What the connection promised could not be kept. [MQTT-4.8.0-2] */
  abandon(): void {
    this.close("store-failed");
    this.#outbox.abandon();
  }

  takenOver(): void {
    this.close("session-taken-over"); // [MQTT5-3.1.4-3]
  }

  /**
   * Ends the connection: at once for everybody else, and for the peer after the bytes that already wait for it.
   * Idempotent.
   */
  close(reason: CloseReason, detail?: string, reasonCode: number = CLOSE_REASON_CODES[reason]): void {
    if (this.#closeReason !== undefined) return;
    if (this.version === 5 && this.#session) this.#sayDisconnect(reason, detail, reasonCode); // [MQTT5-3.14.0-1]
    this.#closeReason = reason;
    this.#closedAt = this.broker.clock.now();
    this.broker.counters.closes[reason]++;
    this.#throttle?.end();
    logClose(this, reason, detail);
    if (reason === "client-disconnect") this.will = undefined; // [MQTT-3.14.4-3] [MQTT5-3.14.4-3]
    if (this.#session) this.broker.sessions.close(this.#session, this, this.will);
    if (reason === "link-failed" || reason === "slow-consumer") this.#outbox.abandon();
    else this.broker.turn.touch(this); // The last bytes leave at the end of the turn, and the link with them
  }

  /** Before CONNACK there is no DISCONNECT, so CONNACK says it. [MQTT5-3.14.0-1] */
  fail(error: unknown): void {
    const { reason, detail, reasonCode = CLOSE_REASON_CODES[reason] } = failureOf(error);
    const isTooLarge = reason === "packet-too-large";
    if (isTooLarge) this.broker.counters.met(this.#session ? "packetBytesMax" : "connectBytesMax");
    const refusal = error instanceof UnsupportedVersionError
      ? encodeVersionRefusal(error)
      : this.authentication && !this.#session
      ? encode({ type: "connack", sessionPresent: false, reasonCode }, this.version)
      : undefined;
    if (refusal) this.send(refusal);
    this.close(reason, detail, reasonCode); // [MQTT5-4.13.2-1]
  }

  /**
   * Ends what lasted too long: no CONNECT (of many not all at once), no packet within 1.5 times the keep-alive, no progress of the peer in taking
   * its bytes, no end of a close. Called about once a second.
   */
  checkTime(now: number): void {
    const { limits: { connectTimeoutSeconds, lingerSeconds, stallSeconds }, counters } = this.broker;
    if (this.#throttle?.isPausing) this.#receivedAt = now; // It may have sent: we do not look.
    if (this.#closeReason !== undefined) {
      if (now - this.#closedAt < lingerSeconds * 1000) return;
      counters.met("lingerSeconds");
      this.#outbox.abandon();
    } else if (this.link.certificate?.isGone) {
      this.close("revoked"); // Whatever else its client showed: without the certificate it had not come so far.
    } else if (!this.#session && now - this.openedAt >= connectTimeoutSeconds * 1000) {
      if (this.#shared.takeOverdueEnd()) this.close("not-connected-in-time");
    } else if (this.keepAliveSeconds > 0 && now - this.#receivedAt > this.keepAliveSeconds * 1500) {
      const seconds = this.keepAliveSeconds;
      this.close("keep-alive-timeout", `Nothing came in 1.5 times the keep-alive of ${seconds} seconds`); // [MQTT-3.1.2-24] [MQTT5-3.1.2-22]
    } else if (this.#stallWatch.hasStalled(now, stallSeconds)) {
      counters.met("stallSeconds");
      this.close("slow-consumer");
    } else if (this.#session) {
      const end = this.#session.identity.ended?.(now);
      if (end) return this.close(end);
      this.#session.outbound.compact();
      // Room may have come from elsewhere: all outboxes share one budget.
      this.outboxDrained();
    }
  }

  async #readAll(): Promise<void> {
    const { limits, counters, turn } = this.broker;
    const buffer = new ReadBuffer(limits.readBufferBytesMin, limits.readBufferBytesMax);
    const answersMax = 2 * Math.max(limits.outboxBytesMax, limits.packetBytesMax);
    for (;;) {
      const direct = this.#frames.room();
      const count = await this.link.read(direct ?? buffer.room(this.#frames.isAfterLarge));
      if (this.#closeReason !== undefined) return;
      if (count === null) return this.close("link-closed");
      counters.bytesReceived += count;
      turn.nextSource();
      let isAlive = count >= PROGRESS_BYTES;
      if (direct) this.#frames.filled(count);
      else this.#frames.push(buffer.take(count), true);
      // No packet after the one that ended the connection is handled. [MQTT-3.1.4-5] [MQTT-3.14.4-2] [MQTT5-3.1.4-6] [MQTT5-3.14.4-1]
      while (this.#closeReason === undefined && this.#frames.next()) {
        isAlive = true;
        const packet = decode(this.#frames, this.version);
        const admission = this.#throttle?.admit(packet, this.#frames.packetBytes);
        if (admission && !await admission) return;
        this.beginHandling();
        const waiting = this.#handle(packet);
        if (waiting) await waiting;
      }
      if (isAlive) this.#receivedAt = turn.now();
      // Messages respect the bound. Answers may take as much again, lest messages end a peer that does read.
      if (this.#outbox.bytes > answersMax) this.close("slow-consumer", "Answers wait as well");
    }
  }

  #handle(packet: Packet): Promise<void> | undefined {
    if (!this.#session) return dispatchFirst(this, packet); // [MQTT5-3.2.0-2]
    dispatch(this, packet);
    return undefined;
  }

  /** For one without a reason there is no time to make an array. */
  #pushAck(type: AckType, packetId: number, reasonCode: number): void {
    if (this.#closeReason !== undefined) return;
    if (reasonCode === 0 || this.version !== 5) this.#outbox.pushWord(ackWord(type, packetId)); // [MQTT-2.3.1-6] [MQTT5-2.2.1-5]
    else this.send(encode({ type, packetId, reasonCode }, this.version));
  }

  /** Tells a client of MQTT 5.0 why, where it is not the one who left. [MQTT5-4.13.1-1] */
  #sayDisconnect(reason: CloseReason, detail: string | undefined, reasonCode: number): void {
    if (SILENT_REASONS.has(reason)) return;
    const code = isReasonOf("disconnect", reasonCode) ? reasonCode : ReasonCode.unspecifiedError;
    const told = reason === "internal-error" ? undefined : detail;
    const bytes = encodeAnswer({ type: "disconnect", reasonCode: code }, told, this);
    if (bytes.length <= this.peerLimits.packetBytesMax) this.#outbox.push(bytes);
  }

  /** Whether the store was told of something since the packet that is being handled came. */
  get #hasPromised(): boolean {
    return this.broker.journal !== undefined && this.broker.journal.promiseCount !== this.#promiseCount;
  }

  #restOnCommit(): void {
    const batch = this.broker.turn.openBatch;
    if (batch > 0) this.#outbox.restOn(batch);
  }
}

function tooLargeFor({ packetBytesMax }: PeerLimits, bytes: Uint8Array): string {
  return `Cannot answer in ${bytes.length} bytes: the client takes packets of at most ${packetBytesMax}`;
}
