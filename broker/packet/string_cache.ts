import { decodeUtf8 } from "./utf8.ts";

/** Slots of one cache; a power of two. */
const SLOTS = 1024;
/** Longer strings are decoded each time. With 1024 slots the bytes of a cache take 256 KiB. */
const STRING_BYTES_MAX = 256;

/**
 * Remembers strings by their UTF-8 bytes, because a broker reads the same topics over and over and a TextDecoder call
 * costs more than the rest of a PUBLISH.
 *
 *     bytes --hash--> slot:  #lengths[slot]   0 = empty
 *                            #bytes[slot * 256 ...]   compared in full: equal hashes alone prove nothing
 *                            #strings[slot]   decoded from exactly those bytes, so already validated
 *
 * Direct-mapped: a string that falls into a taken slot replaces what was there. So the size is fixed, and a peer
 * that sends new strings for ever costs only their decoding.
 */
export class StringCache {
  readonly #bytes = new Uint8Array(SLOTS * STRING_BYTES_MAX);
  readonly #lengths = new Uint16Array(SLOTS);
  readonly #strings: string[] = new Array(SLOTS).fill("");

  /** The string in `bytes` from `start` up to `end`, decoded and validated. */
  decode(bytes: Uint8Array, start: number, end: number): string {
    const length = end - start;
    if (length === 0) return "";
    if (length > STRING_BYTES_MAX) return decodeUtf8(bytes.subarray(start, end));
    const slot = hash(bytes, start, end) & (SLOTS - 1);
    if (this.#lengths[slot] === length && this.#holds(slot, bytes, start, length)) {
      return this.#strings[slot]!;
    }
    const view = bytes.subarray(start, end);
    const text = decodeUtf8(view);
    this.#bytes.set(view, slot * STRING_BYTES_MAX);
    this.#lengths[slot] = length;
    this.#strings[slot] = text;
    return text;
  }

  #holds(slot: number, bytes: Uint8Array, start: number, length: number): boolean {
    const kept = this.#bytes;
    const keptStart = slot * STRING_BYTES_MAX;
    for (let i = 0; i < length; i++) {
      if (kept[keptStart + i] !== bytes[start + i]) return false;
    }
    return true;
  }
}

/** FNV-1a, its upper half folded in because only the low bits choose the slot. */
function hash(bytes: Uint8Array, start: number, end: number): number {
  let value = 0x811c9dc5;
  for (let i = start; i < end; i++) value = Math.imul(value ^ bytes[i]!, 0x01000193);
  return (value ^ (value >>> 16)) >>> 0;
}
