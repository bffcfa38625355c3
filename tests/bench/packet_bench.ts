import {
  decode,
  encode,
  encodePublishFrame,
  FrameReader,
  type MessageProperties,
  type Packet,
  StringCache,
  type Version,
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

const topic = "site/7/machine/42/temperature";
const payload = new Uint8Array(64).fill(0x61);

function publish(qos: 0 | 1, version: Version = 4, properties?: MessageProperties): Uint8Array {
  const flags = { dup: false, qos, retain: false, packetId: qos };
  return encode({ type: "publish", ...flags, topic, payload, properties }, version);
}

function benchDecode(
  name: string,
  packet: Uint8Array,
  strings: StringCache | undefined,
  version: Version = 4,
): void {
  const { chunk, count } = chunkOf(packet);
  const frames = new FrameReader(PACKET_BYTES_MAX, strings && { strings });
  let last: Packet | undefined;
  Deno.bench(`${name}: decode a chunk of ${count} packets`, () => {
    frames.push(chunk);
    while (frames.next()) last = decode(frames, version);
    if (last === undefined) throw new Error("Nothing decoded");
  });
}

benchDecode("PUBLISH QoS 0, 64 B, cached topic", publish(0), new StringCache());
benchDecode("PUBLISH QoS 1, 64 B, cached topic", publish(1), new StringCache());
benchDecode("PUBLISH QoS 0, 64 B, no cache", publish(0), undefined);
benchDecode("PUBACK", encode({ type: "puback", packetId: 1, reasonCode: 0 }, 4), undefined);

const properties = { expirySeconds: 60, contentType: "application/json" };
const manyPairs = Array.from({ length: 256 }, (_, at) => [`name ${at}`, `value ${at}`] as const);
benchDecode("PUBLISH 5.0 QoS 0, 64 B", publish(0, 5), new StringCache(), 5);
benchDecode("PUBLISH 5.0 QoS 1, 64 B", publish(1, 5), new StringCache(), 5);
benchDecode("PUBLISH 5.0 with expiry and type", publish(0, 5, properties), new StringCache(), 5);
benchDecode(
  "PUBLISH 5.0 with 256 user properties",
  publish(0, 5, { userProperties: manyPairs }),
  new StringCache(),
  5,
);

const credentials = { username: "ana", password: new TextEncoder().encode("secret") };
for (const version of [4, 5] as const) {
  const name = version === 5 ? "5.0" : "3.1.1";
  const connect = encode({
    type: "connect",
    version,
    cleanStart: true,
    keepAliveSeconds: 60,
    clientId: "device-000042",
    will: undefined,
    ...credentials,
  }, version);
  benchDecode(`CONNECT ${name} with name and password`, connect, undefined, version);
  const requests = Array.from(
    { length: 10 },
    (_, index) => ({ filter: `site/${index}/+/temperature`, qos: 1 as const }),
  );
  const subscribe = encode({ type: "subscribe", packetId: 1, requests }, version);
  benchDecode(`SUBSCRIBE ${name} of 10 filters`, subscribe, undefined, version);
}

const message = { topic, payload };
Deno.bench("PUBLISH: encode 1000 frames of 64 B", () => {
  for (let i = 0; i < 1000; i++) encodePublishFrame(message, true, 4);
});

Deno.bench("PUBLISH 5.0: encode 1000 frames of 64 B", () => {
  for (let i = 0; i < 1000; i++) encodePublishFrame(message, true, 5);
});

Deno.bench("PUBLISH 5.0: encode 1000 frames with expiry and type", () => {
  for (let i = 0; i < 1000; i++) encodePublishFrame({ ...message, properties }, true, 5);
});

Deno.bench("PUBLISH 5.0: encode 1000 frames for one peer, alias and identifier", () => {
  const own = { topic: "", payload, topicAlias: 3, subscriptionIds: [7] };
  for (let i = 0; i < 1000; i++) encodePublishFrame(own, true, 5);
});

const large = { topic, payload: new Uint8Array(CHUNK_BYTES) };
Deno.bench("PUBLISH: encode 10 frames of 64 KiB", () => {
  for (let i = 0; i < 10; i++) encodePublishFrame(large, true, 4);
});

Deno.bench("PUBACK: encode 1000", () => {
  for (let i = 1; i <= 1000; i++) encode({ type: "puback", packetId: i, reasonCode: 0 }, 4);
});
