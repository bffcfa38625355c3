import type { LoadResult, MessageShape, Shape } from "./load/options.ts";

/** What is measured of a workload, and printed in its table. */
export interface Figure {
  readonly unit: string;
  readonly isLessBetter: boolean;
  readonly of: (result: LoadResult) => number;
}

export interface Workload {
  /** As `--only` says it. */
  readonly name: string;
  readonly title: string;
  readonly shape: Shape;
  readonly figure: Figure;
}

const DELIVERIES: Figure = {
  unit: "deliveries/s",
  isLessBetter: false,
  of: (result) => result.kind === "messages" ? result.deliveriesPerSecond : NaN,
};
const CONNECTS: Figure = {
  unit: "connections/s",
  isLessBetter: false,
  of: (result) => result.kind === "connections" ? result.connectionsPerSecond : NaN,
};
const MEMORY: Figure = {
  unit: "KiB/connection",
  isLessBetter: true,
  of: (result) => result.kind === "connections" ? result.kibibytesPerConnection : NaN,
};

const SMALL: MessageShape = {
  kind: "messages",
  publishers: 1,
  subscribers: 1,
  isPaired: true,
  qos: 0,
  payloadBytes: 64,
  window: 1000,
  ratePerSecond: 0,
};
/** Enough that what the broker keeps stands out from what its heap happens to do. */
const CONNECTIONS: Shape = { kind: "connections", connections: 2000 };

const messages = (name: string, title: string, differences: Partial<MessageShape>): Workload => ({
  name,
  title,
  shape: { ...SMALL, ...differences },
  figure: DELIVERIES,
});

/** All of them with 64 bytes and 1000 deliveries under way, unless the title says otherwise. */
export const WORKLOADS: readonly Workload[] = [
  messages("one", "1:1, QoS 0", {}),
  messages("pairs", "10 pairs, QoS 0", pairs(10)),
  messages("fan-out", "Fan-out 1:50, QoS 0", { subscribers: 50, isPaired: false }),
  messages("fan-in", "Fan-in 50:1, QoS 0", { publishers: 50, isPaired: false }),
  messages("qos1", "10 pairs, QoS 1", { ...pairs(10), qos: 1 }),
  messages("qos2", "10 pairs, QoS 2", { ...pairs(10), qos: 2 }),
  messages("scattered", "50 pairs, QoS 0, nothing to batch: 50 under way", { ...pairs(50), window: 50 }),
  messages("ping-pong", "1:1, QoS 0, one after the other", { window: 1 }),
  messages("large", "2 pairs, QoS 0, 64 KiB, 64 under way", {
    ...pairs(2),
    payloadBytes: 65_536,
    window: 64,
  }),
  messages("paced", "50 pairs, QoS 0, 20,000/s", { ...pairs(50), ratePerSecond: 20_000 }),
  { name: "idle", title: "Idle connections, memory", shape: CONNECTIONS, figure: MEMORY },
  { name: "connect", title: "Connections opened", shape: CONNECTIONS, figure: CONNECTS },
];

/** One point of a curve: what stands on the x axis, and the load that belongs to it. */
export interface Point {
  readonly x: number;
  readonly shape: MessageShape;
}

/** More and more clients, as fast as the broker can. */
export const BY_CLIENTS: readonly Point[] = [1, 2, 5, 10, 20, 50, 100, 200].map((count) => ({
  x: 2 * count,
  shape: { ...SMALL, ...pairs(count) },
}));

/** A hundred clients, more and more messages. */
export const BY_RATE: readonly Point[] = [5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000].map((
  ratePerSecond,
) => ({ x: ratePerSecond, shape: { ...SMALL, ...pairs(50), ratePerSecond } }));

function pairs(count: number): Partial<MessageShape> {
  return { publishers: count, subscribers: count };
}
