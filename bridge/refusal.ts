import {
  type Broker,
  type Identity,
  isStoreRefusal,
  PUBLISH_REFUSALS,
  type Refusal,
  SUBSCRIBE_REFUSALS,
} from "../broker/mod.ts";
import { denied } from "./middleware/identity.ts";
import { Problem, type ProblemCode, type ProblemExtras } from "./middleware/problem.ts";

const RETRY_AFTER_SECONDS = "1";

const PROBLEM_CODES: Readonly<Record<Exclude<Refusal, "denied">, ProblemCode>> = {
  "reserved-topic": "reserved-topic",
  "retained-full": "quota-exceeded",
  "overloaded": "overloaded",
  "qos-not-supported": "qos-not-supported",
  "retain-not-supported": "retain-not-supported",
  "payload-not-text": "payload-not-text",
  "store-failed": "not-kept",
  "store-full": "not-kept",
  "store-busy": "not-kept",
};

/** What MQTT says with a reason code, as a problem. */
export function publishProblem(identity: Identity, topic: string, refusal: Refusal): Problem {
  if (refusal === "denied") return denied(identity, "publish", topic);
  const { reasonCode, words } = PUBLISH_REFUSALS[refusal];
  return new Problem(PROBLEM_CODES[refusal], words, { mqttReasonCode: reasonCode, ...extrasOf(refusal) });
}

/** Refuses a filter of a kind that the broker does not offer, to read with as to subscribe with. */
export function requireOffered(broker: Broker, filter: string): void {
  const refusal = broker.filterRefusal(filter);
  if (refusal !== "wildcards-not-supported" && refusal !== "sharing-not-supported") return;
  const { reasonCode, words } = SUBSCRIBE_REFUSALS[refusal];
  throw new Problem(refusal, words, { param: "filter", mqttReasonCode: reasonCode });
}

function extrasOf(refusal: Refusal): ProblemExtras {
  if (refusal === "retained-full" || refusal === "overloaded" || isStoreRefusal(refusal)) {
    return { headers: { "retry-after": RETRY_AFTER_SECONDS } };
  }
  if (refusal === "reserved-topic") return { param: "topic" };
  return refusal === "qos-not-supported" ? { param: "qos" } : {};
}
