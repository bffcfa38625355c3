import { assertEquals } from "@std/assert";
import type { Link, Listener } from "../../broker/transport/transport.ts";
import { LinkError } from "../../broker/transport/transport.ts";
import { memoryLinks } from "../../broker/transport/memory.ts";
import { eventually } from "../support/eventually.ts";
import { RawClient } from "../support/raw_client.ts";
import { startBroker, type TestBroker } from "../support/start_broker.ts";

/** A link that is not open before the test says so. */
class SlowLink implements Link {
  address: string | undefined;
  isClosed = false;
  readonly peer = "slow:1";
  readonly near: Link;
  readonly opening = Promise.withResolvers<void>();
  readonly #far: Link;

  constructor(address: string | undefined) {
    this.address = address;
    [this.near, this.#far] = memoryLinks("slow:1");
    // Nobody may ever have waited for it.
    this.opening.promise.catch(() => {});
  }

  open = () => this.opening.promise;
  read = (buffer: Uint8Array) => this.#far.read(buffer);
  write = (bytes: Uint8Array) => this.#far.write(bytes);

  close(): void {
    this.isClosed = true;
    this.opening.reject(new Deno.errors.BadResource("closed"));
    this.#far.close();
  }
}

function arrive(test: TestBroker, address?: string): SlowLink {
  const link = new SlowLink(address);
  test.server.accept(link);
  return link;
}

async function connectOver(test: TestBroker, link: SlowLink): Promise<RawClient> {
  link.opening.resolve();
  const client = new RawClient(link.near, () => test.settle());
  await client.connect();
  return client;
}

Deno.test("connectTimeoutSeconds 10: a handshake that takes longer is closed and counted, and CONNECT has as long again", async () => {
  await using test = startBroker({ limits: { connectTimeoutSeconds: 10 } });
  const [silent, slow] = [arrive(test), arrive(test)];
  test.clock.advance(9_500);
  assertEquals([silent.isClosed, test.server.connectionCount], [false, 2]);
  const client = await connectOver(test, slow);
  test.clock.advance(500);
  assertEquals([silent.isClosed, slow.isClosed, test.server.connectionCount], [true, false, 1]);
  assertEquals(test.broker.counters.closes["not-connected-in-time"], 1);
  client.cut();
});

Deno.test("a handshake counts as a connection, from its begin to its end", async () => {
  await using test = startBroker({ limits: { connectionsMax: 2 } });
  const [first, second] = [arrive(test), arrive(test)];
  const third = arrive(test);
  assertEquals([third.isClosed, test.server.connectionCount], [true, 2]);
  assertEquals(test.broker.counters.closes["too-many-connections"], 1);
  first.opening.reject(new LinkError("handshake-failed", "No TLS"));
  await eventually(() => assertEquals([first.isClosed, test.server.connectionCount], [true, 1]));
  (await connectOver(test, second)).cut();
});

Deno.test("why a link did not open is counted and logged", async () => {
  await using test = startBroker();
  for (const fault of ["handshake-failed", "proxy-header-refused"] as const) {
    arrive(test).opening.reject(new LinkError(fault, `It is ${fault}`));
    await eventually(() => assertEquals(test.broker.counters.closes[fault], 1));
    const [line] = test.log.filter((line) => line.includes(`reason=${fault}`));
    assertEquals(line?.includes(`peer=slow:1 reason=${fault} detail="It is ${fault}"`), true, line);
  }
  arrive(test).opening.reject(new Deno.errors.ConnectionReset("gone"));
  await eventually(() => assertEquals(test.broker.counters.closes["link-failed"], 1));
});

for (const perAddress of [2, 3]) {
  Deno.test(`connectionsPerAddressMax ${perAddress}: so many come from one address and not one more, until one leaves`, async () => {
    await using test = startBroker({ limits: { connectionsPerAddressMax: perAddress } });
    const links = Array.from({ length: perAddress }, () => arrive(test, "192.0.2.1"));
    assertEquals(links.map(({ isClosed }) => isClosed), links.map(() => false));
    const more = arrive(test, "::ffff:192.0.2.1");
    const other = arrive(test, "192.0.2.2");
    assertEquals([more.isClosed, other.isClosed], [true, false]);
    assertEquals(test.broker.counters.closes["too-many-from-address"], 1);
    const client = await connectOver(test, links[0]!);
    assertEquals(arrive(test, "192.0.2.1").isClosed, true);
    client.cut();
    await eventually(() => assertEquals(test.server.connectionCount, perAddress));
    assertEquals(arrive(test, "192.0.2.1").isClosed, false);
  });
}

Deno.test("connectionsPerAddressMax counts whom a proxy speaks for, and not the proxy", async () => {
  await using test = startBroker({ limits: { connectionsPerAddressMax: 1 } });
  const links = [arrive(test), arrive(test), arrive(test)];
  links.forEach((link, index) => link.address = index < 2 ? "192.0.2.1" : "192.0.2.2");
  for (const link of links) link.opening.resolve();
  await eventually(() => assertEquals(links.map(({ isClosed }) => isClosed), [false, true, false]));
  assertEquals(test.broker.counters.closes["too-many-from-address"], 1);
});

Deno.test("connectionsPerAddressMax counts the networks of 64 bits of IPv6", async () => {
  await using test = startBroker({ limits: { connectionsPerAddressMax: 1 } });
  arrive(test, "2001:db8:1:2::1");
  assertEquals(arrive(test, "2001:db8:1:2:ffff::9").isClosed, true);
  assertEquals(arrive(test, "2001:db8:1:3::1").isClosed, false);
});

Deno.test("without connectionsPerAddressMax one address may have all connections", async () => {
  await using test = startBroker();
  const links = Array.from({ length: 500 }, () => arrive(test, "192.0.2.1"));
  assertEquals(links.filter(({ isClosed }) => isClosed), []);
});

Deno.test("links that others serve count as well, and the server waits for their end", async () => {
  const test = startBroker({ limits: { connectionsMax: 1 } });
  const link = new SlowLink(undefined);
  const served = Promise.withResolvers<void>();
  const accepted: (Link | null)[] = [link];
  const waiting = Promise.withResolvers<null>();
  const listener: Listener = {
    url: "test:",
    port: 0,
    accept: () => Promise.resolve(accepted.shift() ?? waiting.promise),
    close: () => waiting.resolve(null),
  };
  test.server.listen(listener, { serve: () => served.promise });
  link.opening.resolve();
  await eventually(() => assertEquals(test.server.connectionCount, 1));
  assertEquals(arrive(test).isClosed, true);
  let isClosed = false;
  const closing = test.close().then(() => isClosed = true);
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(isClosed, false);
  served.resolve();
  await closing;
  assertEquals(link.isClosed, true);
});

const silentLink = (): Link => memoryLinks("crowd:1")[0];

/** Takes half a slice to look at. */
function laboriousLink(): Link {
  return Object.defineProperty(silentLink(), "certificate", {
    get() {
      for (const end = performance.now() + 0.1; performance.now() < end;);
    },
  });
}

/** A listener at which so many wait who say nothing. */
function silentCrowd(waiting: number, makeLink = silentLink): Listener {
  const closed = Promise.withResolvers<null>();
  return {
    url: "mqtt://crowd",
    port: 0,
    accept: () => waiting-- > 0 ? Promise.resolve(makeLink()) : closed.promise,
    close: () => closed.resolve(null),
  };
}

/** Until the look at so many that the clock made due is over. */
async function lookedAt(test: TestBroker, links: number): Promise<void> {
  for (let slice = 0; slice < links / 8; slice++) await test.broker.turn.heard();
}

Deno.test("a crowd that comes at once is let in by the few, and ended slice by slice when it says nothing", async () => {
  const CROWD = 2_000;
  await using test = startBroker({ limits: { connectTimeoutSeconds: 10, connectionsMax: CROWD } });
  test.server.listen(silentCrowd(CROWD));
  for (let count = 0; count < 1_000; count++) await Promise.resolve();
  assertEquals(test.server.connectionCount, 8, "Others are heard before the ninth");
  await eventually(() => assertEquals(test.server.connectionCount, CROWD));
  test.clock.advance(9_500);
  await lookedAt(test, CROWD);
  test.clock.advance(500);
  const endedAtOnce = test.broker.counters.closes["not-connected-in-time"];
  assertEquals(endedAtOnce > 0 && endedAtOnce < CROWD, true, `${endedAtOnce} ended at once`);
  await eventually(() => assertEquals(test.server.connectionCount, 0));
  assertEquals(test.broker.counters.closes["not-connected-in-time"], CROWD);
});

for (const [count, left] of [[49, 0], [50, 0], [51, 1], [150, 100]] as const) {
  Deno.test(`of ${count} that say nothing ${left} are left for the next look while there is room`, async () => {
    await using test = startBroker({ limits: { connectTimeoutSeconds: 10, connectionsMax: 200 } });
    test.server.listen(silentCrowd(count));
    await eventually(() => assertEquals(test.server.connectionCount, count));
    test.clock.advance(9_500);
    await lookedAt(test, count);
    test.clock.advance(500);
    await lookedAt(test, count);
    await eventually(() => assertEquals(test.server.connectionCount, left));
  });
}

Deno.test("handshakes that last too long are ended beside a crowd that says nothing, and as few at once", async () => {
  await using test = startBroker({ limits: { connectTimeoutSeconds: 10, connectionsMax: 1_000 } });
  test.server.listen(silentCrowd(100));
  await eventually(() => assertEquals(test.server.connectionCount, 100));
  const arrivals = Array.from({ length: 60 }, () => arrive(test));
  test.clock.advance(9_500);
  await lookedAt(test, 160);
  test.clock.advance(500);
  await eventually(() => assertEquals(test.server.connectionCount, 60));
  assertEquals(arrivals.filter(({ isClosed }) => isClosed).length, 50);
});

for (
  const [why, options] of [
    ["a quarter of the places is not free", { limits: { connectionsMax: 133 } }],
    ["memory runs short", { limits: { memoryBytesMax: 1_000 }, readMemory: () => 2_000 }],
  ] as const
) {
  Deno.test(`all of 100 that say nothing are ended at one look when ${why}`, async () => {
    await using test = startBroker({ ...options, limits: { ...options.limits, connectTimeoutSeconds: 10 } });
    for (let count = 0; count < 100; count++) test.server.accept(silentLink());
    test.clock.advance(9_500);
    await lookedAt(test, 100);
    test.clock.advance(500);
    await eventually(() => assertEquals(test.server.connectionCount, 0));
  });
}

Deno.test("a look that goes on slice by slice while the server closes expires no session any more", async () => {
  const test = startBroker();
  test.server.listen(silentCrowd(20, laboriousLink));
  await eventually(() => assertEquals(test.server.connectionCount, 20));
  let expiries = 0;
  test.broker.sessions.expire = () => void expiries++;
  test.clock.advance(500);
  assertEquals(expiries, 0, "The look took one slice only");
  await test.server.close();
  for (let slice = 0; slice < 10; slice++) await test.broker.turn.heard();
  assertEquals(expiries, 0);
  await test.close();
});
