import type { MessageShape, Shape } from "./load/options.ts";
import type { Result, Task } from "./task.ts";

/** What is measured of a workload, and printed in its table. */
export interface Figure {
  readonly unit: string;
  readonly isLessBetter: boolean;
  /** Memory does not depend on who has the core. */
  readonly isOfMemory?: boolean;
  readonly of: (result: Result) => number;
}

/** What is asked of Pregón: not less than the bound, or not more where less is better. */
export interface Goal {
  readonly bound: number;
  /** The bound is a multiple of what this one does in the same run, or a figure by itself. */
  readonly beside: "mosquitto" | "limit" | "nobody";
}

export interface Workload {
  /** As `--only` says it. */
  readonly name: string;
  readonly title: string;
  readonly task: Task;
  readonly figure: Figure;
  readonly goal: Goal;
}

const DELIVERIES: Figure = {
  unit: "deliveries/s",
  isLessBetter: false,
  of: (result) => result.kind === "messages" ? result.deliveriesPerSecond : NaN,
};
const P50: Figure = latency("p50", "µs, half arrive within");
const P99: Figure = latency("p99", "µs, 99 of 100 arrive within");
const CONNECTS: Figure = {
  unit: "connections/s",
  isLessBetter: false,
  of: (result) => result.kind === "connections" ? result.connectionsPerSecond : NaN,
};
const MEMORY: Figure = {
  unit: "KiB/connection",
  isLessBetter: true,
  isOfMemory: true,
  of: (result) => result.kind === "connections" ? result.kibibytesPerConnection : NaN,
};
const START: Figure = {
  unit: "ms until a client is in",
  isLessBetter: true,
  of: (result) => result.kind === "start" ? result.milliseconds : NaN,
};
const PAUSE: Figure = {
  unit: "ms, 99.9 % within",
  isLessBetter: true,
  of: (result) => result.kind === "messages" ? result.pauses?.p999 ?? NaN : NaN,
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
const CONNECTIONS: Shape = { kind: "connections", connections: 5000 };

const messages = (
  name: string,
  title: string,
  differences: Partial<MessageShape>,
  goalRatio: number,
  figure: Figure = DELIVERIES,
): Workload => ({
  name,
  title,
  task: { ...SMALL, ...differences },
  figure,
  goal: { bound: goalRatio, beside: "mosquitto" },
});

/** All of them with 64 bytes and 1000 deliveries under way, unless the title says otherwise. */
export const WORKLOADS: readonly Workload[] = [
  messages("one", "1:1, QoS 0", {}, 6),
  messages("pairs", "10 pairs, QoS 0", pairs(10), 7),
  messages("fan-out", "Fan-out 1:50, QoS 0", { subscribers: 50, isPaired: false }, 5),
  messages("fan-in", "Fan-in 50:1, QoS 0", { publishers: 50, isPaired: false }, 4),
  messages("qos1", "10 pairs, QoS 1", { ...pairs(10), qos: 1 }, 12),
  messages("qos2", "10 pairs, QoS 2", { ...pairs(10), qos: 2 }, 12),
  messages("scattered", "50 pairs, QoS 0, nothing to batch: 50 under way", { ...pairs(50), window: 50 }, 1),
  messages("ping-pong", "1:1, QoS 0, one after the other", { window: 1 }, 1.1, P50),
  messages("large", "2 pairs, QoS 0, 64 KiB, 64 under way", {
    ...pairs(2),
    payloadBytes: 65_536,
    window: 64,
  }, 1),
  messages("paced", "100 pairs, QoS 0, 20,000/s", { ...pairs(100), ratePerSecond: 20_000 }, 1, P99),
  {
    name: "idle",
    title: "Idle connections, memory",
    task: CONNECTIONS,
    figure: MEMORY,
    goal: { bound: 6, beside: "nobody" },
  },
  {
    name: "connect",
    title: "Connections opened",
    task: CONNECTIONS,
    figure: CONNECTS,
    goal: { bound: 0.8, beside: "mosquitto" },
  },
  {
    name: "start",
    title: "Start with an empty store",
    task: { kind: "start" },
    figure: START,
    goal: { bound: 300, beside: "nobody" },
  },
  {
    name: "gc",
    title: "GC pauses of the main thread, 10 pairs, QoS 0, 100,000/s",
    task: { kind: "pauses", load: { ...SMALL, ...pairs(10), ratePerSecond: 100_000 } },
    figure: PAUSE,
    goal: { bound: 10, beside: "nobody" },
  },
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

function latency(quantile: "p50" | "p99", unit: string): Figure {
  return { unit, isLessBetter: true, of: (result) => result.kind === "messages" ? result[quantile] : NaN };
}
