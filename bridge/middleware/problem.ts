import type { MeteredLimit } from "../../broker/mod.ts";

/** Every error that the bridge answers with: what it is called, its status, and what its help page says. */
export const PROBLEMS = {
  "ambiguous-path": {
    status: 400,
    title: "The path has a dot segment",
    help:
      "Clients and proxies rewrite '.' and '..' in a path. Give such a topic as ?topic= or ?filter= instead.",
  },
  "ambiguous-topic": {
    status: 400,
    title: "The topic is given twice",
    help: "Give the topic or filter either in the path or as ?topic= or ?filter=, not both.",
  },
  "bad-encoding": {
    status: 400,
    title: "The URL or header is not percent-encoded UTF-8",
    help:
      "Every % starts an escape of two hexadecimal digits, and the escaped bytes are UTF-8. Write %25 for a %.",
  },
  "duplicate-parameter": {
    status: 400,
    title: "A parameter is given more than once",
    help: "Only 'filter' and 'user.<key>' may be repeated.",
  },
  "empty-state": {
    status: 400,
    title: "A retained value cannot be empty",
    help: "In MQTT an empty retained message clears the topic: use DELETE to do that.",
  },
  "empty-topic": {
    status: 400,
    title: "There is no topic or filter",
    help: "Write it behind the route, as in /topics/home/lamp, or as ?topic= or ?filter=.",
  },
  "incomplete-body": {
    status: 400,
    title: "The body ended too early",
    help: "The connection broke off, or the body is not what its headers say. Nothing was published.",
  },
  "invalid-filter": {
    status: 400,
    title: "This is not a valid topic filter",
    help: "+ stands for one whole level, # for all levels that follow and only at the end.",
  },
  "invalid-header": {
    status: 400,
    title: "A header has a value that is not allowed",
    help: "The detail says what is allowed.",
  },
  "invalid-parameter": {
    status: 400,
    title: "A parameter has a value that is not allowed",
    help: "The detail says what is allowed.",
  },
  "invalid-topic": {
    status: 400,
    title: "This is not a valid topic",
    help: "A topic has 1 to 65,535 bytes of UTF-8 without U+0000, in a limited number of levels.",
  },
  "shared-filter": {
    status: 400,
    title: "A shared subscription cannot be used here",
    help:
      "Filters that begin with $share/ give each message to one of a group's streams. They have nothing to " +
      "list, and a stream has only such filters or none.",
  },
  "too-many-filters": {
    status: 400,
    title: "The stream has too many filters",
    help: "GET /limits says how many are allowed. A wildcard often stands for many filters.",
  },
  "too-many-user-properties": {
    status: 400,
    title: "The message has too many user properties",
    help: "GET /limits says how many, and how many bytes together, are allowed.",
  },
  "unknown-header": {
    status: 400,
    title: "There is no such MQTT-* header",
    help: "Headers that begin with MQTT- are checked, so that a typing error is not silently ignored.",
  },
  "unknown-parameter": {
    status: 400,
    title: "There is no such parameter here",
    help:
      "Parameters are checked, so that a typing error is not silently ignored. Names that begin with _ are free.",
  },
  "wildcard-in-topic": {
    status: 400,
    title: "Wildcards are not allowed in a topic name",
    help: "+ and # are only allowed where messages are read, not where they are published or cleared.",
  },
  "unknown-subprotocol": {
    status: 400,
    title: "The WebSocket offers no subprotocol of MQTT",
    help: "A client of MQTT offers the subprotocol mqtt, or mqttv3.1 as some older ones do.",
  },
  "websocket-not-awaited": {
    status: 400,
    title: "The client did not wait for its WebSocket",
    help:
      "Send no frames before the answer 101 has come: 8 KiB are kept with the request, what is more may be lost.",
  },
  "invalid-body": {
    status: 400,
    title: "The body is not what the route takes",
    help: 'POST /session takes {"username", "password"}, POST /tokens {"filters", "ttl"}, as JSON.',
  },
  "bad-credentials": {
    status: 401,
    title: "The credentials are not accepted",
    help:
      "Send the MQTT user name and password as HTTP Basic credentials, or a token in 'Authorization: Bearer'.",
  },
  "session-over": {
    status: 401,
    title: "The session is over",
    help: "The cookie is not good any more: POST /session gives another one, for credentials.",
  },
  "stream-token-over": {
    status: 401,
    title: "The stream token is not good",
    help: "It is over, taken back or none of ours: POST /tokens gives another one, for credentials.",
  },
  "unauthenticated": {
    status: 401,
    title: "This needs credentials",
    help:
      "Send the MQTT user name and password as HTTP Basic credentials, or a token in 'Authorization: Bearer'.",
  },
  "cross-origin": {
    status: 403,
    title: "Pages of other origins may not do this",
    help:
      "A browser sent this on behalf of a page from elsewhere. Add that origin to the option http.allowed-origins.",
  },
  "denied": {
    status: 403,
    title: "You may not do this",
    help: "Your rights do not allow this action on this topic or filter.",
  },
  "tls-required": {
    status: 403,
    title: "This needs HTTPS",
    help: "Cookies are given out over HTTPS, and over HTTP on the broker's own machine.",
  },
  "reserved-topic": {
    status: 403,
    title: "Topics that begin with $ belong to the broker",
    help: "Choose a topic that does not begin with $.",
  },
  "qos-not-supported": {
    status: 403,
    title: "The broker does not take messages at this QoS",
    help: "GET /limits says the highest QoS (maximum_qos). Publish at that or below.",
  },
  "retain-not-supported": {
    status: 403,
    title: "The broker retains no messages",
    help: "GET /limits says so (retain_available). Publish with POST, without retain.",
  },
  "sharing-not-supported": {
    status: 403,
    title: "The broker has no shared subscriptions",
    help: "GET /limits says so (shared_subscriptions_available). Leave $share/ and the group away.",
  },
  "wildcards-not-supported": {
    status: 403,
    title: "The broker takes no wildcards",
    help: "GET /limits says so (wildcard_subscriptions_available). Name each topic.",
  },
  "no-retained-value": {
    status: 404,
    title: "The topic has no retained message",
    help: "A topic has a value once somebody published there with retain, for example by PUT.",
  },
  "not-found": {
    status: 404,
    title: "There is no such route",
    help: "GET / lists the routes.",
  },
  "method-not-allowed": {
    status: 405,
    title: "The route does not have this method",
    help: "The header Allow lists the methods of the route.",
  },
  "not-acceptable": {
    status: 406,
    title: "None of the accepted types can be served",
    help: "The detail lists what can be served.",
  },
  "upload-stalled": {
    status: 408,
    title: "The body stopped coming",
    help: "GET /limits says how long the broker waits for the next byte. Nothing was published.",
  },
  "idempotency-in-flight": {
    status: 409,
    title: "The first request with this Idempotency-Key is still under way",
    help: "Try again a moment later.",
  },
  "no-matching-subscribers": {
    status: 409,
    title: "Nobody subscribes to the topic",
    help: "With mandatory=1 a message is only published if somebody would get it. Nothing was published.",
  },
  "precondition-failed": {
    status: 412,
    title: "The retained value is another one",
    help:
      "If-Match or If-None-Match does not hold. GET the topic for its present ETag. Nothing was published.",
  },
  "payload-too-large": {
    status: 413,
    title: "The payload is too large",
    help: "GET /limits says how large a payload may be.",
  },
  "url-too-long": {
    status: 414,
    title: "The URL is too long",
    help: "GET /limits says how long a URL may be.",
  },
  "unsupported-media-type": {
    status: 415,
    title: "The body cannot be taken as a payload",
    help: "The body is the payload, byte for byte: no multipart forms, no Content-Encoding.",
  },
  "unknown-host": {
    status: 421,
    title: "The broker does not answer to this host name",
    help:
      "This stops pages that make their own name point here. Add the name to the option http.allowed-hosts.",
  },
  "idempotency-mismatch": {
    status: 422,
    title: "The Idempotency-Key belongs to another request",
    help: "The same key was used for another message. Take a new key for each message.",
  },
  "payload-not-text": {
    status: 422,
    title: "The payload is not UTF-8",
    help: "pfi=1 says that the payload is UTF-8 text, and it is not.",
  },
  "websocket-only": {
    status: 426,
    title: "Only WebSocket is spoken here",
    help: "This is where MQTT clients in browsers connect, by new WebSocket(url, 'mqtt') or a library.",
  },
  "quota-exceeded": {
    status: 429,
    title: "A quota is used up",
    help: "The broker holds no more retained messages. Clear some, or publish without retain.",
  },
  "publish-rate-exceeded": {
    status: 429,
    title: "You publish too much at once",
    help: "GET /limits says how many messages and bytes a second are taken. Try again after Retry-After.",
  },
  "too-many-failures": {
    status: 429,
    title: "Too many wrong credentials came from your address",
    help: "Nothing that is shown from there is looked at before the time in the header Retry-After is over.",
  },
  "too-many-tokens": {
    status: 429,
    title: "You have too many stream tokens",
    help: "GET /limits says how many one identity may have. They end by themselves, at the end of their ttl.",
  },
  "too-many-streams": {
    status: 429,
    title: "You have too many streams open",
    help: "GET /limits says how many one identity may have. Close some, or join their filters into one.",
  },
  "internal-error": {
    status: 500,
    title: "The bridge failed",
    help: "This is a defect of the bridge. Its log has the details under the number in 'instance'.",
  },
  "draining": {
    status: 503,
    title: "The broker is about to stop",
    help: "Try again after the time in Retry-After.",
  },
  "not-kept": {
    status: 503,
    title: "The message could not be stored",
    help: "It may have reached subscribers, but it is not safe. Publish it again.",
  },
  "overloaded": {
    status: 503,
    title: "The broker has too much to do",
    help: "Try again after the time in Retry-After.",
  },
  "unavailable": {
    status: 503,
    title: "Who you are cannot be checked now",
    help: "Try again after the time in Retry-After.",
  },
} as const satisfies Record<string, { status: number; title: string; help: string }>;

