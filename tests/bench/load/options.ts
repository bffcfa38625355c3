import type { QoS } from "../../../broker/packet/mod.ts";

export type BenchVersion = 4 | 5;

/** What one run of the load does, to which broker. */
export interface LoadOptions {
  readonly port: number;
  readonly version: BenchVersion;
  /** The broker's process, whose share of a core and memory are told. */
  readonly brokerPid: number;
  readonly warmSeconds: number;
  readonly seconds: number;
  readonly shape: Shape;
}

/** The clients of a load, and what they say. */
export type Shape = MessageShape | ConnectionShape;

export interface MessageShape {
  readonly kind: "messages";
  readonly publishers: number;
  readonly subscribers: number;
  /** Publisher and subscriber of the same number have a topic of their own; otherwise all share one. */
  readonly isPaired: boolean;
  readonly qos: QoS;
  readonly payloadBytes: number;
  /** Deliveries that are due and not there yet, all clients together; the next message waits for room. */
  readonly window: number;
  /** Messages that all publishers send together, whatever comes of them; 0 for as fast as the window lets them. */
  readonly ratePerSecond: number;
}

/** Connections that are opened and then do nothing. */
export interface ConnectionShape {
  readonly kind: "connections";
  readonly connections: number;
}

/** What the two processes used, 1 being one core all the time. */
export interface Use {
  readonly brokerCores: number;
  readonly loadCores: number;
  /** Share of the time in which the main thread ran or waited for a core: who is near 1 is the limit. */
  readonly brokerBusy: number;
  readonly loadBusy: number;
  /** Share of the time in which it waited for a core that somebody else had. */
  readonly brokerWaits: number;
  readonly loadWaits: number;
}

export interface MessageResult extends Use {
  readonly kind: "messages";
  readonly deliveriesPerSecond: number;
  /** In microseconds, from before the write to after the read. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  /** Deliveries of the whole run, warm-up included. */
  readonly due: number;
  readonly lost: number;
  readonly repeated: number;
}

export interface ConnectionResult extends Use {
  readonly kind: "connections";
  readonly connectionsPerSecond: number;
  readonly kibibytesPerConnection: number;
}

export type LoadResult = MessageResult | ConnectionResult;
