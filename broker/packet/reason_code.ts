import { PacketError } from "./packet_error.ts";

/** The reason codes of MQTT 5.0; one vocabulary for every version. */
export const ReasonCode = {
  /** Also a normal disconnection, and QoS 0 granted. */
  success: 0x00,
  grantedQos1: 0x01,
  grantedQos2: 0x02,
  disconnectWithWill: 0x04,
  noMatchingSubscribers: 0x10,
  noSubscriptionExisted: 0x11,
  continueAuthentication: 0x18,
  reauthenticate: 0x19,
  unspecifiedError: 0x80,
  malformedPacket: 0x81,
  protocolError: 0x82,
  implementationSpecificError: 0x83,
  unsupportedProtocolVersion: 0x84,
  clientIdentifierNotValid: 0x85,
  badUserNameOrPassword: 0x86,
  notAuthorized: 0x87,
  serverUnavailable: 0x88,
  serverBusy: 0x89,
  banned: 0x8a,
  serverShuttingDown: 0x8b,
  badAuthenticationMethod: 0x8c,
  keepAliveTimeout: 0x8d,
  sessionTakenOver: 0x8e,
  topicFilterInvalid: 0x8f,
  topicNameInvalid: 0x90,
  packetIdentifierInUse: 0x91,
  packetIdentifierNotFound: 0x92,
  receiveMaximumExceeded: 0x93,
  topicAliasInvalid: 0x94,
  packetTooLarge: 0x95,
  messageRateTooHigh: 0x96,
  quotaExceeded: 0x97,
  administrativeAction: 0x98,
  payloadFormatInvalid: 0x99,
  retainNotSupported: 0x9a,
  qosNotSupported: 0x9b,
  useAnotherServer: 0x9c,
  serverMoved: 0x9d,
  sharedSubscriptionsNotSupported: 0x9e,
  connectionRateExceeded: 0x9f,
  maximumConnectTime: 0xa0,
  subscriptionIdentifiersNotSupported: 0xa1,
  wildcardSubscriptionsNotSupported: 0xa2,
} as const;

/** The packets that carry a reason code. */
export type ReasonPacket =
  | "connack"
  | "puback"
  | "pubrec"
  | "pubrel"
  | "pubcomp"
  | "suback"
  | "unsuback"
  | "disconnect"
  | "auth";

/** What a code says in these packets. A code may say different things in different packets. */
export interface Reason {
  readonly code: number;
  readonly words: string;
  readonly packets: readonly ReasonPacket[];
}

const PUBLISH_ACKS = ["puback", "pubrec"] as const;
const CLOSING = ["connack", "disconnect"] as const;

