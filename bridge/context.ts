import type { Context, Env } from "hono";
import type { Arrival } from "./arrival.ts";
import type { LoginTable } from "./access/login_table.ts";
import type { StreamTokenTable } from "./access/stream_token_table.ts";
import type { Broker } from "../broker/mod.ts";
import type { Answer, IdempotencyTable } from "./idempotency_table.ts";
import type { RateTable } from "./rate_table.ts";
import type { StallTable } from "./stall_table.ts";
import type { StreamTable } from "./stream/stream_table.ts";

export interface BridgeOptions {
  /** Host names, without port, that the bridge answers to beside those of this machine; `*` for all. */
  readonly allowedHosts?: readonly string[];
  /** Origins, such as `https://example.org`, whose pages may publish, read and follow. */
  readonly allowedOrigins?: readonly string[];
  /** Proxies whose `X-Forwarded-*` count: addresses and networks. */
  readonly trustedProxies?: readonly string[];
  /** Whether there is `/mqtt`, wherever the server can open WebSockets. True if not given. */
  readonly hasWebSocket?: boolean;
  /** From 0 up to 1; spreads the reconnects of streams. */
  readonly random?: () => number;
}

/** What the routes of one bridge share. */
export interface Bridge {
  readonly broker: Broker;
  readonly streams: StreamTable;
  readonly idempotency: IdempotencyTable;
  readonly rates: RateTable;
  /** Uploads that are awaited. */
  readonly stalls: StallTable;
  readonly logins: LoginTable;
  readonly streamTokens: StreamTokenTable;
  readonly options: BridgeOptions;
  readonly random: () => number;
  /** WebSockets that are not over. */
  webSocketCount: number;
  /** The bridge is about to stop and takes nothing new. */
  isDraining: boolean;
}

export interface BridgeEnv extends Env {
  Bindings: Arrival;
}

export type BridgeContext = Context<BridgeEnv>;
export type { Answer } from "./idempotency_table.ts";
export type RouteHandler = (
  context: BridgeContext,
) => Response | Answer | Promise<Response | Answer>;
