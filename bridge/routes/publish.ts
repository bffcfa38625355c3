import type { Identity, MessageDraft, PublishWish } from "../../broker/mod.ts";
import { readBody } from "../body.ts";
import type { Bridge, BridgeContext } from "../context.ts";
import { decodeText } from "../envelope.ts";
import type { Answer, PublishAnswer } from "../idempotency_table.ts";
import type { HeaderReader } from "../header_fields.ts";
import { formatId } from "../message_id.ts";
import { Problem } from "../middleware/problem.ts";
import { Parameters } from "../parameters.ts";
import { etagOf, hasPreconditions, requirePreconditions } from "../preconditions.ts";
import { type PublishRequest, readPublishRequest, withTrace } from "../publish_request.ts";
import { publishProblem } from "../refusal.ts";
import { readTopic } from "../topic_address.ts";

const NO_MATCHING_SUBSCRIBERS = 0x10;
const PAYLOAD_FORMAT_INVALID = 0x99;
const RETRY_AFTER_SECONDS = "1";
const NO_BYTES = new Uint8Array(0);
/**
 * The body says the id too, and no cache keeps what answers a POST or PUT without being told to (RFC 9111, 3), so the
 * usual answer has one header only: with one of this type and no other, Deno has a way for it that costs nothing.
 */
const JSON_HEADERS = { "content-type": "application/json" };

const encoder = new TextEncoder();

/** `POST` publishes the body, `PUT` makes it the topic's retained value. */
export async function publish(bridge: Bridge, context: BridgeContext): Promise<Answer> {
  const request = context.req.raw;
  const headers = context.env.headers;
  const identity = context.env.identity;
  const url = context.env.url;
  const parameters = new Parameters(url.query);
  const { limits } = bridge.broker;
  const asked = readPublishRequest(headers, parameters, limits);
  const topic = readTopic(url, parameters, limits.topicLevelsMax);
  const retain = request.method === "PUT" || asked.retain === true;
  // Before the body: whose message is not taken need not send it.
  requireMayPublish(bridge, identity, { topic, qos: asked.qos, retain });
  const payload = await readBody(bridge, context);
  const draft = draftOf(request.method, topic, asked, payload);
  requireRate(bridge, context, draft);
  const key = headers.get("idempotency-key");
  const answer = key === null
    ? await publishDraft(bridge, context, draft, asked)
    : await publishOnce(bridge, context, draft, asked, key);
  return answerTo(answer, headers);
}

/** `DELETE` clears the topic's retained value, which live subscribers see as an empty message. */
export async function clear(bridge: Bridge, context: BridgeContext): Promise<Response> {
  const { broker } = bridge;
  const identity = context.env.identity;
  const url = context.env.url;
  const parameters = new Parameters(url.query);
  parameters.allowOnly(["topic"]);
  const topic = readTopic(url, parameters, broker.limits.topicLevelsMax);
  requireMayPublish(bridge, identity, { topic, qos: 0, retain: true });
  const retained = broker.retained.get(identity, topic);
  requirePreconditions(context.env.headers, retained && etagOf(broker.epoch, retained));
  if (!retained) throw new Problem("no-retained-value", `Cannot clear ${JSON.stringify(topic)}: it is empty`);
  requireRate(bridge, context, { topic, payload: NO_BYTES });
  const publication = broker.publish(identity, { topic, payload: NO_BYTES, qos: 0, retain: true });
  if (!publication.accepted) throw publishProblem(identity, topic, publication.refusal);
  if (publication.isKept) await settle(bridge);
  const id = formatId(broker.epoch, publication.message.sequence);
  return new Response(null, { status: 204, headers: { "mqtt-message-id": id } });
}

function requireMayPublish({ broker }: Bridge, identity: Identity, wish: PublishWish): void {
  const refusal = broker.publishRefusal(identity, wish);
  if (!refusal) return;
  broker.counters.refusals[refusal]++;
  throw publishProblem(identity, wish.topic, refusal);
}

function requireRate(
  { rates }: Bridge,
  context: BridgeContext,
  { topic, payload }: Pick<MessageDraft, "topic" | "payload">,
): void {
  if (!rates.isLimited) return;
  const bytes = encoder.encode(topic).length + payload.length;
  const { peer } = context.env.client;
  const seconds = rates.take(context.env.identity, peer, bytes);
  if (seconds === 0) return;
  throw new Problem("publish-rate-exceeded", `Cannot take more messages from you for ${seconds} seconds`, {
    headers: { "retry-after": String(seconds) },
  });
}

function draftOf(method: string, topic: string, asked: PublishRequest, payload: Uint8Array): MessageDraft {
  if (method === "PUT") {
    if (asked.retain === false) {
      throw new Problem("invalid-parameter", "Cannot PUT without retain: PUT sets the retained value", {
        param: "retain",
        hint: "use POST to publish without retain",
      });
    }
    if (payload.length === 0) {
      throw new Problem("empty-state", "Cannot PUT an empty value", {
        hint: "use DELETE to clear the topic",
      });
    }
  }
  if (asked.properties?.payloadIsText && decodeText(payload) === undefined) {
    throw new Problem("payload-not-text", "Cannot take the payload as text: it is not UTF-8", {
      param: "pfi",
      mqttReasonCode: PAYLOAD_FORMAT_INVALID,
    });
  }
  const retain = method === "PUT" || asked.retain === true;
  return { topic, payload, qos: asked.qos, retain, properties: asked.properties };
}

