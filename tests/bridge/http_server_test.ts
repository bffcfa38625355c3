import { assertEquals, assertThrows } from "@std/assert";
import { type Descriptors, HttpServer, type Serve } from "../../bridge/mod.ts";
import { Log } from "../../broker/mod.ts";
import { eventually } from "../support/eventually.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";

/** Servers that a test can let fail, as the system does when there are no descriptors left. */
function start(descriptors?: Descriptors) {
  const clock = new SimulatedClock();
  const lines: string[] = [];
  const ports: number[] = [];
  const servers: { fail: () => void; isDown: boolean }[] = [];
  let isRefusing = false;
  const serve: Serve = ({ hostname, port }) => {
    ports.push(port);
    if (isRefusing) throw new Error("Too many open files");
    const finished = Promise.withResolvers<void>();
    const server = { fail: () => finished.reject(new Error("Too many open files")), isDown: false };
    servers.push(server);
    return {
      addr: { transport: "tcp", hostname, port: port || 4711 },
      finished: finished.promise,
      shutdown: () => {
        server.isDown = true;
        finished.resolve();
        return Promise.resolve();
      },
    };
  };
  const open = () =>
    new HttpServer(() => new Response("ok"), {
      hostname: "127.0.0.1",
      port: 0,
      clock,
      descriptors,
      log: new Log("error", (line) => lines.push(line)),
      serve,
    });
  return { open, clock, lines, ports, servers, refuse: (value: boolean) => isRefusing = value };
}

Deno.test("HTTP listens again where it was after the system had no room for a connection", async () => {
  const { open, clock, lines, ports, servers, refuse } = start();
  const http = open();
  assertEquals(http.port, 4711);
  servers[0]!.fail();
  await eventually(() => assertEquals(clock.timerCount, 1));
  refuse(true);
  clock.advance(100);
  clock.advance(100);
  refuse(false);
  clock.advance(100);
  assertEquals([ports, servers.length, clock.timerCount], [[0, 4711, 4711, 4711], 2, 0]);
  assertEquals(lines.filter((line) => line.includes("accept-failed")).length, 1);
  await http.shutdown();
  assertEquals(servers.at(-1)!.isDown, true);
});

Deno.test("HTTP that had no room ends what is idle, says so once a second, and waits for descriptors", async () => {
  let ranOut = 0;
  let isRecovered = false;
  const { open, clock, lines, servers } = start({ ranOut: () => ranOut++, recover: () => isRecovered });
  const http = open();
  servers[0]!.fail();
  await eventually(() => assertEquals([servers[0]!.isDown, ranOut, clock.timerCount], [true, 1, 1]));
  clock.advance(100);
  clock.advance(100);
  assertEquals([servers.length, clock.timerCount], [1, 1]);
  isRecovered = true;
  clock.advance(100);
  assertEquals([servers.length, clock.timerCount], [2, 0]);
  servers[1]!.fail();
  await eventually(() => assertEquals([servers[1]!.isDown, ranOut], [true, 2]));
  assertEquals(lines.length, 1);
  clock.advance(1000);
  servers[2]!.fail();
  await eventually(() => assertEquals([servers[2]!.isDown, ranOut], [true, 3]));
  assertEquals(lines.length, 2);
  await http.shutdown();
});

Deno.test("HTTP ends what is idle when it is told to, listens again where it was, and waits for the answers of both", async () => {
  const { open, clock, ports, servers } = start();
  const http = open();
  http.dropIdle();
  http.dropIdle();
  assertEquals([servers.map(({ isDown }) => isDown), clock.timerCount], [[true], 1]);
  clock.advance(100);
  assertEquals([ports, servers.length], [[0, 4711], 2]);
  await http.shutdown();
  assertEquals(servers.map(({ isDown }) => isDown), [true, true]);
  http.dropIdle();
  assertEquals(clock.timerCount, 0);
});

Deno.test("idle connections of HTTP end, streams go on", async () => {
  const clock = new SimulatedClock();
  const ticks: (() => void)[] = [];
  const http = new HttpServer((request) => {
    if (!request.url.endsWith("/stream")) return new Response("ok");
    const body = new ReadableStream({
      start: (stream) => void ticks.push(() => stream.enqueue(new TextEncoder().encode("tick"))),
    });
    return new Response(body);
  }, { hostname: "127.0.0.1", port: 0, clock, log: new Log("off", () => {}) });
  const stream = await fetch(`${http.url}/stream`);
  const reader = stream.body!.getReader();
  const idle = await Deno.connect({ hostname: "127.0.0.1", port: http.port });
  await idle.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  assertEquals(await idle.read(new Uint8Array(1000)) !== null, true);
  http.dropIdle();
  assertEquals(await idle.read(new Uint8Array(1000)), null);
  idle.close();
  ticks[0]!();
  assertEquals(new TextDecoder().decode((await reader.read()).value), "tick");
  clock.advance(100);
  assertEquals(await (await fetch(http.url)).text(), "ok");
  await reader.cancel();
  await http.shutdown();
});

Deno.test("HTTP that was shut down stays down, also while it waits to listen again", async () => {
  const { open, clock, ports, servers } = start();
  const http = open();
  servers[0]!.fail();
  await eventually(() => assertEquals(clock.timerCount, 1));
  await http.shutdown();
  clock.advance(60_000);
  assertEquals([ports, clock.timerCount], [[0], 0]);
});

Deno.test("an address that cannot be had at the start is the caller's to know", () => {
  const { open, refuse } = start();
  refuse(true);
  assertThrows(open, Error, "Too many open files");
});
