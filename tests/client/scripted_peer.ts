import { assert, assertEquals } from "@std/assert";
import { type Client, connect, type ConnectOptions } from "../../broker/client/mod.ts";
import {
  type ConnackFields,
  decode,
  encode,
  FrameReader,
  type OutgoingPacket,
  type Packet,
  type Version,
} from "../../broker/packet/mod.ts";
import { memoryLinks } from "../../broker/transport/memory.ts";
import type { Link } from "../../broker/transport/transport.ts";
import { within } from "../support/eventually.ts";

type PacketOf<Type extends Packet["type"]> = Extract<Packet, { type: Type }>;

/** The broker's end of a link: a test says what it answers. */
export class ScriptedPeer {
  readonly link: Link;
  readonly #frames = new FrameReader(64 * 1024 * 1024);
  readonly #version: Version;

  constructor(link: Link, version: Version = 4) {
    this.link = link;
    this.#version = version;
  }

  /** The next packet, which must be of this type. */
  async expect<Type extends Packet["type"]>(type: Type): Promise<PacketOf<Type>> {
    const packet = await within(this.receive(), () => `${type} did not come`);
    assertEquals(packet?.type, type);
    return packet as PacketOf<Type>;
  }

  /** The next packet; undefined when the client closed the link. */
  async receive(): Promise<Packet | undefined> {
    while (!this.#frames.next()) {
      const buffer = new Uint8Array(4096);
      const count = await this.link.read(buffer);
      if (count === null) return undefined;
      this.#frames.push(buffer.subarray(0, count));
    }
    return decode(this.#frames, this.#version);
  }

  /** Resolves when the link took all of it: not while the client does not read. */
  async send(...packets: OutgoingPacket[]): Promise<void> {
    for (const packet of packets) await this.sendBytes(encode(packet, this.#version));
  }

  async sendBytes(bytes: Uint8Array): Promise<void> {
    for (let sent = 0; sent < bytes.length;) sent += await this.link.write(bytes.subarray(sent));
  }

  async sendPublish(
    topic: string,
    payload: string,
    { qos = 0, packetId = 0, dup = false, retain = false } = {},
  ) {
    const bytes = new TextEncoder().encode(payload);
    await this.send({ type: "publish", topic, payload: bytes, qos: qos as 0 | 1 | 2, packetId, dup, retain });
  }

  async ack(
    type: "puback" | "pubrec" | "pubrel" | "pubcomp",
    packetId: number,
    reasonCode = 0,
    reasonString?: string,
  ): Promise<void> {
    await this.send({ type, packetId, reasonCode, reasonString });
  }

  /** The client says why it leaves, and does. */
  async expectFarewell(reasonCode: number): Promise<void> {
    assertEquals((await this.expect("disconnect")).reasonCode.toString(16), reasonCode.toString(16));
    assertEquals(await this.receive(), undefined);
  }

  /** Answers the next SUBSCRIBE. */
  async grant(...reasonCodes: number[]): Promise<PacketOf<"subscribe">> {
    const packet = await this.expect("subscribe");
    await this.send({ type: "suback", packetId: packet.packetId, reasonCodes });
    return packet;
  }

  /** Takes part in the end of a client that says goodbye. */
  async expectGoodbye(): Promise<void> {
    await this.expect("disconnect");
    this.link.close();
  }
}

export interface Pair {
  readonly client: Client;
  readonly peer: ScriptedPeer;
}

/** A client and the peer that accepted it. */
export async function connectedPair(
  options: ConnectOptions & { sessionPresent?: boolean; connack?: Partial<ConnackFields> } = {},
): Promise<Pair> {
  const { sessionPresent = false, connack, ...rest } = options;
  const { connecting, peer } = pairOf(rest);
  await peer.expect("connect");
  await peer.send({ type: "connack", sessionPresent, reasonCode: 0, ...connack });
  return { client: await connecting, peer };
}

/** A client that sends its CONNECT, and the peer that has not answered. */
export function pairOf(options: ConnectOptions = {}): { connecting: Promise<Client>; peer: ScriptedPeer } {
  const [near, far] = memoryLinks("peer");
  const connecting = connect({ ...options, link: near });
  connecting.catch(() => {});
  return { connecting, peer: new ScriptedPeer(far, options.version) };
}

/** Both ends say goodbye, so that no timer is left. */
export async function end({ client, peer }: Pair): Promise<void> {
  await Promise.all([client.close(), peer.expectGoodbye()]);
}

/** Whether the promise is settled, after everything that can happen by itself has happened. */
export async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = () => void (settled = true);
  promise.then(settle, settle);
  await idle();
  return settled;
}

/** Lets everything happen that can happen by itself: the memory transport needs microtasks only. */
export async function idle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}

export function textOf(payload: Uint8Array): string {
  return new TextDecoder().decode(payload);
}

/** The payloads of the next messages of a subscription, as text. */
export async function take(
  messages: AsyncIterator<{ readonly payload: Uint8Array }, undefined>,
  count: number,
): Promise<string[]> {
  const payloads: string[] = [];
  while (payloads.length < count) {
    const result = await within(messages.next(), () => `${payloads.length} of ${count} messages came`);
    assert(!result.done, "The subscription ended");
    payloads.push(textOf(result.value.payload));
  }
  return payloads;
}
