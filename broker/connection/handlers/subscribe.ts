import type { SubscribeOutcome } from "../../core/outcome.ts";
import type { Subscription } from "../../core/subscriber.ts";
import { ProtocolError } from "../../core/errors.ts";
import { SUBSCRIBE_REFUSALS, type SubscribeRefusal } from "../../core/refusal.ts";
import { ReasonCode, type SubscribePacket, type SubscriptionRequest } from "../../packet/mod.ts";
import { isShared } from "../../topic/name.ts";
import type { ConnectionPort } from "../connection_port.ts";

/** Subscribes filter by filter, answers once, then sends what is retained. [MQTT-3.8.4-4] [MQTT5-3.8.4-5] */
export function handleSubscribe(connection: ConnectionPort, packet: SubscribePacket): void {
  const { requests, packetId } = packet;
  if (connection.version === 5) checkOffered(connection, packet);
  const outcomes = requests.map((request) => subscribe(connection, request, packet.subscriptionId));
  const refusal = logRefusals(connection, requests, outcomes);
  const reasonCodes = outcomes.map((outcome) =>
    // [MQTT5-3.8.4-6] [MQTT5-3.8.4-7]
    outcome.granted ? outcome.subscription.qos : outcome.reasonCode
  );
  connection.answer({ type: "suback", packetId, reasonCodes }, refusal); // [MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-2.3.1-7] [MQTT5-2.2.1-6] [MQTT5-3.8.4-1] [MQTT5-3.8.4-2]
  for (const [index, outcome] of outcomes.entries()) {
    if (outcome.granted && wantsRetained(requests[index]!, outcome)) {
      sendRetained(connection, outcome.subscription);
    }
  }
}

/** CONNACK said what there is not; earlier versions hear of it in SUBACK, filter by filter. */
function checkOffered({ broker }: ConnectionPort, { requests, subscriptionId }: SubscribePacket): void {
  if (subscriptionId !== 0 && !broker.features.subscriptionIdentifiersAvailable) { // [MQTT5 3.2.2.3.12]
    throw new ProtocolError(
      ReasonCode.subscriptionIdentifiersNotSupported,
      `Cannot accept subscription identifier ${subscriptionId}: this broker has none`,
    );
  }
  for (const { filter } of requests) {
    const refusal = broker.filterRefusal(filter); // [MQTT5 3.2.2.3.11] [MQTT5 3.2.2.3.13]
    if (!refusal) continue;
    const { reasonCode, words } = SUBSCRIBE_REFUSALS[refusal];
    throw new ProtocolError(reasonCode, words);
  }
}

function subscribe(
  connection: ConnectionPort,
  request: SubscriptionRequest,
  identifier: number,
): SubscribeOutcome {
  const { filter, qos, noLocal, retainAsPublished } = request;
  const { broker, session } = connection;
  if (filter === "") throw new ProtocolError(ReasonCode.topicFilterInvalid, "Cannot accept an empty filter"); // [MQTT-4.7.3-1]
  if (noLocal && isShared(filter)) { // [MQTT5-3.8.3-4]
    throw new ProtocolError(
      ReasonCode.protocolError,
      `Cannot accept No Local for the shared filter "${filter}"`,
    );
  }
  const refusal = broker.storeRefusalFor(session) ?? sessionRefusal(connection, filter);
  const outcome = refusal
    ? broker.refuseSubscription(refusal)
    : broker.subscribe(session, filter, { qos, noLocal, retainAsPublished, identifier });
  if (outcome.granted) session.addSubscription(outcome.subscription, wantsRetained(request, outcome));
  return outcome;
}

/** Whether one filter more is too many for this session; one that it has may come again. */
function sessionRefusal({ broker, session }: ConnectionPort, filter: string): SubscribeRefusal | undefined {
  const isFull = session.subscriptions.size >= broker.limits.subscriptionsPerSessionMax;
  if (!isFull || session.subscriptions.has(filter)) return undefined;
  broker.counters.met("subscriptionsPerSessionMax");
  return "too-many-subscriptions";
}

/** For a shared one, whose turn would it be? (4.8.2) */
function wantsRetained(
  { retainHandling }: SubscriptionRequest,
  { subscription, isNew }: SubscribeOutcome & { granted: true },
): boolean {
  return !subscription.isShared && (retainHandling === 0 || (retainHandling === 1 && isNew)); // [MQTT5-3.3.1-9] [MQTT5-3.3.1-10] [MQTT5-3.3.1-11]
}

/** One line a packet: a packet has room for a hundred thousand filters. Answers what is to be said of the first. */
function logRefusals(
  { broker, clientId }: ConnectionPort,
  requests: readonly SubscriptionRequest[],
  outcomes: readonly SubscribeOutcome[],
): string | undefined {
  const index = outcomes.findIndex((outcome) => !outcome.granted);
  const first = outcomes[index];
  if (!first || first.granted) return undefined;
  const count = outcomes.filter((outcome) => !outcome.granted).length;
  const { refusal, problem } = first;
  const filter = requests[index]!.filter;
  broker.log.warn("subscription-refused", { clientId, filter, refusal, detail: problem?.message, count });
  return problem?.message ?? SUBSCRIBE_REFUSALS[refusal].words;
}

/** A repeated subscription gets its retained messages again. [MQTT-3.3.1-6] [MQTT-3.8.4-3] [MQTT5-3.8.4-4] */
function sendRetained(connection: ConnectionPort, subscription: Subscription): void {
  const { broker, session } = connection;
  session.outbound.deliverRetained(subscription, broker.retained.source(session, subscription.filter));
}
