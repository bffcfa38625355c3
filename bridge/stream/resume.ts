import type { Broker } from "../../broker/mod.ts";
import { parseId } from "../message_id.ts";
import type { ReplayLog } from "./replay_log.ts";

/** From where a stream wants to go on. */
export type Since =
  | { readonly kind: "now" }
  /** The text of an id, well formed or not. */
  | { readonly kind: "id"; readonly text: string }
  | { readonly kind: "time"; readonly text: string; readonly time: number }
  | { readonly kind: "all" };

/** From where it does. */
export type Resume =
  | { readonly kind: "fresh" }
  /** With everything behind this sequence. */
  | { readonly kind: "resumed"; readonly after: number }
  /** Something is missing: the client starts anew from the retained messages. */
  | {
    readonly kind: "reset";
    readonly reason: "evicted" | "epoch" | "unknown-id";
    readonly requested: string;
  };

/** Decides whether the log has all that the stream missed; a part of it would be a silent loss. */
export function resumeFrom(since: Since, broker: Broker, log: ReplayLog): Resume {
  log.trim(broker.clock.now());
  if (since.kind === "now") return { kind: "fresh" };
  if (since.kind === "all") return { kind: "resumed", after: log.oldest - 1 };
  if (since.kind === "id") return resumeFromId(since.text, broker, log);
  const after = log.sequenceBefore(since.time);
  return after === undefined
    ? { kind: "reset", reason: "evicted", requested: since.text }
    : { kind: "resumed", after };
}

function resumeFromId(text: string, broker: Broker, log: ReplayLog): Resume {
  const requested = text.slice(0, 80);
  const id = parseId(text);
  if (!id) return { kind: "reset", reason: "unknown-id", requested };
  if (id.epoch !== broker.epoch) return { kind: "reset", reason: "epoch", requested };
  if (id.sequence > broker.sequence) return { kind: "reset", reason: "unknown-id", requested };
  if (id.sequence < log.oldest - 1) return { kind: "reset", reason: "evicted", requested };
  return { kind: "resumed", after: id.sequence };
}
