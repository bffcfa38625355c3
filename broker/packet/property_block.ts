import { PacketError } from "./packet_error.ts";
import {
  type PropertiesOf,
  type PropertyName,
  type PropertyPacket,
  type PropertyRow,
  rowOf,
  rowsOf,
} from "./properties.ts";
import type { Reader } from "./reader.ts";
import { ReasonCode } from "./reason_code.ts";
import type { MessageProperties } from "./types.ts";
import type { Writer } from "./writer.ts";

/** Properties while they are read or written, whatever packet they are of. */
type Values = Partial<Record<PropertyName, unknown>>;

/** A block of properties, which its length precedes. */
export function decodeProperties<Packet extends PropertyPacket>(
  body: Reader,
  packet: Packet,
): PropertiesOf<Packet> {
  return decodePropertyBlock(body, packet, decodePropertyLength(body));
}

/** The length of a block of properties, 0 for none. */
export function decodePropertyLength(body: Reader): number {
  const length = body.varint(); // [MQTT5-2.2.2-1]
  if (length > body.propertyLimits.bytesMax) {
    tooMuch(length, "bytes of properties", body.propertyLimits.bytesMax);
  }
  return length;
}

/** @param onProperty called behind each property */
export function decodePropertyBlock<Packet extends PropertyPacket>(
  body: Reader,
  packet: Packet,
  length: number,
  onProperty?: (name: PropertyName) => void,
): PropertiesOf<Packet> {
  const values: Values = {};
  const { countMax } = body.propertyLimits;
  const outerEnd = body.enter(length);
  for (let count = 1; body.remaining > 0; count++) {
    if (count > countMax) tooMuch(count, "properties", countMax);
    const { name } = decodeProperty(body, packet, values);
    onProperty?.(name);
  }
  body.leave(outerEnd);
  return values as PropertiesOf<Packet>;
}

function decodeProperty(body: Reader, packet: PropertyPacket, values: Values): PropertyRow {
  const id = body.u8();
  const row = rowOf(packet, id);
  if (row === undefined) { // 2.2.2.2
    throw new PacketError(
      ReasonCode.malformedPacket,
      `Cannot accept property 0x${id.toString(16)} in ${packet.toUpperCase()}: it is not allowed there`,
    );
  }
  const { name, isList, mayRepeat } = row;
  const known = values[name];
  if (known !== undefined && !mayRepeat) {
    throw new PacketError(
      ReasonCode.protocolError,
      `Cannot accept ${name} in ${packet.toUpperCase()}: it is there twice`,
    );
  }
  const value = row.type.decode(body, name);
  checkZero(row, value);
  if (!isList) values[name] = value;
  else if (known === undefined) values[name] = [value];
  else (known as unknown[]).push(value);
  return row;
}

/** Writes a block of properties and its length. What is a default is left out. */
export function encodeProperties<Packet extends PropertyPacket>(
  writer: Writer,
  packet: Packet,
  values: PropertiesOf<Packet>,
  defaults?: PropertiesOf<Packet>,
): void {
  const block = writer.beginBlock();
  encodePropertyValues(writer, packet, values, defaults);
  writer.endBlock(block);
}

/** Writes properties without the length of their block. */
export function encodePropertyValues<Packet extends PropertyPacket>(
  writer: Writer,
  packet: Packet,
  values: PropertiesOf<Packet>,
  defaults: PropertiesOf<Packet> = {},
): void {
  for (const row of rowsOf(packet)) {
    const value = (values as Values)[row.name];
    if (value === undefined || value === (defaults as Values)[row.name]) continue;
    if (row.isList) encodeList(writer, row, value as readonly unknown[]);
    else encodeProperty(writer, row, value);
  }
}

/** Whether there is any property to write. */
export function hasProperties<Packet extends PropertyPacket>(
  packet: Packet,
  values: PropertiesOf<Packet>,
): boolean {
  return rowsOf(packet).some(({ name, isList }) => {
    const value = (values as Values)[name];
    return isList ? (value as readonly unknown[] | undefined)?.length : value !== undefined;
  });
}

/** What a block says of a message, undefined for nothing. */
export function messageProperties(values: MessageProperties): MessageProperties | undefined {
  for (const _ in values) return values;
  return undefined;
}

function encodeList(writer: Writer, row: PropertyRow, list: readonly unknown[]): void {
  if (list.length > 1 && !row.mayRepeat) {
    throw new PacketError(ReasonCode.protocolError, `Cannot encode ${row.name} ${list.length} times`);
  }
  for (const value of list) encodeProperty(writer, row, value);
}

function encodeProperty(writer: Writer, row: PropertyRow, value: unknown): void {
  checkZero(row, value);
  writer.u8(row.id);
  row.type.encode(writer, value, row.name);
}

function checkZero({ name, zero }: PropertyRow, value: unknown): void {
  if (value !== 0 || zero === undefined) return;
  throw new PacketError(zero, `Cannot accept ${name} 0: it begins at 1`);
}

function tooMuch(count: number, what: string, max: number): never {
  throw new PacketError(
    ReasonCode.quotaExceeded,
    `Cannot accept ${count} ${what}: at most ${max} are allowed`,
  );
}
