import { connectBytes, HOST, writeAll } from "./handshake.ts";
import type { BenchVersion, ConnectionResult, ConnectionShape, LoadOptions } from "./options.ts";
import { descriptorsMax, residentKibibytes, UseMeter } from "./process_use.ts";

/** CONNECTs that wait for their CONNACK: as soon as one has it, the next leaves, so that broker and load work at once. */
const UNDER_WAY = 64;
const CONNACK_BYTES_MAX = 256;
const CONNACK = 0x20;
const encoder = new TextEncoder();
/** They stay open and do not count: both sides have their code compiled and their tables made. */
const WARM_CONNECTIONS = 1000;
/** What the process needs beside its connections. */
const DESCRIPTORS_SPARE = 100;

/** Opens connections, and sees how fast the broker takes them and what it keeps for each. */
export async function runConnections(
  { port, version, brokerPid, shape: { connections } }: LoadOptions & { readonly shape: ConnectionShape },
): Promise<ConnectionResult> {
  const descriptors = WARM_CONNECTIONS + connections + DESCRIPTORS_SPARE;
  if (descriptors > descriptorsMax()) {
    throw new Error(
      `Cannot open ${connections} connections: ${descriptors} descriptors of ${descriptorsMax()}`,
    );
  }
  const open: Deno.TcpConn[] = [];
  const openUpTo = async (count: number) => {
    let next = open.length;
    const openMore = async () => {
      while (next < count) open.push(await openIdle(port, version, next++));
    };
    await Promise.all(Array.from({ length: UNDER_WAY }, openMore));
  };
  try {
    await openUpTo(WARM_CONNECTIONS);
    const before = residentKibibytes(brokerPid);
    const meter = new UseMeter(brokerPid);
    await openUpTo(WARM_CONNECTIONS + connections);
    const { seconds, ...use } = meter.stop();
    return {
      kind: "connections",
      connectionsPerSecond: connections / seconds,
      kibibytesPerConnection: (residentKibibytes(brokerPid) - before) / connections,
      ...use,
    };
  } finally {
    for (const connection of open) connection.close();
  }
}

/**
 * Connects with as little work as can be: with a frame reader and a buffer for each, the load took 15,000 connections a
 * second to a broker that takes 24,000.
 */
async function openIdle(port: number, version: BenchVersion, index: number): Promise<Deno.TcpConn> {
  const clientId = encoder.encode(`idle-${String(index).padStart(6, "0")}`);
  const connect = CONNECTS[version].slice();
  connect.set(clientId, connect.length - clientId.length);
  const connection = await Deno.connect({ hostname: HOST, port });
  await writeAll(connection, connect);
  const connack = new Uint8Array(CONNACK_BYTES_MAX);
  let count = 0;
  while (count < 2 || count < connack[1]! + 2) {
    const more = await connection.read(connack.subarray(count));
    if (more === null) throw new Error("The broker closed a connection that waits for connack");
    count += more;
  }
  if (connack[0] !== CONNACK || connack[3] !== 0) {
    throw new Error(`The broker refused a client: ${connack[3]}`);
  }
  return connection;
}

const CONNECTS: Readonly<Record<BenchVersion, Uint8Array>> = {
  4: connectBytes(4, "idle-000000"),
  5: connectBytes(5, "idle-000000"),
};
