import { mutateText } from "../support/fuzz.ts";
import type { Random } from "../topic/random_names.ts";

const BODY_BYTE = 0x78;

const METHODS = [
  "GET",
  "GET",
  "GET",
  "HEAD",
  "POST",
  "POST",
  "PUT",
  "DELETE",
  "OPTIONS",
  "PATCH",
  "QUERY",
  "get",
  "X",
];

const TARGETS = [
  "/",
  "/healthz",
  "/readyz",
  "/limits",
  "/problems/empty-topic",
  "/topics/a/b",
  "/topics/a//c?qos=1&retain=1&expiry=10m",
  "/topics/%C3%B1/%E6%97%A5?content_type=text/plain&pfi=1&user.k=v&user.k=w",
  "/topics/$SYS/broker/uptime?format=json",
  "/topics?topic=/a//b&response_topic=r%2Fs&correlation=AAEC&mandatory=1",
  "/topics/a/+?limit=2&shape=tree&payload=base64&depth=2",
  "/topics/%23?after=a%2Fb&limit=1&changed_since=x-1",
  "/topics/a?wait=30s",
  "/stream?filter=home/+/temp&filter=a/%23&qos=1&retained=none",
  "/stream/a/%23?since=10m&limit=3&timeout=2s&payload=json&event=topic&overflow=latest",
  "/stream/%23?since=all&quiet=1&rap=1&deep=1",
];

const TARGET_PIECES = [
  ..."/?&=%+#$. ;,\\\"'<>{}|^`~@:0-\t\u0000\u00e9\ud83d",
  ..."%00 %2F %2B %23 %ff %c3%28 %ED%A0%80 %u0041 .. /../ /%2e%2e/ //".split(" "),
  ..."&filter= &topic= ?qos=3 &qos=1 &limit=0 &limit=-1 &limit=99999999999999999999 &since=all".split(" "),
  ..."&timeout=0s &timeout=1s &payload=auto __proto__ constructor $share/g/a".split(" "),
  "/".repeat(300),
  "x".repeat(1100),
];

const TARGET_MUTATIONS = { others: TARGETS, pieces: TARGET_PIECES };

const HEADERS: readonly (readonly [name: string, values: readonly string[]])[] = [
  ["accept", [
    "text/event-stream",
    "application/x-ndjson",
    "text/plain",
    "application/json",
    "*/*",
    "a/b;q=0",
    ",;=",
  ]],
  ["authorization", ["Basic dTpw", "Basic !", "Bearer x", "Basic /////w=="]],
  ["content-type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "\u00ff"]],
  ["content-length", ["1", "-1", "99999999", "x"]],
  ["content-encoding", ["gzip", "identity"]],
  ["origin", ["http://localhost", "http://evil.example", "null", ""]],
  ["host", ["localhost", "127.0.0.1:8080", "evil.example", "[::1]:1", ""]],
  ["sec-fetch-site", ["cross-site", "same-origin"]],
  ["last-event-id", ["x-1", "0-0", "-", "9".repeat(40)]],
  ["if-match", ["*", '"x-1"', "x"]],
  ["if-none-match", ["*", '"x-1"', 'W/"a", "b"']],
  ["prefer", ["wait=1", "return=minimal", "wait=x"]],
  ["idempotency-key", ["k1", "k2", "", "k".repeat(300)]],
  ["mqtt-qos", ["0", "2", "3", "1, 1"]],
  ["mqtt-retain", ["1", "yes"]],
  ["mqtt-message-expiry", ["0", "5", "1e9"]],
  ["mqtt-user-property", ["a=b", "%zz=b", "a", "=", "a=b, c=d"]],
  ["mqtt-correlation-data", ["AAEC", "!"]],
  ["mqtt-response-topic", ["r", "r/+", "%00"]],
  ["mqtt-unknown", ["1"]],
  ["traceparent", ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "x"]],
];

/** A request in the form of the corpus: method and target, a header a line, an empty line, the length of the body. */
export function requestText(random: Random): string {
  const method = random.pick(METHODS);
  const wellFormed = random.pick(TARGETS);
  const kept = random.pick([0, "/topics/".length, wellFormed.length]); // So that some still reach their route.
  const target = wellFormed.slice(0, kept) + mutateText(wellFormed.slice(kept), random, TARGET_MUTATIONS);
  const lines = [`${method} ${JSON.stringify(target.startsWith("/") ? target : `/${target}`)}`];
  for (let count = random.below(4); count > 0; count--) {
    const [name, values] = random.pick(HEADERS);
    lines.push(`${name}: ${random.pick(values)}`);
  }
  const hasBody = !["GET", "HEAD", "get"].includes(method) && random.below(4) > 0;
  const length = hasBody ? random.pick([0, 1, 100, 2048, 2049, 9000]) : undefined;
  return [...lines, "", length ?? "none", random.below(2) === 0 ? "raw" : "tidy", ""].join("\n");
}

/** What the text says; nothing, if no HTTP client could send it. */
export function requestOf(text: string): Request | undefined {
  const [head = "", tail = ""] = text.split("\n\n");
  const [first = "", ...fields] = head.split("\n");
  const method = first.slice(0, first.indexOf(" "));
  const target: string = JSON.parse(first.slice(method.length + 1));
  const [length, form] = tail.split("\n");
  const body = length === "none" ? undefined : new Uint8Array(Number(length)).fill(BODY_BYTE);
  try {
    const headers = new Headers();
    for (const field of fields) headers.append(...splitField(field));
    const request = new Request(`http://localhost${target}`, { method, headers, ...(body && { body }) });
    // A server sees the target as it was sent; `Request` has tidied it up.
    const isRaw = form === "raw" && /^\/[\x21-\x7e]*$/.test(target);
    if (isRaw) Object.defineProperty(request, "url", { value: `http://localhost${target}` });
    return request;
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

function splitField(field: string): [name: string, value: string] {
  const colon = field.indexOf(": ");
  return [field.slice(0, colon), field.slice(colon + 2)];
}
