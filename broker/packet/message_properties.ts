import { decodePropertyBlock, encodePropertyValues, messageProperties } from "./property_block.ts";
import { Reader } from "./reader.ts";
import type { MessageProperties } from "./types.ts";
import { Writer } from "./writer.ts";

/** What was taken once is taken again, whatever the bounds are today. */
const NO_LIMITS = { countMax: Infinity, bytesMax: Infinity };

/** The properties of a message as MQTT 5.0 writes them in a PUBLISH, without the length; undefined for none. */
export function encodeMessageProperties(properties: MessageProperties | undefined): Uint8Array | undefined {
  if (!properties) return undefined;
  const writer = new Writer();
  encodePropertyValues(writer, "publish", properties);
  return writer.finish();
}

/** The other way round. Throws `PacketError` for what nobody wrote. */
export function decodeMessageProperties(bytes: Uint8Array | undefined): MessageProperties | undefined {
  if (!bytes) return undefined;
  const reader = new Reader(undefined, NO_LIMITS);
  reader.reset(bytes);
  return messageProperties(decodePropertyBlock(reader, "publish", bytes.length));
}
