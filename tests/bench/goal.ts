import { each, type Entry, isDisturbed, isLoadTheLimit, type Series } from "./measure.ts";
import { percent, type Row } from "./report.ts";
import { medianRatio } from "./statistics.ts";
import type { Goal, Workload } from "./workload.ts";

export type Outcome =
  | "met"
  | "not met"
  /** The load could not ask for more, so the figure says too little of a broker to tell. */
  | "the load is the limit"
  /** Pregón lost or repeated deliveries, or ended. */
  | "faulty"
  /** It is not there, or the one it is compared with is not, or cannot do this. */
  | "not measured";

/** What became of a goal of a workload. */
export interface Verdict {
  readonly workload: string;
  readonly broker: string;
  readonly mqtt: string;
  /** What the goal is about: a multiple or share of what another one has, or a figure by itself. */
  readonly value: number;
  readonly bound: number;
  readonly beside: Goal["beside"];
  readonly isLessBetter: boolean;
  readonly outcome: Outcome;
  /** Others had the core, here or beside the other one, so another run may say something else. */
  readonly isDisturbed: boolean;
}

/**
 * What is asked as a share of `limit`, by the workload's name: a relay with the work that no broker can do without and no
 * more, which shows what one core can do. Only who gives the bench such a one (`--peer`) is judged by it.
 */
export const LIMIT_SHARES: Readonly<Record<string, number>> = {
  "pairs": 0.55,
  "fan-out": 0.5,
  "fan-in": 0.6,
  "scattered": 0.75,
};

/** Judges the rows of Pregón, at the version of whom they are compared with, who has one of the first only. */
export function verdictsOf(
  workload: Workload,
  all: readonly Series[],
  rows: readonly Row[],
): readonly Verdict[] {
  const limitShare = LIMIT_SHARES[workload.name];
  const isLimitThere = all.some(({ entry }) => isNamed("limit", entry));
  const goals: readonly Goal[] = limitShare === undefined || !isLimitThere
    ? [workload.goal]
    : [workload.goal, { bound: limitShare, beside: "limit" }];
  return goals.flatMap((goal) => verdictsOn(goal, workload, { all, rows }));
}

interface Measured {
  readonly all: readonly Series[];
  readonly rows: readonly Row[];
}

function verdictsOn(
  goal: Goal,
  { name, figure }: Workload,
  { all, rows }: Measured,
): readonly Verdict[] {
  const { isLessBetter } = figure;
  const peerIndex = all.findIndex(({ entry }) => isNamed(goal.beside, entry));
  const [peer, peerRow] = [all[peerIndex], rows[peerIndex]];
  return all.flatMap((series, index) => {
    const row = rows[index]!;
    if (!row.broker.endsWith("Pregón") || row.mqtt !== (peerRow ?? rows[0]!).mqtt) return [];
    const ratio = peer ? medianRatio(each(series, figure.of), each(peer, figure.of)) : NaN;
    const value = goal.beside === "nobody" ? row.value : ratio;
    const outcome = row.faults.length > 0 ? "faulty" : judge({
      value,
      bound: goal.bound,
      isLessBetter,
      isOursHeldBack: isLoadTheLimit(row),
      isPeerHeldBack: peerRow !== undefined && isLoadTheLimit(peerRow),
    });
    const isDisturbedHere = isDisturbed(row) || (peerRow !== undefined && isDisturbed(peerRow));
    return [{
      workload: name,
      broker: row.broker,
      mqtt: row.mqtt,
      value,
      ...goal,
      isLessBetter,
      outcome,
      isDisturbed: !figure.isOfMemory && isDisturbedHere,
    }];
  });
}

function isNamed(beside: Goal["beside"], { contestant: { name } }: Entry): boolean {
  return beside === "mosquitto" ? name.startsWith(beside) : beside === "limit" && name === beside;
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
    const { workload, broker, mqtt, isLessBetter } = verdict;
    const outcome = verdict.outcome + (verdict.isDisturbed ? ", but others had the core" : "");
    const [got, asked] = inWords(verdict);
    const wanted = `${isLessBetter ? "at most" : "at least"} ${asked}`;
    return `  ${workload.padEnd(12)}${`${broker}, ${mqtt}`.padEnd(28)}${got.padStart(10)}   ${
      wanted.padEnd(18)
    }${outcome}`;
  });
  return ["Goals (x: times what mosquitto has in this run; %: of what limit has)", ...lines].join("\n");
}

function inWords({ value, bound, beside }: Verdict): readonly [got: string, asked: string] {
  if (beside === "limit") return [percent(value), percent(bound)];
  const unit = beside === "mosquitto" ? " x" : "";
  return [Number.isFinite(value) ? value.toFixed(2) + unit : "–", bound + unit];
}
