/** The reason codes of MQTT 5.0 that this broker gives or understands; one vocabulary for every version. */
export const ReasonCode = {
  success: 0x00,
  noMatchingSubscribers: 0x10,
  noSubscriptionExisted: 0x11,
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
  sharedSubscriptionsNotSupported: 0x9e,
  connectionRateExceeded: 0x9f,
} as const;

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
