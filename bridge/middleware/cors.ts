import type { Answer, Bridge, BridgeContext, BridgeOptions } from "../context.ts";
import type { HeaderReader } from "../header_fields.ts";
import { MQTT_HEADERS } from "../publish_request.ts";
import { askForWhatIsOffered, UNASKED } from "./identity.ts";
import { isLocalHost } from "./origin.ts";
import { Problem } from "./problem.ts";

const PREFLIGHT_SECONDS = "7200";
const METHODS = "GET, HEAD, POST, PUT, DELETE";
/** What a page may send beside what any page may. */
const REQUEST_HEADERS = [
  "authorization",
  "content-type",
  "idempotency-key",
  "if-match",
  "if-none-match",
  "last-event-id",
  "prefer",
  "traceparent",
  "tracestate",
  ...MQTT_HEADERS,
].join(", ");
/** What a page may read beside what any page may; with credentials, `*` would stand for itself. */
const ANSWER_HEADERS = [
  "ETag",
  "Link",
  "Location",
  "Retry-After",
  "Idempotency-Replayed",
  "MQTT-Content-Type",
  "MQTT-Correlation-Data",
  "MQTT-Last-Event-ID",
  "MQTT-Message-Expiry",
  "MQTT-Message-ID",
  "MQTT-Omitted-Headers",
  "MQTT-Payload-Format-Indicator",
  "MQTT-QoS",
  "MQTT-Response-Topic",
  "MQTT-User-Property",
].join(", ");
const HSTS = "max-age=31536000";
/** Nothing that we answer is a page that would need more; from the console one may follow topics. */
const CONTENT_SECURITY = "default-src 'none'; connect-src 'self'; frame-ancestors 'none'";
const SWITCHING_PROTOCOLS = 101;

/**
 * Says on every answer, errors too, what browsers may do with it: nothing on behalf of other origins, unless they are
 * allowed, each by its exact name.
 *
 * An `Answer` to a program goes without: a browser sends an origin with whatever changes something, so nobody would read
 * them, and each header costs 0.6 µs of the 11 that a publish takes.
 */
export function guardAnswers(
  bridge: Bridge,
): (context: BridgeContext, answer: Response | Answer) => Response {
  const allowed = new Set(bridge.options.allowedOrigins);
  const askForOffered = askForWhatIsOffered(bridge);
  const add = (context: BridgeContext, headers: Headers): void => {
    const fields = context.env.headers;
    const origin = fields.get("origin");
    const isAllowed = origin !== null && allowed.has(origin);
    headers.set("x-content-type-options", "nosniff");
    headers.set("referrer-policy", "no-referrer");
    headers.set("cross-origin-resource-policy", isAllowed ? "cross-origin" : "same-origin");
    if (!headers.has("content-security-policy")) headers.set("content-security-policy", CONTENT_SECURITY);
    // For this machine's own names, which other programs have too, it would shut those out.
    if (context.env.client.isSecure && !isLocalHost(context)) {
      headers.set("strict-transport-security", HSTS);
    }
    askForOffered(context, headers);
    if (isFromScript(fields) && headers.has("www-authenticate")) headers.set("www-authenticate", UNASKED);
    if (allowed.size > 0) headers.append("vary", "Origin");
    if (!isAllowed) return;
    headers.set("access-control-allow-origin", origin);
    headers.set("access-control-allow-credentials", "true");
    headers.set("access-control-expose-headers", ANSWER_HEADERS);
  };
  return (context, answer) => {
    const isAnswer = !(answer instanceof Response);
    const response = isAnswer ? new Response(answer.body, answer) : answer;
    if (isAnswer && isFromProgram(context.env.headers)) return response;
    if (response.status !== SWITCHING_PROTOCOLS) add(context, response.headers);
    return response;
  };
}

/** Whether no browser asks, if it asks for a change: they say where the page is from, or that it is none. */
function isFromProgram(headers: HeaderReader): boolean {
  return !headers.has("origin") && !headers.has("sec-fetch-site") && !headers.has("sec-fetch-mode");
}

/** Whether a page asks, which sees to a refusal itself, and not a person who follows a link. */
function isFromScript(headers: HeaderReader): boolean {
  return !["navigate", null].includes(headers.get("sec-fetch-mode"));
}

/** Answers what a browser asks before it sends a page's request; `guardAnswers` adds to whom it applies. */
export function answerPreflight(
  { allowedOrigins = [] }: BridgeOptions,
): (context: BridgeContext) => Response | undefined {
  const allowed = new Set(allowedOrigins);
  return (context) => {
    const headers = context.env.headers;
    const origin = headers.get("origin");
    if (context.env.method !== "OPTIONS" || origin === null) return undefined;
    if (!headers.has("access-control-request-method")) return undefined;
    if (!allowed.has(origin)) {
      throw new Problem("cross-origin", `Cannot allow anything to ${origin}`, { param: "Origin" });
    }
    return new Response(null, {
      status: 204,
      headers: {
        "access-control-allow-methods": METHODS,
        "access-control-allow-headers": REQUEST_HEADERS,
        "access-control-max-age": PREFLIGHT_SECONDS,
        "vary": "Access-Control-Request-Method, Access-Control-Request-Headers",
      },
    });
  };
}
