import { decodeUtf8 } from "./utf8.ts";

/** Sets of one cache; a power of two. */
const SETS = 2048;
/** Longer strings are decoded each time. With 2048 sets of two the bytes of a cache take 1 MiB. */
const STRING_BYTES_MAX = 256;

/**
 * Remembers strings by their UTF-8 bytes, because a broker reads the same topics over and over and a TextDecoder call
 * costs more than the rest of a PUBLISH.
 *
 *     bytes --hash--> set:   #recent[set]     which of its two slots was found or filled last
 *                     slot:  #lengths[slot]   0 = empty
 *                            #bytes[slot * 256 ...]   compared in full: equal hashes alone prove nothing
 *                            #strings[slot]   decoded from exactly those bytes, so already validated
 *
 * A string that finds its set taken replaces what was used longer ago. So the size is fixed, a peer that sends new
 * strings for ever costs only their decoding, and two busy topics never push each other out.
 */
export class StringCache {
  readonly #bytes = new Uint8Array(SETS * 2 * STRING_BYTES_MAX);
  readonly #lengths = new Uint16Array(SETS * 2);
  readonly #strings: string[] = new Array(SETS * 2).fill("");
  readonly #recent = new Uint8Array(SETS);
  /** The slot found or filled last of all: most strings come in batches, and the same one needs no hash. */
  #last = 0;

  /** The string in `bytes` from `start` up to `end`, decoded and validated. */
  decode(bytes: Uint8Array, start: number, end: number): string {
    const length = end - start;
    if (length === 0) return "";
    if (length > STRING_BYTES_MAX) return decodeUtf8(bytes.subarray(start, end));
    if (this.#holds(this.#last, bytes, start, length)) return this.#strings[this.#last]!;
    const set = hash(bytes, start, end) & (SETS - 1);
    const recent = set * 2 + this.#recent[set]!;
    this.#last = recent;
    if (this.#holds(recent, bytes, start, length)) return this.#strings[recent]!;
    const other = recent ^ 1;
    this.#last = other;
    this.#recent[set] = other & 1;
    if (!this.#holds(other, bytes, start, length)) this.#fill(other, bytes.subarray(start, end));
    return this.#strings[other]!;
  }

  #fill(slot: number, bytes: Uint8Array): void {
    this.#strings[slot] = decodeUtf8(bytes);
    this.#bytes.set(bytes, slot * STRING_BYTES_MAX);
    this.#lengths[slot] = bytes.length;
  }

  #holds(slot: number, bytes: Uint8Array, start: number, length: number): boolean {
    if (this.#lengths[slot] !== length) return false;
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
