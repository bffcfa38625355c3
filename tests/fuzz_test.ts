// Seeded mutations of what peers may send: the broker and the bridge answer or close, never die and leave nothing
// behind. PREGON_FUZZ_SECONDS=600 for a long run, PREGON_FUZZ_SEED=… to see a failure again.

import { assert, assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import { createBridge } from "../bridge/mod.ts";
import { Broker } from "../broker/broker.ts";
import { BROKER_IDENTITY } from "../broker/core/identity.ts";
import { encode, type OutgoingPacket, type QoS, type Version } from "../broker/packet/mod.ts";
import type { Link } from "../broker/transport/transport.ts";
import { randomPacket } from "./packet/random_packets.ts";
import { eventually, within } from "./support/eventually.ts";
import { fuzz, fuzzSeconds, mutateBytes, mutateText, pieces } from "./support/fuzz.ts";
import { connectPacket, publishFields } from "./support/raw_client.ts";
import { SimulatedClock } from "./support/simulated_clock.ts";
import { startBroker } from "./support/start_broker.ts";
import type { Random } from "./topic/random_names.ts";

const KiB = 1024;

/** Small enough that mutated input meets every bound. */
const LIMITS = {
  connectionsMax: 12,
  connectBytesMax: 2 * KiB,
  packetBytesMax: 8 * KiB,
  outboxBytesMax: 64 * KiB,
  topicLevelsMax: 8,
  routeCacheMax: 8,
  sessionsMax: 10,
  sessionExpirySeconds: 600,
  clientIdBytesMax: 64,
  subscriptionsPerSessionMax: 6,
  inflightMax: 3,
  inboundQos2Max: 4,
  queueMessagesMax: 6,
  queueBytesMax: 16 * KiB,
  retainedMax: 20,
  urlBytesMax: 1 * KiB,
  payloadBytesMax: 2 * KiB,
  topicAliasesMax: 2,
  streamsMax: 20,
  streamsPerIdentityMax: 15,
  streamBytesMax: 8 * KiB,
  idempotencyKeysMax: 10,
};

const TOPICS = ["a", "a/b", "a//c", "ñ/日/😀", "$SYS/broker/uptime", "$foo", "x".repeat(300), "/"];
const FILTERS = [...TOPICS, "#", "+/b", "a/#", "$SYS/#", "$share/g/a", "a+", "+/+/+/+"];

const VERSIONS: readonly Version[] = [3, 4, 4, 5, 5, 5];

/** Frozen peers that are open at once; two more connections are the neighbours'. */
const OPEN_MAX = 8;

Deno.test("mutated packets end nothing but their own connection and leave nothing behind", async () => {
  await using host = startBroker({ limits: LIMITS, sysIntervalSeconds: 10 });
  const { broker, server, clock } = host;
  const subscriber = await host.connect({ clientId: "neighbour-sub" });
  await subscriber.subscribe(["neighbour/alive", 1]);
  const publisher = await host.connect({ clientId: "neighbour-pub" });
  const open: { link: Link; reading: Promise<void> }[] = [];
  const endOne = async (random: Random) => {
    const [attacker] = open.splice(random.below(open.length), 1);
    attacker?.link.close();
    await attacker?.reading;
  };

  const rounds = await fuzz(fuzzSeconds() / 2, async (random, round) => {
    if (open.length >= OPEN_MAX) await endOne(random);
    const link = host.listener.connect();
    const reads = random.below(4) > 0;
    open.push({ link, reading: reads ? readAll(link) : Promise.resolve() });
    for (const piece of pieces(packetSequence(random), random)) await write(link, piece);
    if (random.below(3) === 0) await endOne(random);
    if (random.below(10) === 0) clock.advance(random.below(4000));
    if (round % 5 > 0) return;
    await publisher.publish("neighbour/alive", String(round), { qos: 1 });
    await subscriber.takePublish({ topic: "neighbour/alive", payload: String(round), qos: 1 });
  });

  const { counters } = broker;
  assertEquals(counters.closes["internal-error"], 0);
  if (rounds > 500) { // Otherwise there was no time to get anywhere, and this would have proven nothing.
    const reasons = ["malformed-packet", "protocol-error", "refused", "client-disconnect"] as const;
    for (const reason of [...reasons, "client-disconnect-with-will"] as const) {
      assertGreater(counters.closes[reason], 0, reason);
    }
    assertGreater(counters.messagesSent, rounds / 2);
  }
  for (const { link, reading } of open) {
    link.close();
    await reading;
  }
  await eventually(() => assertEquals(server.connectionCount, 2));
  clock.advance(LIMITS.sessionExpirySeconds * 1000 + 120_000); // Persistent sessions end in time.
  assertEquals([broker.sessions.size, broker.subscriptionCount], [2, 1]);
  assertEquals([server.outboxBytes, broker.sessions.queueBudget.bytes], [0, 0]);
  assertLessOrEqual([...broker.retained.matching(BROKER_IDENTITY, "#")].length, LIMITS.retainedMax);
  await subscriber.disconnect();
  await publisher.disconnect();
  await eventually(() => assertEquals(server.connectionCount, 0));
  assertEquals([broker.sessions.size, broker.subscriptionCount], [0, 0]);
});

/** A CONNECT and some packets behind it; some of them, or all together, mutated. */
function packetSequence(random: Random): Uint8Array {
  const version = random.pick(VERSIONS);
  const others = Array.from({ length: random.below(12) }, () => packetOf(random, version));
  const frames = [connectOf(random, version), ...others].map((packet) => encode(packet, version));
  const kind = random.below(4);
  if (kind === 1) { // One of them, so that those before it are taken.
    const index = random.below(frames.length);
    frames[index] = mutateBytes(frames[index]!, random, frames);
    if (random.below(2) === 0) mendLength(frames[index]!);
  }
  const bytes = Uint8Array.from(frames.flatMap((frame) => [...frame]));
  return kind === 2 ? mutateBytes(bytes, random, frames) : bytes;
}

/** A header that tells the truth lets the mutation reach the body. */
function mendLength(frame: Uint8Array): void {
  if (frame.length >= 2 && frame.length < 130) frame[1] = frame.length - 2;
}

function connectOf(random: Random, version: Version): OutgoingPacket {
  if (version === 5 && random.below(4) === 0) return randomPacket(random, "connect");
  const will = { topic: random.pick(TOPICS), qos: random.below(3) as QoS, retain: random.below(2) === 0 };
  return connectPacket({
    version: random.below(6) === 0 ? random.pick(VERSIONS) : version,
    clientId: random.below(20) === 0 ? "x".repeat(65) : random.pick(["f1", "f2", "f3", "f4", "f5"]),
    cleanStart: random.below(2) === 0,
    keepAliveSeconds: random.pick([0, 1, 60]),
    will: random.below(2) === 0 ? will : undefined,
    ...(random.below(2) === 0 ? { username: "u", password: "p" } : {}),
  });
}

function packetOf(random: Random, version: Version): OutgoingPacket {
  if (version === 5 && random.below(3) === 0) return anyPacketOf(random);
  const packetId = 1 + random.below(5);
  const qos = random.below(3) as QoS;
  const filters = Array.from({ length: 1 + random.below(3) }, () => random.pick(FILTERS));
  const payload = "x".repeat(random.pick([0, 1, 100, 100, 1000]));
  const retain = random.below(4) === 0;
  switch (random.below(9)) {
    case 0:
      return { type: "subscribe", packetId, requests: filters.map((filter) => ({ filter, qos })) };
    case 1:
      return { type: "unsubscribe", packetId, filters };
    case 2:
      return { type: "pingreq" };
    case 3:
      return { type: random.pick(["puback", "pubrec", "pubrel", "pubcomp"]), packetId, reasonCode: 0 };
    case 4:
      return random.below(3) === 0
        ? { type: "disconnect", reasonCode: 0 }
        : { type: "connack", sessionPresent: false, reasonCode: 0 };
    default:
      return publishFields(random.pick(TOPICS), payload, { qos, retain, packetId: qos === 0 ? 0 : packetId });
  }
}

/** Whatever MQTT 5.0 has, mostly on topics that somebody subscribes to, and with few packet identifiers. */
function anyPacketOf(random: Random): OutgoingPacket {
  const packet = randomPacket(random, random.below(2) === 0 ? "publish" : undefined);
  if (packet.type !== "publish") return packet;
  return {
    ...packet,
    topic: packet.topic && random.pick(TOPICS),
    packetId: packet.qos === 0 ? 0 : 1 + random.below(5),
    topicAlias: Math.min(packet.topicAlias ?? 0, 3),
    ...random.below(8) > 0 && { subscriptionIds: [] },
  };
}

async function write(link: Link, bytes: Uint8Array): Promise<void> {
  try {
    for (let sent = 0; sent < bytes.length;) sent += await link.write(bytes.subarray(sent));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

async function readAll(link: Link): Promise<void> {
  const buffer = new Uint8Array(4 * KiB);
  try {
    while (await link.read(buffer) !== null);
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

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

Deno.test("mutated requests get an answer that is none of 500 and leave no stream behind", async () => {
  const clock = new SimulatedClock();
  const broker = new Broker({ limits: LIMITS, clock });
  const bridge = createBridge(broker);
  const statuses = new Map<number, number>();
  const open: ReadableStream[] = [];

  const rounds = await fuzz(fuzzSeconds() / 2, async (random) => {
    const request = requestOf(random);
    if (!request) return;
    const about = `${request.method} ${request.url}`;
    const response = await settled(bridge.fetch(request), clock);
    statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
    await checkAnswer(response, about, open);
    while (open.length > 10) await leave(open.shift()!);
    if (random.below(10) === 0) clock.advance(random.below(20_000));
  });

  if (rounds > 500) {
    for (const status of [200, 400, 404]) assert(statuses.has(status), `No ${status}`);
  }
  const answer = await bridge.fetch(
    new Request("http://localhost/topics/alive", { method: "POST", body: "1" }),
  );
  assertEquals([answer.status, (await answer.json()).topic], [200, "alive"]);
  for (const body of open) await leave(body);
  await eventually(() => assertEquals([bridge.streamCount, broker.subscriptionCount], [0, 0]));
  assertLessOrEqual(broker.retained.size, LIMITS.retainedMax);
  await bridge.close();
  await broker.close();
});

/** Nothing, if no HTTP client could send it. */
function requestOf(random: Random): Request | undefined {
  const method = random.pick(METHODS);
  const wellFormed = random.pick(TARGETS);
  const kept = random.pick([0, "/topics/".length, wellFormed.length]); // So that some still reach their route.
  const target = wellFormed.slice(0, kept) + mutateText(wellFormed.slice(kept), random, TARGET_MUTATIONS);
  const hasBody = !["GET", "HEAD", "get"].includes(method) && random.below(4) > 0;
  const body = hasBody ? new Uint8Array(random.pick([0, 1, 100, 2048, 2049, 9000])).fill(0x78) : undefined;
  try {
    const headers = new Headers();
    for (let count = random.below(4); count > 0; count--) {
      const [name, values] = random.pick(HEADERS);
      headers.append(name, random.pick(values));
    }
    const request = new Request(`http://localhost${target.startsWith("/") ? target : `/${target}`}`, {
      method,
      headers,
      ...(body && { body }),
    });
    // A server sees the target as it was sent; `Request` has tidied it up.
    const isRaw = random.below(2) === 0 && /^\/[\x21-\x7e]*$/.test(target);
    if (isRaw) Object.defineProperty(request, "url", { value: `http://localhost${target}` });
    return request;
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** The answer; one that waits for a time to pass gets it. */
async function settled(answering: Promise<Response>, clock: SimulatedClock): Promise<Response> {
  let isDone = false;
  const done = answering.finally(() => isDone = true);
  for (let turn = 0; turn < 100 && !isDone; turn++) {
    await Promise.race([done, new Promise((resolve) => setImmediate(resolve))]);
    if (turn > 20) clock.advance(1_000);
  }
  return await within(done, () => "the request has no answer"); // Digests are made by another thread, in real time.
}

/** One that the bridge cut, because nobody read it, is left already. */
async function leave(stream: ReadableStream): Promise<void> {
  await stream.cancel().catch(() => {});
}

/** Takes the answer's body apart; one that is a stream stays open for a while. */
async function checkAnswer(response: Response, about: string, open: ReadableStream[]): Promise<void> {
  const { status, headers, body } = response;
  assert(status >= 200 && status <= 599 && status !== 500, `${about} got ${status}`);
  const type = headers.get("content-type") ?? "";
  if (status >= 400 && body) {
    assertEquals(type, "application/problem+json", about);
    const problem = await response.json();
    assertEquals(problem.status, status, about);
    assertEquals(typeof problem.title, "string", about);
  } else if (body && headers.get("cache-control")?.startsWith("no-store")) {
    open.push(body);
  } else {
    await response.arrayBuffer();
  }
}
