import type { Counters } from "../metrics/counters.ts";
import { checkTopic, type TopicProblem } from "../topic/name.ts";
import type { Limits } from "./limits.ts";

/**
 * The rules for topics, as they are asked for each message. Most come in batches to one topic, so the last that was right
 * is remembered: to look through its characters again took 5 % of a message's time.
 */
export class TopicCheck {
  readonly #limits: Limits;
  readonly #counters: Counters;
  #right: string | undefined;

  constructor(limits: Limits, counters: Counters) {
    this.#limits = limits;
    this.#counters = counters;
  }

  problemOf(topic: string): TopicProblem | undefined {
    if (topic === this.#right) return undefined;
    const problem = checkTopic(topic, this.#limits.topicLevelsMax);
    if (problem?.code === "too-many-levels") this.#counters.met("topicLevelsMax");
    if (!problem) this.#right = topic;
    return problem;
  }
}
