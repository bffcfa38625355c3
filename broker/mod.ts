// The door of the broker: what the bridge and other programs use.

export type {
  Authenticator,
  ClientCertificate,
  Credentials,
  EnhancedAuthenticator,
  Exchange,
  ExchangeStep,
  Grant,
} from "./auth/authenticator.ts";
export { addressOf as peerAddress } from "./auth/failure_limiter.ts";
export { isOffered, type Offer } from "./auth/offer.ts";
export { allows } from "./auth/rights.ts";
export { Broker, type BrokerOptions, type MessageObserver } from "./broker.ts";
export type { Clock } from "./core/clock.ts";
export { DescriptorReserve } from "./core/descriptor_reserve.ts";
export { ALL_FEATURES, type Features } from "./core/features.ts";
export { type Action, ANONYMOUS_NAME, type AuthRefusal, type Identity } from "./core/identity.ts";
export { AddressSet, formatEndpoint, parseAddress } from "./core/ip_address.ts";
export { DEFAULT_LIMITS, type Limits } from "./core/limits.ts";
export type { MeteredLimit } from "./core/limits_met.ts";
export { Log, LOG_LEVELS, type LogLevel, silentLog } from "./core/log.ts";
export { PacedLog } from "./core/paced_log.ts";
export {
  isStoreRefusal,
  PUBLISH_REFUSALS,
  type Refusal,
  SUBSCRIBE_REFUSALS,
  type SubscribeRefusal,
} from "./core/refusal.ts";
export { Message, type MessageDraft, type MessageProperties, type UserProperties } from "./core/message.ts";
export type { Publication, PublishWish, SubscribeOutcome } from "./core/outcome.ts";
export { Mentions } from "./core/mentions.ts";
export { PublishRate } from "./core/publish_rate.ts";
export type { Delivery, Readiness, Subscriber, Subscription } from "./core/subscriber.ts";
export type { Flushable } from "./core/turn.ts";
export type { RetainedMessages } from "./retained_messages.ts";
export type { QoS } from "./packet/types.ts";
export type { EventJournal, RestoredEvents } from "./store/event_journal.ts";
export { type Store, StoreError } from "./store/store.ts";
export type { Link } from "./transport/transport.ts";
export { upgradeLink } from "./transport/websocket.ts";
export {
  chooseProtocol as chooseWebSocketProtocol,
  isKey as isWebSocketKey,
  type WebSocketAnswer,
} from "./transport/websocket_handshake.ts";
export {
  checkFilter,
  checkTopic,
  hasWildcards,
  isReserved,
  isShared,
  matches,
  parseShare,
  type TopicProblem,
} from "./topic/name.ts";
