import type { Packet } from "../../broker/packet/mod.ts";
import { hex } from "./fixtures.ts";

/** The 14 places where a block of properties stands: a packet that is valid but for its properties, cut in two. */
export const BLOCKS = {
  connect: { firstByte: 0x10, before: "00 04 'MQTT' 05 02 00 00", after: "00 00" },
  will: { firstByte: 0x10, before: "00 04 'MQTT' 05 06 00 00 00 00 00", after: "00 01 'w' 00 00" },
  connack: { firstByte: 0x20, before: "00 00", after: "" },
  publish: { firstByte: 0x30, before: "00 01 'a'", after: "'hi'" },
  puback: { firstByte: 0x40, before: "00 01 10", after: "" },
  pubrec: { firstByte: 0x50, before: "00 01 10", after: "" },
  pubrel: { firstByte: 0x62, before: "00 01 92", after: "" },
  pubcomp: { firstByte: 0x70, before: "00 01 92", after: "" },
  subscribe: { firstByte: 0x82, before: "00 01", after: "00 01 'a' 00" },
  suback: { firstByte: 0x90, before: "00 01", after: "00" },
  unsubscribe: { firstByte: 0xa2, before: "00 01", after: "00 01 'a'" },
  unsuback: { firstByte: 0xb0, before: "00 01", after: "00" },
  disconnect: { firstByte: 0xe0, before: "04", after: "" },
  auth: { firstByte: 0xf0, before: "18", after: "" },
} as const;
export type BlockName = keyof typeof BLOCKS;
export const BLOCK_NAMES = Object.keys(BLOCKS) as BlockName[];

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest];
}

/** A packet with this block; `length` says how long it claims to be, if it lies. */
export function packetWith(name: BlockName, block: Uint8Array, length = varint(block.length)): Uint8Array {
  const { firstByte, before, after } = BLOCKS[name];
  const body = Uint8Array.from([...hex(before), ...length, ...block, ...hex(after)]);
  return Uint8Array.from([firstByte, ...varint(body.length), ...body]);
}

/** What a decoded packet says under the name of a property, wherever it has that. */
export function saidBy(name: BlockName, packet: Packet, property: string): unknown {
  if (packet.type === "publish") return { ...packet, ...packet.properties }[property as "topic"];
  if (packet.type === "subscribe" && property === "subscriptionIds") return [packet.subscriptionId];
  if (name !== "will") return packet[property as "type"];
  if (packet.type !== "connect") throw new Error(packet.type);
  return { ...packet.will, ...packet.will?.properties }[property as "topic"];
}
