import type { OpenClient } from "./handshake.ts";
import { Peer, type PeerOwner } from "./peer.ts";
import { type Expectation, microseconds, type Tally } from "./tally.ts";

const READ_BYTES = 256 * 1024;
const PUBLISH = 3;
const PUBREL = 6;

/** Counts and checks what it receives, and acknowledges it. */
export class Subscriber extends Peer {
  readonly #tally: Tally;
  readonly #expectation: Expectation;
  readonly #isVersion5: boolean;
  #now = 0;

  constructor(client: OpenClient, owner: PeerOwner, tally: Tally, expectation: Expectation) {
    super(client, owner, READ_BYTES);
    this.#tally = tally;
    this.#expectation = expectation;
    this.#isVersion5 = client.version === 5;
  }

  /** What one read returned was there at one moment. */
  protected override begin(): void {
    this.#now = microseconds();
  }

  protected override handle(): void {
    const { header, start, view } = this.frames;
    const type = header >> 4;
    if (type === PUBREL) return this.answers.add(0x70, view.getUint16(start));
    if (type !== PUBLISH) throw new Error(`A subscriber received a packet of type ${type}`);
    const qos = (header >> 1) & 3;
    let at = start + 2 + view.getUint16(start);
    if (qos > 0) {
      this.answers.add(qos === 1 ? 0x40 : 0x50, view.getUint16(at));
      at += 2;
    }
    if (this.#isVersion5) at = this.#behindProperties(at);
    this.#expectation.take(view.getUint32(at), view.getUint32(at + 4));
    if (this.#tally.isMeasuring) this.#tally.latency.add((this.#now - view.getUint32(at + 8)) >>> 0);
  }

  #behindProperties(at: number): number {
    const length = this.frames.bytes[at]!;
    if (length >= 0x80) throw new Error("A subscriber received more properties than the load sends");
    return at + 1 + length;
  }
}
