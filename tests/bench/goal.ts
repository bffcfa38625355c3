import { each, isDisturbed, isLoadTheLimit, type Series } from "./measure.ts";
import type { Row } from "./report.ts";
import { medianRatio } from "./statistics.ts";
import type { Workload } from "./workload.ts";

export type Outcome =
  | "met"
  | "not met"
  /** The load could not ask for more, so the figure says too little of a broker to tell. */
  | "the load is the limit"
  /** Pregón lost or repeated deliveries, or ended. */
  | "faulty"
  /** There is no mosquitto beside it. */
  | "not measured";

/** What became of the goal of a workload. */
export interface Verdict {
  readonly workload: string;
  readonly broker: string;
  readonly mqtt: string;
  /** What the goal is about: a ratio to mosquitto, or a figure by itself. */
  readonly value: number;
  readonly bound: number;
  readonly isRatio: boolean;
  readonly isLessBetter: boolean;
  readonly outcome: Outcome;
  /** Others had the core, here or beside mosquitto, so another run may say something else. */
  readonly isDisturbed: boolean;
}

/** Judges the rows of Pregón that mosquitto stands beside, which has one of the first version only. */
export function verdictsOf(
  workload: Workload,
  all: readonly Series[],
  rows: readonly Row[],
): readonly Verdict[] {
  const { figure, goal } = workload;
  const peerIndex = all.findIndex(({ entry }) => entry.contestant.name.startsWith("mosquitto"));
  const [peer, peerRow] = [all[peerIndex], rows[peerIndex]];
  return all.flatMap((series, index) => {
    const row = rows[index]!;
    if (!row.broker.endsWith("Pregón")) return [];
    if (peerRow ? row.mqtt !== peerRow.mqtt : row.mqtt !== rows[0]!.mqtt) return [];
    const ratio = peer ? medianRatio(each(series, figure.of), each(peer, figure.of)) : NaN;
    const value = goal.isRatio ? ratio : row.value;
    const outcome = row.faults.length > 0 ? "faulty" : judge({
      value,
      ...goal,
      isLessBetter: figure.isLessBetter,
      isOursHeldBack: isLoadTheLimit(row),
      isPeerHeldBack: goal.isRatio && peerRow !== undefined && isLoadTheLimit(peerRow),
    });
    return [{
      workload: workload.name,
      broker: row.broker,
      mqtt: row.mqtt,
      value,
      ...goal,
      isLessBetter: figure.isLessBetter,
      outcome,
      // Memory does not depend on who has the core.
      isDisturbed: goal.isRatio && (isDisturbed(row) || (peerRow !== undefined && isDisturbed(peerRow))),
    }];
  });
}

interface Case {
  readonly value: number;
  readonly bound: number;
  readonly isLessBetter: boolean;
  /** The load kept this side from showing what it can. */
  readonly isOursHeldBack: boolean;
  readonly isPeerHeldBack: boolean;
}

/**
 * A broker that the load held back is at least as good as it looks. So ours may have met the goal all the same, and may
 * have missed it all the same when the peer was held back; everything else is open.
 */
export function judge({ value, bound, isLessBetter, isOursHeldBack, isPeerHeldBack }: Case): Outcome {
  if (!Number.isFinite(value)) return "not measured";
  const isMet = isLessBetter ? value <= bound : value >= bound;
  const isOpen = isMet ? isPeerHeldBack : isOursHeldBack;
  if (isOpen) return "the load is the limit";
  return isMet ? "met" : "not met";
}

/** All verdicts of a run as text. */
export function verdictTable(verdicts: readonly Verdict[]): string {
  const lines = verdicts.map((verdict) => {
    const { workload, broker, mqtt, value, bound, isRatio, isLessBetter } = verdict;
    const outcome = verdict.outcome + (verdict.isDisturbed ? ", but others had the core" : "");
    const unit = isRatio ? " x" : "";
    const wanted = `${isLessBetter ? "at most" : "at least"} ${bound}${unit}`;
    const got = Number.isFinite(value) ? value.toFixed(2) + unit : "–";
    return `  ${workload.padEnd(12)}${`${broker}, ${mqtt}`.padEnd(28)}${got.padStart(10)}   ${
      wanted.padEnd(18)
    }${outcome}`;
  });
  return ["Goals (x: times what mosquitto has in this run)", ...lines].join("\n");
}
