import type {
  OutgoingPacket,
  PubackPacket,
  PubcompPacket,
  PubrecPacket,
  SubackPacket,
  UnsubackPacket,
} from "../packet/mod.ts";
import type { ClosedError } from "./client_error.ts";
import type { Sender } from "./sender.ts";

const PACKET_ID_MAX = 65_535;

type Answer = PubackPacket | PubrecPacket | PubcompPacket | SubackPacket | UnsubackPacket;
type AnswerType = Answer["type"];
/** What a request resolves with, by what it expects: a message of QoS 2 may end with PUBREC or with PUBCOMP. */
type AnswerOf<Type extends AnswerType> = Type extends "pubrec" ? PubrecPacket | PubcompPacket
  : Extract<Answer, { type: Type }>;

/** An answer that is still to come. */
interface Awaited {
  expects: AnswerType;
  /** Of a message of QoS 2 that waits for PUBCOMP. */
  pubrec: PubrecPacket | undefined;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** A packet that is answered, before it has its identifier. */
type Request = (packetId: number) => OutgoingPacket & { readonly packetId: number };

export interface RequestsInit {
  readonly sender: Sender;
  /** Called when an answer begins to be awaited. */
  readonly onAwait: () => void;
}

/** What a client asked of the broker, by packet identifier, until it is answered. */
export class Requests {
  readonly #init: RequestsInit;
  readonly #awaited = new Map<number, Awaited>();
  #lastPacketId = 0;

  constructor(init: RequestsInit) {
    this.#init = init;
  }

  /** Answers that are awaited. */
  get size(): number {
    return this.#awaited.size;
  }

  /** Sends the packet under a free identifier. Throws, awaiting nothing, when that cannot be. */
  send<Type extends AnswerType>(request: Request, expects: Type): Promise<AnswerOf<Type>> {
    const packet = request(this.#takePacketId());
    this.#init.sender.send(packet);
    const answer = new Promise<Answer>((resolve, reject) => {
      this.#awaited.set(packet.packetId, { expects, pubrec: undefined, resolve, reject });
    });
    this.#init.onAwait();
    return answer as Promise<AnswerOf<Type>>;
  }

  /** Whether this very answer is awaited. */
  awaits(packetId: number, type: AnswerType): boolean {
    return this.#awaited.get(packetId)?.expects === type;
  }

  /** Takes PUBREC as the first of two answers: PUBCOMP will be the last. */
  advance(pubrec: PubrecPacket): void {
    const awaited = this.#awaited.get(pubrec.packetId);
    if (awaited?.expects !== "pubrec") return;
    awaited.expects = "pubcomp";
    awaited.pubrec = pubrec;
  }

  /** Takes the last answer; one that nobody awaits changes nothing. */
  answered(answer: Answer): void {
    const awaited = this.#awaited.get(answer.packetId);
    if (awaited?.expects !== answer.type) return;
    this.#awaited.delete(answer.packetId);
    // PUBREC says what became of the message; PUBCOMP adds something only when it is amiss.
    const isPlain = answer.type === "pubcomp" && answer.reasonCode < 0x80;
    awaited.resolve(isPlain ? awaited.pubrec! : answer);
  }

  rejectAll(error: ClosedError): void {
    for (const { reject } of this.#awaited.values()) reject(error);
    this.#awaited.clear();
  }

  #takePacketId(): number {
    for (let tries = 0; tries < PACKET_ID_MAX; tries++) {
      this.#lastPacketId = this.#lastPacketId % PACKET_ID_MAX + 1; // [MQTT-2.3.1-2] [MQTT5-2.2.1-3]
      if (!this.#awaited.has(this.#lastPacketId)) return this.#lastPacketId;
    }
    throw new RangeError(`Cannot send: ${PACKET_ID_MAX} requests wait for an answer`);
  }
}
