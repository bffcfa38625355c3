import { assertEquals, assertThrows } from "@std/assert";
import { HttpServer, type Serve } from "../../bridge/mod.ts";
import { Log } from "../../broker/mod.ts";
import { eventually } from "../support/eventually.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";

/** Servers that a test can let fail, as the system does when there are no descriptors left. */
function start() {
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
