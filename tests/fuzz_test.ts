// Seeded mutations of what peers may send and people may write: nothing throws what it does not promise to throw, the
// broker and the bridge answer or close, never die and leave nothing behind. `deno task fuzz 10` for ten minutes of it,
// `deno task fuzz 10 SEED` to see a failure again. What ever failed is in corpus/, and is played first.

import { assert, assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import { createBridge } from "../bridge/mod.ts";
import { Broker } from "../broker/broker.ts";
import { BROKER_IDENTITY } from "../broker/core/identity.ts";
import type { Link } from "../broker/transport/transport.ts";
import { checkAnswer, leave, settled } from "./fuzz/answers.ts";
import { partsText, readCorpus } from "./fuzz/corpus.ts";
import { requestOf, requestText } from "./fuzz/http_request.ts";
import { FUZZ_LIMITS } from "./fuzz/limits.ts";
import { readAll, write } from "./fuzz/link_ends.ts";
import { packetSequence } from "./fuzz/packet_sequence.ts";
import { TARGETS } from "./fuzz/targets.ts";
import { eventually } from "./support/eventually.ts";
import { fuzz, fuzzSeconds, pieces } from "./support/fuzz.ts";
import { SimulatedClock } from "./support/simulated_clock.ts";
import { startBroker } from "./support/start_broker.ts";
import type { Random } from "./topic/random_names.ts";

/** Of the time: what keeps state from round to round takes most. */
const LONG_SHARE = 0.3;
const SHORT_SHARE = 0.1;

for (const target of TARGETS) {
  Deno.test(`corpus: ${target.name} takes all that it once did not`, async () => {
    const inputs = await readCorpus(target.name);
    assertGreater(inputs.length, 0, `Nothing in corpus/${target.name}`);
    for (const { name, text } of inputs) {
      try {
        await target.play(text);
      } catch (error) {
        throw new Error(`corpus/${target.name}/${name} fails`, { cause: error });
      }
    }
  });
  const { make } = target;
  if (!make) continue;
  Deno.test(`mutated input of ${target.name} is taken or refused, as promised`, async () => {
    await fuzz(fuzzSeconds() * SHORT_SHARE, async ({ random, say }) => {
      const text = make(random);
      say(target.name, text);
      await target.play(text);
    });
  });
}

/** Frozen peers that are open at once; two more connections are the neighbours'. */
const OPEN_MAX = 8;

Deno.test("mutated packets end nothing but their own connection and leave nothing behind", async () => {
  await using host = startBroker({ limits: FUZZ_LIMITS, sysIntervalSeconds: 10 });
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

  const rounds = await fuzz(fuzzSeconds() * LONG_SHARE, async ({ random, round, say }) => {
    if (open.length >= OPEN_MAX) await endOne(random);
    const link = host.listener.connect();
    await broker.turn.heard(); // Otherwise it might be gone before it is let in: only few are in one go.
    const reads = random.below(4) > 0;
    open.push({ link, reading: reads ? readAll(link) : Promise.resolve() });
    const parts = pieces(packetSequence(random), random);
    say("connections", partsText(parts));
    for (const part of parts) await write(link, part);
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
  clock.advance(FUZZ_LIMITS.sessionExpirySeconds * 1000 + 120_000); // Persistent sessions end in time.
  assertEquals([broker.sessions.size, broker.subscriptionCount], [2, 1]);
  assertEquals([server.outboxBytes, broker.sessions.queueBudget.bytes], [0, 0]);
  assertLessOrEqual([...broker.retained.matching(BROKER_IDENTITY, "#")].length, FUZZ_LIMITS.retainedMax);
  await subscriber.disconnect();
  await publisher.disconnect();
  await eventually(() => assertEquals(server.connectionCount, 0));
  assertEquals([broker.sessions.size, broker.subscriptionCount], [0, 0]);
});

Deno.test("mutated requests get an answer that is none of 500 and leave no stream behind", async () => {
  const clock = new SimulatedClock();
  const broker = new Broker({ limits: FUZZ_LIMITS, clock });
  const bridge = createBridge(broker);
  const statuses = new Map<number, number>();
  const open: ReadableStream[] = [];

  const rounds = await fuzz(fuzzSeconds() * LONG_SHARE, async ({ random, say }) => {
    const text = requestText(random);
    say("requests", text);
    const request = requestOf(text);
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
  assertLessOrEqual(broker.retained.size, FUZZ_LIMITS.retainedMax);
  await bridge.close();
  await broker.close();
});
