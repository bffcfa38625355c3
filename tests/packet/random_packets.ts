import type { OutgoingPacket, QoS, RetainHandling, SubscriptionDraft } from "../../broker/packet/mod.ts";
import { type PropertyName, type PropertyPacket, rowsOf } from "../../broker/packet/properties.ts";
import { type ReasonPacket, REASONS } from "../../broker/packet/reason_code.ts";
import { type Random, randomFilter, randomTopic } from "../topic/random_names.ts";

export const PACKET_TYPES = [
  "connect",
  "connack",
  "publish",
  "puback",
  "pubrec",
  "pubrel",
  "pubcomp",
  "subscribe",
  "suback",
  "unsubscribe",
  "unsuback",
  "pingreq",
  "pingresp",
  "disconnect",
  "auth",
] as const satisfies readonly OutgoingPacket["type"][];

/** A valid packet of MQTT 5.0, with any of the properties that it may have. */
export function randomPacket(
  random: Random,
  type: OutgoingPacket["type"] = random.pick(PACKET_TYPES),
): OutgoingPacket {
  switch (type) {
    case "connect":
      return connect(random);
    case "connack": {
      const reasonCode = reasonOf(random, type);
      return {
        type,
        sessionPresent: reasonCode === 0 && coin(random),
        reasonCode,
        ...properties(random, type),
      };
    }
    case "publish":
      return publish(random);
    case "subscribe": {
      const { subscriptionIds = [0], ...others } = properties(random, type);
      const requests = some(random, () => subscription(random));
      return { type, packetId: u16(random), requests, subscriptionId: subscriptionIds[0]!, ...others };
    }
    case "unsubscribe":
      return {
        type,
        packetId: u16(random),
        filters: some(random, () => randomFilter(random)),
        ...properties(random, type),
      };
    case "suback":
    case "unsuback": {
      const reasonCodes = some(random, () => reasonOf(random, type));
      return { type, packetId: u16(random), reasonCodes, ...properties(random, type) };
    }
    case "pingreq":
    case "pingresp":
      return { type };
    case "disconnect":
      return { type, reasonCode: reasonOf(random, type), ...properties(random, type) };
    case "auth":
      return {
        type,
        reasonCode: reasonOf(random, type),
        ...properties(random, type),
        authenticationMethod: "M",
      };
    default:
      return { type, packetId: u16(random), reasonCode: reasonOf(random, type), ...properties(random, type) };
  }
}

function connect(random: Random): OutgoingPacket {
  const { delaySeconds = 0, ...said } = properties(random, "will");
  const message = {
    topic: randomTopic(random),
    payload: bytes(random),
    qos: random.below(3) as QoS,
    retain: coin(random),
  };
  return {
    type: "connect",
    version: 5,
    cleanStart: coin(random),
    keepAliveSeconds: random.below(0x1_0000),
    clientId: text(random),
    will: coin(random) ? { ...message, delaySeconds, properties: orNothing(said) } : undefined,
    username: coin(random) ? text(random) : undefined,
    password: coin(random) ? bytes(random) : undefined,
    ...properties(random, "connect"),
  };
}

function publish(random: Random): OutgoingPacket {
  const { topicAlias = 0, subscriptionIds = [], ...said } = properties(random, "publish");
  const qos = random.below(3) as QoS;
  return {
    type: "publish",
    dup: qos > 0 && coin(random),
    qos,
    retain: coin(random),
    topic: topicAlias > 0 && coin(random) ? "" : randomTopic(random),
    packetId: qos === 0 ? 0 : u16(random),
    payload: bytes(random),
    properties: orNothing(said),
    topicAlias,
    subscriptionIds,
  };
}

function subscription(random: Random): SubscriptionDraft {
  const retainHandling = random.below(3) as RetainHandling;
  const qos = random.below(3) as QoS;
  return {
    filter: randomFilter(random),
    qos,
    noLocal: coin(random),
    retainAsPublished: coin(random),
    retainHandling,
  };
}

type Values = { readonly [Name in PropertyName]: (random: Random) => unknown };

/** What each property may say. */
const VALUES: Values = {
  expirySeconds: u32,
  payloadIsText: coin,
  contentType: text,
  responseTopic: randomTopic,
  correlationData: bytes,
  subscriptionIds: (random) => some(random, () => 1 + random.below(random.pick([1, 127, 128, 268_435_455]))),
  sessionExpirySeconds: (random) => random.below(4) === 0 ? Infinity : u32(random) % 0xffff_ffff,
  assignedClientId: text,
  serverKeepAliveSeconds: (random) => random.below(0x1_0000),
  authenticationMethod: text,
  authenticationData: bytes,
  requestProblemInformation: coin,
  delaySeconds: u32,
  requestResponseInformation: coin,
  responseInformation: text,
  serverReference: text,
  reasonString: text,
  receiveMaximum: u16,
  topicAliasMax: (random) => random.below(0x1_0000),
  topicAlias: u16,
  qosMax: (random) => random.below(2),
  retainAvailable: coin,
  userProperties: (random) => some(random, () => [text(random), text(random)]),
  packetBytesMax: (random) => u32(random) || 1,
  wildcardSubscriptionsAvailable: coin,
  subscriptionIdsAvailable: coin,
  sharedSubscriptionsAvailable: coin,
};

/** Each property of the block with an even chance. */
// deno-lint-ignore no-explicit-any -- their names and types follow from the block
function properties(random: Random, packet: PropertyPacket): Record<string, any> {
  const chosen = rowsOf(packet).filter(() => coin(random)).map(({ name }) => [name, VALUES[name](random)]);
  const values = Object.fromEntries(chosen);
  // Data without the method that they are of mean nothing.
  if (!("authenticationMethod" in values)) delete values.authenticationData;
  if (packet === "subscribe" && values.subscriptionIds) {
    values.subscriptionIds = values.subscriptionIds.slice(0, 1);
  }
  return values;
}

function orNothing<Values extends object>(values: Values): Values | undefined {
  return Object.keys(values).length > 0 ? values : undefined;
}

function reasonOf(random: Random, packet: ReasonPacket): number {
  return random.pick(REASONS.filter(({ packets }) => packets.includes(packet))).code;
}

function some<Item>(random: Random, make: () => Item): Item[] {
  return Array.from({ length: 1 + random.below(4) }, make);
}

function coin(random: Random): boolean {
  return random.below(2) === 0;
}

function u16(random: Random): number {
  return 1 + random.below(0xffff);
}

function u32(random: Random): number {
  return random.pick([0, 1, random.below(0x1_0000_0000), 0xffff_ffff]);
}

function text(random: Random): string {
  return random.pick(["", "a", "ñ/日/😀", "\ufeff", "x".repeat(random.below(200)), "a\r\nb: c"]);
}

function bytes(random: Random): Uint8Array {
  return Uint8Array.from({ length: random.pick([0, 1, 5, 130, 300]) }, () => random.below(256));
}
