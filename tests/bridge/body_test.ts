import { assertEquals, assertStringIncludes } from "@std/assert";
import { createBridge } from "../../bridge/mod.ts";
import { Broker, Log } from "../../broker/mod.ts";
import { eventually } from "../support/eventually.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";
import { TestServer } from "./support.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const HEAD = "POST /topics/t HTTP/1.1\r\nHost: localhost\r\n";

/** A server on a socket, whose time stands still, and what became of the messages. */
function startServer() {
  const clock = new SimulatedClock();
  const lines: string[] = [];
  const broker = new Broker({
    clock,
    log: new Log("info", (line) => lines.push(line)),
    limits: { stallSeconds: 60, payloadBytesMax: 100_000 },
  });
  const payloads: string[] = [];
  broker.observe((message) => payloads.push(decoder.decode(message.payload)));
  return { clock, lines, payloads, server: new TestServer(createBridge(broker)) };
}

async function send(server: TestServer, text: string): Promise<Deno.TcpConn> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  await connection.write(encoder.encode(text));
  return connection;
}

async function read(connection: Deno.TcpConn): Promise<string> {
  const buffer = new Uint8Array(4096);
  return decoder.decode(buffer.subarray(0, await connection.read(buffer) ?? 0));
}

Deno.test("a body that says its length arrives whole, in one piece or many, small or large", async () => {
  const { payloads, server } = startServer();
  await using _ = server;
  for (const length of [0, 1, 16 * 1024, 16 * 1024 + 1, 100_000]) {
    const body = "x".repeat(length);
    const { status } = await server.raw(`POST /topics/t HTTP/1.1\r\nContent-Length: ${length}`, body);
    assertEquals([status, payloads.pop()?.length], [200, length]);
  }
  using connection = await send(server, `${HEAD}Content-Length: 5\r\n\r\nab`);
  await connection.write(encoder.encode("c"));
  await connection.write(encoder.encode("de"));
  assertStringIncludes(await read(connection), "HTTP/1.1 200 ");
  assertEquals(payloads, ["abcde"]);
});

Deno.test("a small body that stops coming is refused in time, and nothing is published or logged", async () => {
  const { clock, lines, payloads, server } = startServer();
  await using _ = server;
  using connection = await send(server, `${HEAD}Content-Length: 5\r\n\r\nabc`);
  await eventually(() => assertEquals(clock.timerCount, 1));
  clock.advance(60_000);
  assertStringIncludes(await read(connection), "HTTP/1.1 408 ");
  assertEquals([payloads, lines], [[], []]);
});

Deno.test("a small body whose sender goes is nobody's: nothing is published or logged", async () => {
  const { clock, lines, payloads, server } = startServer();
  await using _ = server;
  const connection = await send(server, `${HEAD}Content-Length: 5\r\n\r\nabc`);
  await eventually(() => assertEquals(clock.timerCount, 1));
  connection.close();
  const { status } = await server.raw("POST /topics/t HTTP/1.1\r\nContent-Length: 4", "next");
  assertEquals([status, payloads, lines], [200, ["next"], []]);
  clock.advance(120_000);
  assertEquals([payloads, lines], [["next"], []]);
});

Deno.test("a length over the limit is refused before the body comes", async () => {
  const { payloads, server } = startServer();
  await using _ = server;
  using connection = await send(server, `${HEAD}Content-Length: 100001\r\n\r\n`);
  assertStringIncludes(await read(connection), "HTTP/1.1 413 ");
  assertEquals(payloads, []);
});
