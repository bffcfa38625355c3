import type { Offer } from "../auth/offer.ts";
import type { Broker } from "../broker.ts";
import type { CloseReason } from "../core/close_reason.ts";
import type { Version } from "../packet/mod.ts";
import type { Session } from "../session/session.ts";
import type { Outlet } from "../session/session_ports.ts";
import type { Will } from "../session/will.ts";
import type { Link } from "../transport/transport.ts";
import type { Answer } from "./answer.ts";
import type { Authentication } from "./authentication.ts";

/** What the client said of itself in CONNECT; before 5.0 there is no limit. */
export interface PeerLimits {
  readonly receiveMaximum: number;
  /** Maximum Packet Size; Infinity for none. */
  readonly packetBytesMax: number;
  readonly topicAliasMax: number;
  /** Whether reason strings are welcome. */
  readonly requestProblemInformation: boolean;
}

/** Of a client that has said nothing of itself, as before MQTT 5.0. */
export const NO_PEER_LIMITS: PeerLimits = {
  receiveMaximum: 0xffff,
  packetBytesMax: Infinity,
  topicAliasMax: 0,
  requestProblemInformation: true,
};

/** What others see of a connection: the handlers of its packets, and the server. */
export interface ConnectionPort extends Outlet {
  readonly broker: Broker;
  /** Where the peer is, for logs. */
  readonly peer: string;
  readonly link: Link;
  /** How the client may say who it is; undefined: by all that is set up. */
  readonly offer: Offer | undefined;
  /** Only after CONNECT was accepted. */
  readonly session: Session;
  readonly isClosing: boolean;
  version: Version;
  clientId: string;
  keepAliveSeconds: number;
  will: Will | undefined;
  /** From CONNECT on, accepted or not: what the client can take also binds the answer that refuses it. */
  peerLimits: PeerLimits;
  /** If CONNECT named a method. */
  authentication: Authentication | undefined;
  /**
   * A packet is about to be handled; or its handler goes on after it waited, and what others had promised meanwhile is
   * none of its answer's business.
   */
  beginHandling(): void;
  /** The CONNECT was accepted: from now on packets of the usual size are read. */
  open(session: Session): void;
  /** The topic that a PUBLISH means, by name or by alias. */
  resolveTopic(topic: string, alias: number): string;
  /** Queues a packet for the peer; it leaves when the turn ends. */
  send(bytes: Uint8Array): void;
  /** As `send`, for the answer to a packet: it waits for the commit of what the store was told when that was handled. */
  promise(bytes: Uint8Array): void;
  /** As `promise`, for a packet that may say why, to who wants to hear it and has room for it. */
  answer(answer: Answer, reason: string | undefined): void;
  /** As `promise`, for an acknowledgement. */
  acknowledge(type: "puback" | "pubrec" | "pubcomp", packetId: number, reasonCode?: number): void;
  /** As `acknowledge`, for a packet that was handled before: what the store was told then may still be uncommitted. */
  acknowledgeAgain(type: "pubrec" | "pubcomp", packetId: number, reasonCode?: number): void;
  /** @param reasonCode of MQTT 5.0; earlier versions have none there */
  sendPubrel(packetId: number, reasonCode?: number): void;
  /** Ends the connection: at once for everybody else, for the peer after the bytes that already wait for it. */
  close(reason: CloseReason, detail?: string, reasonCode?: number): void;
  /** Ends the connection with what an error says of it. */
  fail(error: unknown): void;
  /** Ends what lasted too long. Called about once a second. */
  checkTime(now: number): void;
}
