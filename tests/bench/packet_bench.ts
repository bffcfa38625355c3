import {
  decode,
  encode,
  encodePublishFrame,
  FrameReader,
  type Packet,
  StringCache,
} from "../../broker/packet/mod.ts";

/** As much as one read of a busy socket returns. */
const CHUNK_BYTES = 64 * 1024;
const PACKET_BYTES_MAX = 1024 * 1024;

function chunkOf(packet: Uint8Array): { readonly chunk: Uint8Array; readonly count: number } {
  const count = Math.floor(CHUNK_BYTES / packet.length);
  const chunk = new Uint8Array(count * packet.length);
  for (let i = 0; i < count; i++) chunk.set(packet, i * packet.length);
  return { chunk, count };
}

function publish(qos: 0 | 1, topic = "site/7/machine/42/temperature"): Uint8Array {
  const payload = new Uint8Array(64).fill(0x61);
  return encode({ type: "publish", dup: false, qos, retain: false, topic, packetId: qos, payload }, 4);
}

function benchDecode(name: string, packet: Uint8Array, strings: StringCache | undefined): void {
  const { chunk, count } = chunkOf(packet);
  const frames = new FrameReader(PACKET_BYTES_MAX, strings);
  let last: Packet | undefined;
  Deno.bench(`${name}: decode a chunk of ${count} packets`, () => {
    frames.push(chunk);
    while (frames.next()) last = decode(frames, 4);
    if (last === undefined) throw new Error("Nothing decoded");
  });
}

benchDecode("PUBLISH QoS 0, 64 B, cached topic", publish(0), new StringCache());
benchDecode("PUBLISH QoS 1, 64 B, cached topic", publish(1), new StringCache());
benchDecode("PUBLISH QoS 0, 64 B, no cache", publish(0), undefined);
benchDecode("PUBACK", encode({ type: "puback", packetId: 1, reasonCode: 0 }, 4), undefined);

const payload = new Uint8Array(64);
Deno.bench("PUBLISH: encode 1000 frames of 64 B", () => {
  for (let i = 0; i < 1000; i++) encodePublishFrame("site/7/machine/42/temperature", payload, true, 4);
});

Deno.bench("PUBACK: encode 1000", () => {
  for (let i = 1; i <= 1000; i++) encode({ type: "puback", packetId: i, reasonCode: 0 }, 4);
});
