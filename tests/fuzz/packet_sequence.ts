import { encode, type OutgoingPacket, type QoS, type Version } from "../../broker/packet/mod.ts";
import { randomPacket } from "../packet/random_packets.ts";
import { mutateBytes } from "../support/fuzz.ts";
import { connectPacket, publishFields } from "../support/raw_client.ts";
import type { Random } from "../topic/random_names.ts";

const TOPICS = ["a", "a/b", "a//c", "ñ/日/😀", "$SYS/broker/uptime", "$foo", "x".repeat(300), "/"];
const FILTERS = [...TOPICS, "#", "+/b", "a/#", "$SYS/#", "$share/g/a", "a+", "+/+/+/+"];

const VERSIONS: readonly Version[] = [3, 4, 4, 5, 5, 5];

/** A CONNECT and some packets behind it; some of them, or all together, mutated. */
export function packetSequence(random: Random): Uint8Array {
  const version = random.pick(VERSIONS);
  const others = Array.from({ length: random.below(12) }, () => packetOf(random, version));
  const frames = [connectOf(random, version), ...others].map((packet) => encode(packet, version));
  const kind = random.below(4);
  if (kind === 1) { // One of them, so that those before it are taken.
    const index = random.below(frames.length);
    frames[index] = mutateBytes(frames[index]!, random, frames);
    if (random.below(2) === 0) mendLength(frames[index]!);
  }
  const bytes = Uint8Array.from(frames.flatMap((frame) => [...frame]));
  return kind === 2 ? mutateBytes(bytes, random, frames) : bytes;
}

/** A header that tells the truth lets the mutation reach the body. */
function mendLength(frame: Uint8Array): void {
  if (frame.length >= 2 && frame.length < 130) frame[1] = frame.length - 2;
}

function connectOf(random: Random, version: Version): OutgoingPacket {
  if (version === 5 && random.below(4) === 0) return randomPacket(random, "connect");
  const will = { topic: random.pick(TOPICS), qos: random.below(3) as QoS, retain: random.below(2) === 0 };
  return connectPacket({
    version: random.below(6) === 0 ? random.pick(VERSIONS) : version,
    clientId: random.below(20) === 0 ? "x".repeat(65) : random.pick(["f1", "f2", "f3", "f4", "f5"]),
    cleanStart: random.below(2) === 0,
    keepAliveSeconds: random.pick([0, 1, 60]),
    will: random.below(2) === 0 ? will : undefined,
    ...(random.below(2) === 0 ? { username: "u", password: "p" } : {}),
  });
}

function packetOf(random: Random, version: Version): OutgoingPacket {
  if (version === 5 && random.below(3) === 0) return anyPacketOf(random);
  const packetId = 1 + random.below(5);
  const qos = random.below(3) as QoS;
  const filters = Array.from({ length: 1 + random.below(3) }, () => random.pick(FILTERS));
  const payload = "x".repeat(random.pick([0, 1, 100, 100, 1000]));
  const retain = random.below(4) === 0;
  switch (random.below(9)) {
    case 0:
      return { type: "subscribe", packetId, requests: filters.map((filter) => ({ filter, qos })) };
    case 1:
      return { type: "unsubscribe", packetId, filters };
    case 2:
      return { type: "pingreq" };
    case 3:
      return { type: random.pick(["puback", "pubrec", "pubrel", "pubcomp"]), packetId, reasonCode: 0 };
    case 4:
      return random.below(3) === 0
        ? { type: "disconnect", reasonCode: 0 }
        : { type: "connack", sessionPresent: false, reasonCode: 0 };
    default:
      return publishFields(random.pick(TOPICS), payload, { qos, retain, packetId: qos === 0 ? 0 : packetId });
  }
}

/** Whatever MQTT 5.0 has, mostly on topics that somebody subscribes to, and with few packet identifiers. */
function anyPacketOf(random: Random): OutgoingPacket {
  const packet = randomPacket(random, random.below(2) === 0 ? "publish" : undefined);
  if (packet.type !== "publish") return packet;
  return {
    ...packet,
    topic: packet.topic && random.pick(TOPICS),
    packetId: packet.qos === 0 ? 0 : 1 + random.below(5),
    topicAlias: Math.min(packet.topicAlias ?? 0, 3),
    ...random.below(8) > 0 && { subscriptionIds: [] },
  };
}
