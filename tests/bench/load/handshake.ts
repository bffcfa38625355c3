import {
  type ConnackPacket,
  decode,
  encode,
  FrameReader,
  type Packet,
  type QoS,
  type SubackPacket,
} from "../../../broker/packet/mod.ts";
import type { BenchVersion } from "./options.ts";

export const HOST = "127.0.0.1";
const ANSWER_BYTES_MAX = 4096;
const KEEP_ALIVE_SECONDS = 600;

export interface OpenClient {
  readonly connection: Deno.TcpConn;
  readonly version: BenchVersion;
  /** QoS 1 and 2 messages that the broker takes before it acknowledges one. */
  readonly receiveMaximum: number;
}

/** Connects and waits for the broker's consent. */
export async function openClient(
  port: number,
  version: BenchVersion,
  clientId: string,
  { cleanStart = true } = {},
): Promise<OpenClient> {
  const connection = await Deno.connect({ hostname: HOST, port });
  connection.setNoDelay(true);
  await writeAll(connection, connectBytes(version, clientId, cleanStart));
  const connack = await receive<ConnackPacket>(connection, version, "connack");
  if (connack.reasonCode !== 0) throw new Error(`The broker refused ${clientId}: ${connack.reasonCode}`);
  return { connection, version, receiveMaximum: connack.receiveMaximum };
}

/** A CONNECT whose last bytes are the client identifier. */
export function connectBytes(version: BenchVersion, clientId: string, cleanStart = true): Uint8Array {
  return encode({
    type: "connect",
    version,
    cleanStart,
    keepAliveSeconds: KEEP_ALIVE_SECONDS,
    clientId,
    will: undefined,
    username: undefined,
    password: undefined,
  }, version);
}

export async function subscribe(
  { connection, version }: OpenClient,
  filter: string,
  qos: QoS,
): Promise<void> {
  await writeAll(
    connection,
    encode({ type: "subscribe", packetId: 1, requests: [{ filter, qos }] }, version),
  );
  const { reasonCodes } = await receive<SubackPacket>(connection, version, "suback");
  if (reasonCodes[0] !== qos) {
    throw new Error(`The broker granted ${reasonCodes[0]} for QoS ${qos} of ${filter}`);
  }
}

export async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
}

/** Nothing follows an answer until the client asks for more, so what is read is the answer and no more. */
async function receive<Answer extends Packet>(
  connection: Deno.TcpConn,
  version: BenchVersion,
  type: Answer["type"],
): Promise<Answer> {
  const frames = new FrameReader(ANSWER_BYTES_MAX);
  while (!frames.next()) {
    const buffer = new Uint8Array(ANSWER_BYTES_MAX);
    const count = await connection.read(buffer);
    if (count === null) throw new Error(`The broker closed a connection that waits for ${type}`);
    frames.push(buffer.subarray(0, count));
  }
  const packet = decode(frames, version);
  if (packet.type !== type) throw new Error(`The broker sent ${packet.type} instead of ${type}`);
  return packet as Answer;
}
