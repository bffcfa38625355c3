// The door of the bridge: HTTP in front of a broker.

import type { Broker } from "../broker/mod.ts";
import { LoginTable } from "./access/login_table.ts";
import { StreamTokenTable } from "./access/stream_token_table.ts";
import { createApp } from "./app.ts";
import type { Bridge as BridgeState, BridgeOptions } from "./context.ts";
import { Arrival } from "./arrival.ts";
import { ClientReader, type RequestInfo } from "./client_address.ts";
import { IdempotencyTable } from "./idempotency_table.ts";
import { RateTable } from "./rate_table.ts";
import { StallTable } from "./stall_table.ts";
import { LogKeeper } from "./stream/log_keeper.ts";
import { ReplayLog } from "./stream/replay_log.ts";
import { StreamTable } from "./stream/stream_table.ts";

export { type Client, PlainRequest, type RequestInfo } from "./client_address.ts";
export type { BridgeOptions } from "./context.ts";
export { LinkServer, type LinkServerOptions } from "./link_server.ts";
export { pageGuard } from "./middleware/origin.ts";
export { type Descriptors, HttpServer, type HttpServerOptions, type Serve } from "./http_server.ts";
export { upgradeByDeno } from "./web_socket.ts";

export interface Bridge {
  /** Answers one request; made for `Deno.serve`. */
  fetch(request: Request, info?: RequestInfo): Promise<Response>;
  /** Open streams. */
  readonly streamCount: number;
  /** Refuses new messages and streams from now on; `/readyz` says so. */
  startDraining(): void;
  /** Says farewell to all streams and lets go of the broker. Idempotent. */
  close(): Promise<void>;
}

/** Puts HTTP in front of the broker. It keeps a log of the newest messages from now on, for streams that reconnect. */
export function createBridge(broker: Broker, options: BridgeOptions = {}): Bridge {
  const random = options.random ?? Math.random;
  const now = () => broker.clock.now();
  const log = new ReplayLog(broker.limits, broker.sequence, now());
  const keeper = new LogKeeper(broker, log);
  const stopObserving = broker.observe((message) => {
    log.append(message);
    keeper.observe(message);
  });
  const streams = new StreamTable(broker, log, { interests: keeper.interests, random });
  const idempotency = new IdempotencyTable(
    broker.limits,
    now,
    () => broker.counters.met("idempotencyKeysMax"),
  );
  const state: BridgeState = {
    ...{ broker, options, random, streams, idempotency },
    rates: new RateTable(broker),
    stalls: new StallTable(broker.clock, broker.limits.stallSeconds),
    logins: new LoginTable(broker),
    streamTokens: new StreamTokenTable(broker),
    webSocketCount: 0,
    isDraining: false,
  };
  const clients = new ClientReader(options.trustedProxies);
  const app = createApp(state);
  return {
    fetch: (request, info) => Promise.resolve(app.fetch(request, new Arrival(request, info, clients))),
    get streamCount() {
      return streams.size;
    },
    startDraining() {
      state.isDraining = true;
    },
    async close() {
      state.isDraining = true;
      await streams.close();
      stopObserving();
      keeper.close();
      state.stalls.close();
    },
  };
}
