import { encode, type QoS } from "../../../broker/packet/mod.ts";
import type { OpenClient } from "./handshake.ts";
import { Peer, type PeerOwner } from "./peer.ts";
import { STAMP_BYTES } from "./tally.ts";

const READ_BYTES = 64 * 1024;
/** Messages of one write, at most. */
const BURST_MAX = 512;
const BURST_BYTES_MAX = 1024 * 1024;
/** A packet identifier must be free again before it comes back. */
const OPEN_MAX = 60_000;
const PACKET_ID_MAX = 0xffff;
const PUBACK = 4;
const PUBREC = 5;
const PUBCOMP = 7;

export interface PublisherInit {
  readonly client: OpenClient;
  readonly owner: PeerOwner;
  readonly index: number;
  readonly topic: string;
  readonly qos: QoS;
  readonly payloadBytes: number;
}

/** Sends the same packet again and again, encoded beforehand; only stamps and packet identifiers are written anew. */
export class Publisher extends Peer {
  sent = 0;
  acknowledged = 0;
  readonly #qos: QoS;
  readonly #burst: Uint8Array;
  readonly #view: DataView;
  readonly #packetBytes: number;
  readonly #burstMax: number;
  readonly #stampAt: number;
  readonly #packetIdAt: number;
  readonly #openMax: number;

  constructor({ client, owner, index, topic, qos, payloadBytes }: PublisherInit) {
    super(client, owner, READ_BYTES);
    const payload = new Uint8Array(Math.max(payloadBytes, STAMP_BYTES)).fill(0x78);
    new DataView(payload.buffer).setUint32(0, index);
    const flags = { qos, dup: false, retain: false, packetId: qos === 0 ? 0 : 1 };
    const packet = encode({ type: "publish", ...flags, topic, payload }, client.version);
    this.#qos = qos;
    this.#packetBytes = packet.length;
    this.#burstMax = Math.max(1, Math.min(BURST_MAX, Math.floor(BURST_BYTES_MAX / packet.length)));
    this.#burst = new Uint8Array(this.#burstMax * packet.length);
    for (let at = 0; at < this.#burst.length; at += packet.length) this.#burst.set(packet, at);
    this.#view = new DataView(this.#burst.buffer);
    this.#stampAt = packet.length - payload.length;
    this.#packetIdAt = this.#stampAt - (client.version === 5 ? 3 : 2);
    this.#openMax = Math.min(client.receiveMaximum, OPEN_MAX);
  }

  /** Messages that can be sent now. */
  get room(): number {
    if (!this.isIdle) return 0;
    if (this.#qos === 0) return this.#burstMax;
    return Math.min(this.#burstMax, this.#openMax - (this.sent - this.acknowledged));
  }

  /** Sends so many messages in one write; no more than there is room for. */
  publish(count: number, sentAt: number): void {
    const view = this.#view;
    let at = 0;
    for (let sequence = this.sent; sequence < this.sent + count; sequence++, at += this.#packetBytes) {
      view.setUint32(at + this.#stampAt + 4, sequence);
      view.setUint32(at + this.#stampAt + 8, sentAt);
      if (this.#qos > 0) view.setUint16(at + this.#packetIdAt, 1 + sequence % PACKET_ID_MAX);
    }
    this.sent += count;
    this.write(this.#burst.subarray(0, at));
  }

  protected override handle(): void {
    const { header, start, end, view } = this.frames;
    const type = header >> 4;
    // MQTT 5.0 may say why behind the packet identifier.
    if (end - start > 2 && this.frames.bytes[start + 2]! >= 0x80) {
      throw new Error(`The broker refused a message: ${this.frames.bytes[start + 2]}`);
    }
    if (type === PUBREC) this.answers.add(0x62, view.getUint16(start));
    else if (type === PUBACK || type === PUBCOMP) this.acknowledged++;
    else throw new Error(`A publisher received a packet of type ${type}`);
  }
}
