import type { Version } from "../../broker/packet/mod.ts";
import { hex } from "../packet/fixtures.ts";

/**
 * Packets from hex digits and quoted text, as a version has them: `[...]` is a body, before which its length is written,
 * and `{...}` stands there at MQTT 5.0 only. `"82 [00 01 {00} 00 01 'a' 00]"` is a SUBSCRIBE of every version.
 */
export function packetHex(text: string, version: Version): Uint8Array {
  const bytes: number[] = [];
  const ofVersion = text.replace(/\{([^}]*)\}/g, version === 5 ? "$1" : "");
  for (const { groups } of ofVersion.matchAll(/\[(?<body>[^\]]*)\]|(?<plain>[^[]+)/g)) {
    const part = hex(groups!.body ?? groups!.plain!);
    if (groups!.body !== undefined) bytes.push(...lengthOf(part));
    bytes.push(...part);
  }
  return Uint8Array.from(bytes);
}

/** The remaining length of a body, in as few bytes as it needs. */
export function lengthOf(body: Uint8Array): number[] {
  const bytes: number[] = [];
  let rest = body.length;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest];
}
