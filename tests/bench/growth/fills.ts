import { encode, type QoS } from "../../../broker/packet/mod.ts";
import { FrameScanner } from "../load/frame_scanner.ts";
import { openClient, writeAll } from "../load/handshake.ts";

/** Something that a broker is filled with from outside. */
export interface Fill {
  readonly name: string;
  /** What it is, in the singular. */
  readonly entry: string;
  readonly sizes: readonly number[];
  /** Adds those from one number up to the other and returns when the broker has them. */
  add(port: number, from: number, to: number): Promise<void>;
}

/** As many as one client may have. */
const FILTERS_PER_CLIENT = 1_000;
/** Below what a SUBSCRIBE packet and its SUBACK may be long. */
const FILTERS_PER_PACKET = 100;
/** Messages that wait for their PUBACK. */
const UNDER_WAY = 500;
const PAYLOAD = new Uint8Array(64).fill(0x78);
const READ_BYTES = 64 * 1024;
const CLIENTS_AT_ONCE = 32;

/** They stay open until the process ends. */
const open: Deno.TcpConn[] = [];

export const FILLS: readonly Fill[] = [
  { name: "connections", entry: "connection", sizes: [1_000, 4_000, 8_000], add: addConnections },
  {
    name: "sessions",
    entry: "session without a connection",
    sizes: [1_000, 10_000, 50_000],
    add: addSessions,
  },
  {
    name: "subscriptions",
    entry: "subscription",
    sizes: [10_000, 100_000, 1_000_000],
    add: addSubscriptions,
  },
  {
    name: "retained",
    entry: "retained message of 64 bytes",
    sizes: [1_000, 10_000, 100_000],
    add: addRetained,
  },
];

async function addConnections(port: number, from: number, to: number): Promise<void> {
  await inTurn(from, to, async (index) => {
    open.push((await openClient(port, 4, `connection ${index}`)).connection);
  });
}

/** Persistent ones with a subscription, whose clients went away. */
async function addSessions(port: number, from: number, to: number): Promise<void> {
  await inTurn(from, to, async (index) => {
    const { connection } = await openClient(port, 4, `session ${index}`, { cleanStart: false });
    await request(connection, subscribePacket([`device/${index}/+`], 1));
    await writeAll(connection, encode({ type: "disconnect", reasonCode: 0 }, 4));
    await readUntilClosed(connection);
    connection.close();
  });
}

/** A third of each kind: exact, with + and with #. */
async function addSubscriptions(port: number, from: number, to: number): Promise<void> {
  const filterOf = (index: number) => {
    const kinds = [
      `site/7/device/${index}/temperature`,
      `site/+/device/${index}/humidity`,
      `site/7/${index}/#`,
    ];
    return kinds[index % kinds.length]!;
  };
  await inTurn(from / FILTERS_PER_CLIENT, to / FILTERS_PER_CLIENT, async (client) => {
    const { connection } = await openClient(port, 4, `subscriber ${client}`);
    open.push(connection);
    for (let first = 0; first < FILTERS_PER_CLIENT; first += FILTERS_PER_PACKET) {
      const filters = Array.from(
        { length: FILTERS_PER_PACKET },
        (_, index) => filterOf(client * FILTERS_PER_CLIENT + first + index),
      );
      const suback = await request(connection, subscribePacket(filters, 0));
      if (suback.subarray(-FILTERS_PER_PACKET).some((code) => code !== 0)) {
        throw new Error(`The broker refused a subscription of client ${client}`);
      }
    }
  });
}

async function addRetained(port: number, from: number, to: number): Promise<void> {
  const { connection } = await openClient(port, 4, `publisher ${from}`);
  const frames = new FrameScanner(READ_BYTES);
  let acknowledged = from;
  for (let next = from; acknowledged < to;) {
    const packets: Uint8Array[] = [];
    for (; next < to && next - acknowledged < UNDER_WAY; next++) packets.push(retainedPacket(next));
    await writeAll(connection, joined(packets));
    const count = await connection.read(frames.room());
    if (count === null) throw new Error("The broker closed the publisher of retained messages");
    frames.filled(count);
    while (frames.next()) acknowledged++;
  }
  connection.close();
}

function retainedPacket(index: number): Uint8Array {
  const topic = `site/${Math.floor(index / 10)}/device/${index}/temperature`;
  const flags = { qos: 1, dup: false, retain: true, packetId: 1 + index % 0xffff } as const;
  return encode({ type: "publish", ...flags, topic, payload: PAYLOAD }, 4);
}

function subscribePacket(filters: readonly string[], qos: QoS): Uint8Array {
  return encode({ type: "subscribe", packetId: 1, requests: filters.map((filter) => ({ filter, qos })) }, 4);
}

/** Answers the packet that comes back. */
async function request(connection: Deno.TcpConn, packet: Uint8Array): Promise<Uint8Array> {
  await writeAll(connection, packet);
  const frames = new FrameScanner(READ_BYTES / 64);
  while (!frames.next()) {
    const count = await connection.read(frames.room());
    if (count === null) throw new Error("The broker closed a connection that waits for an answer");
    frames.filled(count);
  }
  return frames.bytes.slice(frames.start, frames.end);
}

async function readUntilClosed(connection: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(16);
  while (await connection.read(buffer) !== null);
}

/** Some at once, in the order of their numbers. */
async function inTurn(from: number, to: number, add: (index: number) => Promise<void>): Promise<void> {
  let next = from;
  const work = async () => {
    while (next < to) await add(next++);
  };
  await Promise.all(Array.from({ length: CLIENTS_AT_ONCE }, work));
}

function joined(packets: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(packets.reduce((sum, packet) => sum + packet.length, 0));
  let at = 0;
  for (const packet of packets) {
    bytes.set(packet, at);
    at += packet.length;
  }
  return bytes;
}