/** Table 2-6 of MQTT 5.0. */
export const REASONS: readonly Reason[] = [
  {
    code: 0x00,
    words: "Success",
    packets: ["connack", ...PUBLISH_ACKS, "pubrel", "pubcomp", "unsuback", "auth"],
  },
  { code: 0x00, words: "Normal disconnection", packets: ["disconnect"] },
  { code: 0x00, words: "Granted QoS 0", packets: ["suback"] },
  { code: 0x01, words: "Granted QoS 1", packets: ["suback"] },
  { code: 0x02, words: "Granted QoS 2", packets: ["suback"] },
  { code: 0x04, words: "Disconnect with Will message", packets: ["disconnect"] },
  { code: 0x10, words: "No matching subscribers", packets: PUBLISH_ACKS },
  { code: 0x11, words: "No subscription existed", packets: ["unsuback"] },
  { code: 0x18, words: "Continue authentication", packets: ["auth"] },
  { code: 0x19, words: "Re-authenticate", packets: ["auth"] },
  { code: 0x80, words: "Unspecified error", packets: [...CLOSING, ...PUBLISH_ACKS, "suback", "unsuback"] },
  { code: 0x81, words: "Malformed packet", packets: CLOSING },
  { code: 0x82, words: "Protocol error", packets: CLOSING },
  {
    code: 0x83,
    words: "Implementation specific error",
    packets: [...CLOSING, ...PUBLISH_ACKS, "suback", "unsuback"],
  },
  { code: 0x84, words: "Unsupported protocol version", packets: ["connack"] },
  { code: 0x85, words: "Client identifier not valid", packets: ["connack"] },
  { code: 0x86, words: "Bad user name or password", packets: ["connack"] },
  { code: 0x87, words: "Not authorized", packets: [...CLOSING, ...PUBLISH_ACKS, "suback", "unsuback"] },
  { code: 0x88, words: "Server unavailable", packets: ["connack"] },
  { code: 0x89, words: "Server busy", packets: CLOSING },
  { code: 0x8a, words: "Banned", packets: ["connack"] },
  { code: 0x8b, words: "Server shutting down", packets: ["disconnect"] },
  { code: 0x8c, words: "Bad authentication method", packets: CLOSING },
  { code: 0x8d, words: "Keep Alive timeout", packets: ["disconnect"] },
  { code: 0x8e, words: "Session taken over", packets: ["disconnect"] },
  { code: 0x8f, words: "Topic filter invalid", packets: ["suback", "unsuback", "disconnect"] },
  { code: 0x90, words: "Topic name invalid", packets: [...CLOSING, ...PUBLISH_ACKS] },
  { code: 0x91, words: "Packet identifier in use", packets: [...PUBLISH_ACKS, "suback", "unsuback"] },
  { code: 0x92, words: "Packet identifier not found", packets: ["pubrel", "pubcomp"] },
  { code: 0x93, words: "Receive Maximum exceeded", packets: ["disconnect"] },
  { code: 0x94, words: "Topic alias invalid", packets: ["disconnect"] },
  { code: 0x95, words: "Packet too large", packets: CLOSING },
  { code: 0x96, words: "Message rate too high", packets: ["disconnect"] },
  { code: 0x97, words: "Quota exceeded", packets: [...CLOSING, ...PUBLISH_ACKS, "suback"] },
  { code: 0x98, words: "Administrative action", packets: ["disconnect"] },
  { code: 0x99, words: "Payload format invalid", packets: [...CLOSING, ...PUBLISH_ACKS] },
  { code: 0x9a, words: "Retain not supported", packets: CLOSING },
  { code: 0x9b, words: "QoS not supported", packets: CLOSING },
  { code: 0x9c, words: "Use another server", packets: CLOSING },
  { code: 0x9d, words: "Server moved", packets: CLOSING },
  { code: 0x9e, words: "Shared subscriptions not supported", packets: ["suback", "disconnect"] },
  { code: 0x9f, words: "Connection rate exceeded", packets: CLOSING },
  { code: 0xa0, words: "Maximum connect time", packets: ["disconnect"] },
  { code: 0xa1, words: "Subscription identifiers not supported", packets: ["suback", "disconnect"] },
  { code: 0xa2, words: "Wildcard subscriptions not supported", packets: ["suback", "disconnect"] },
];

const CODES_OF: ReadonlyMap<ReasonPacket, ReadonlySet<number>> = new Map(
  (["connack", ...PUBLISH_ACKS, "pubrel", "pubcomp", "suback", "unsuback", "disconnect", "auth"] as const)
    .map((packet) => [
      packet,
      new Set(REASONS.filter(({ packets }) => packets.includes(packet)).map(({ code }) => code)),
    ]),
);

/** A reason code in words, as people read them; those of the packet if it says something of its own there. */
export function describeReason(code: number, packet?: ReasonPacket): string {
  const meanings = REASONS.filter((reason) => reason.code === code);
  const inPacket = packet && meanings.find(({ packets }) => packets.includes(packet));
  const { words } = inPacket ?? meanings[0] ?? { words: "Unknown reason" };
  return meanings.length > 0 ? words : `${words} 0x${code.toString(16).padStart(2, "0")}`;
}

/** Whether MQTT 5.0 knows the code in this packet. */
export function isReasonOf(packet: ReasonPacket, code: number): boolean {
  return CODES_OF.get(packet)!.has(code);
}

/** Refuses a code that MQTT 5.0 does not know in this packet, in both directions. */
export function checkReasonCode(packet: ReasonPacket, code: number): void {
  if (isReasonOf(packet, code)) return;
  throw new PacketError(
    ReasonCode.protocolError,
    `Cannot accept reason code 0x${code.toString(16)} in ${packet.toUpperCase()}: it does not occur there`,
  );
}

/** Table 3.1 of MQTT 3.1.1: the place in the list is the return code. */
const REASON_OF_RETURN_CODE: readonly number[] = [
  ReasonCode.success,
  ReasonCode.unsupportedProtocolVersion,
  ReasonCode.clientIdentifierNotValid,
  ReasonCode.serverUnavailable,
  ReasonCode.badUserNameOrPassword,
  ReasonCode.notAuthorized,
];

/**
 * The CONNACK return code of MQTT 3.1 and 3.1.1 for a reason code. Without one the server closes the connection and
 * sends no CONNACK.
 */
export function connectReturnCode(reasonCode: number): number | undefined {
  const returnCode = REASON_OF_RETURN_CODE.indexOf(reasonCode);
  return returnCode < 0 ? undefined : returnCode; // [MQTT-3.2.2-6]
}

/** The reason code for a CONNACK return code of MQTT 3.1 and 3.1.1, undefined for the reserved ones. */
export function reasonOfReturnCode(returnCode: number): number | undefined {
  return REASON_OF_RETURN_CODE.at(returnCode);
}