/** Publishes unless the same key did so before; then the first answer is the answer. */
async function publishOnce(
  bridge: Bridge,
  context: BridgeContext,
  draft: MessageDraft,
  asked: PublishRequest,
  key: string,
): Promise<PublishAnswer> {
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw new Problem(
      "invalid-header",
      "Cannot take the Idempotency-Key: it is 1 to 255 visible ASCII characters",
      {
        param: "Idempotency-Key",
      },
    );
  }
  const fingerprint = await fingerprintOf(context.env.method, draft, asked);
  const scopedKey = `${context.env.identity.name}\n${key}`;
  const previous = bridge.idempotency.find(scopedKey);
  if (previous) {
    if (previous.fingerprint !== fingerprint) {
      throw new Problem("idempotency-mismatch", "Cannot publish: the key was used for another message", {
        param: "Idempotency-Key",
      });
    }
    if (previous.answer) {
      return { ...previous.answer, headers: { ...previous.answer.headers, "idempotency-replayed": "true" } };
    }
    throw new Problem(
      "idempotency-in-flight",
      "Cannot publish: the first request with the key is under way",
      {
        param: "Idempotency-Key",
        headers: { "retry-after": RETRY_AFTER_SECONDS },
      },
    );
  }
  const attempt = bridge.idempotency.begin(scopedKey, fingerprint);
  try {
    return attempt.answer = await publishDraft(bridge, context, draft, asked);
  } catch (error) {
    bridge.idempotency.abandon(scopedKey, attempt);
    throw error;
  }
}

/** What is checked here stays true until the message is routed: nothing waits in between. */
function publishDraft(
  bridge: Bridge,
  context: BridgeContext,
  draft: MessageDraft,
  asked: PublishRequest,
): PublishAnswer | Promise<PublishAnswer> {
  const { broker } = bridge;
  const identity = context.env.identity;
  const { topic } = draft;
  requireMayPublish(bridge, identity, draft);
  const isState = context.env.method === "PUT";
  const headers = context.env.headers;
  // Most that publish need not know what the topic has.
  const previous = isState || hasPreconditions(headers) ? broker.retained.get(identity, topic) : undefined;
  requirePreconditions(headers, previous && etagOf(broker.epoch, previous));
  if (asked.mandatory && broker.matchCount(topic) === 0) {
    throw new Problem(
      "no-matching-subscribers",
      `Cannot publish to ${JSON.stringify(topic)}: nobody subscribes`,
      {
        param: "mandatory",
        mqttReasonCode: NO_MATCHING_SUBSCRIBERS,
      },
    );
  }
  broker.turn.nextSource();
  const publication = broker.publish(identity, { ...draft, properties: withTrace(asked) });
  if (!publication.accepted) throw publishProblem(identity, topic, publication.refusal);
  const { message, matched, isKept } = publication;
  const id = formatId(broker.epoch, message.sequence);
  const isCleared = draft.retain && draft.payload.length === 0;
  const answer: PublishAnswer = {
    id,
    status: isState && !previous ? 201 : 200,
    headers: isState ? { ...JSON_HEADERS, etag: `"${id}"` } : JSON_HEADERS,
    body: `{"id":"${id}","topic":${JSON.stringify(topic)},"matched":${matched},` +
      `"reason_code":${matched === 0 ? NO_MATCHING_SUBSCRIBERS : 0}${isCleared ? ',"cleared":true' : ""}}\n`,
  };
  return isKept ? settle(bridge).then(() => answer) : answer;
}

/** The answer as it is, or for who prefers that, without a body. */
function answerTo({ id, status, headers, body }: PublishAnswer, asked: HeaderReader): Answer {
  const preference = asked.get("prefer");
  if (preference === null || !/(^|,)\s*return=minimal\s*(,|;|$)/i.test(preference)) {
    return { status, headers, body };
  }
  const { "content-type": _, ...others } = headers;
  const minimal = {
    "mqtt-message-id": id,
    "cache-control": "no-store",
    "preference-applied": "return=minimal",
  };
  return { status: status === 200 ? 204 : status, headers: { ...others, ...minimal }, body: null };
}

async function settle({ broker }: Bridge): Promise<void> {
  try {
    await broker.settled();
  } catch {
    throw new Problem(
      "not-kept",
      "Cannot say that the message is on the disk, which fails: it may have been sent on",
      {
        headers: { "retry-after": RETRY_AFTER_SECONDS },
      },
    );
  }
}

async function fingerprintOf(
  method: string,
  draft: MessageDraft,
  { mandatory }: PublishRequest,
): Promise<string> {
  const { topic, qos, retain, properties } = draft;
  const correlation = properties?.correlationData && [...properties.correlationData];
  const asked = encoder.encode(
    JSON.stringify([method, topic, qos, retain, { ...properties, correlationData: correlation }, mandatory]),
  );
  const digests = await Promise.all(
    [asked, draft.payload].map((bytes) => crypto.subtle.digest("SHA-256", new Uint8Array(bytes))),
  );
  return digests.map((digest) => new Uint8Array(digest).toHex()).join("");
}
