export type { Authentication, AuthenticationData } from "./authentication.ts";
export type { CloseOptions, PublishOptions, SubscribeOptions, UnsubscribeOptions } from "./call_options.ts";
export type { AddressOptions, TlsOptions, WebSocketOptions } from "./broker_address.ts";
export { UrlError } from "./broker_url.ts";
export { Client } from "./client.ts";
export {
  ClientError,
  ClosedError,
  ConnectError,
  LimitError,
  reasonWords,
  RefusedError,
} from "./client_error.ts";
export { connect } from "./connect.ts";
export type { ConnectOptions, WillOptions } from "./connect_options.ts";
export type { IncomingMessage, Subscription } from "./inbox.ts";
export type { Published } from "./publisher.ts";
export { TlsError, type TlsProblem } from "../transport/tls_client.ts";
export { UpgradeError } from "../transport/websocket_request.ts";
export type { ServerLimits } from "./server_limits.ts";
export type { ConnackPacket, MessageProperties, QoS, RetainHandling, UserProperties } from "../packet/mod.ts";
export { ReasonCode } from "../packet/mod.ts";
/** Rejects a call whose packet cannot be encoded: a topic too long, say. */
export { PacketError } from "../packet/mod.ts";