export type ProblemCode = keyof typeof PROBLEMS;

export interface ProblemExtras {
  /** The parameter or header at fault. */
  readonly param?: string;
  /** Where in the topic or filter it is wrong, in UTF-16 units. */
  readonly position?: number;
  readonly hint?: string;
  /** What MQTT 5.0 calls it. */
  readonly mqttReasonCode?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** The limit that is why; it is counted. */
  readonly limit?: MeteredLimit | undefined;
}

/** What a route throws when it refuses; `problemResponse` makes the answer. */
export class Problem extends Error {
  override readonly name = "Problem";

  constructor(readonly code: ProblemCode, detail: string, readonly extras: ProblemExtras = {}) {
    super(detail);
  }
}

/** The problem as an answer in the form of RFC 9457. */
export function problemResponse(problem: Problem, instance = crypto.randomUUID()): Response {
  const { status, title } = PROBLEMS[problem.code];
  const { mqttReasonCode, param, position, hint, headers } = problem.extras;
  const body = {
    type: `/problems/${problem.code}`,
    title,
    status,
    detail: problem.message,
    instance: `urn:req:${instance}`,
    mqtt_reason_code: mqttReasonCode,
    param,
    position,
    hint,
  };
  return new Response(JSON.stringify(body) + "\n", {
    status,
    headers: {
      "content-type": "application/problem+json",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      ...headers,
    },
  });
}
