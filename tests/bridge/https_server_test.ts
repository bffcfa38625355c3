import { assertEquals } from "@std/assert";
import { HttpsServer, type RequestInfo } from "../../bridge/mod.ts";
import { silentLog } from "../../broker/mod.ts";
import { memoryLinks } from "../../broker/transport/memory.ts";
import type { Link } from "../../broker/transport/transport.ts";
import { eventually } from "../support/eventually.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";

const REQUEST = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
const encoder = new TextEncoder();

/** A server, what it learns of its requests, and where it listens inside. */
function start() {
  const infos: RequestInfo[] = [];
  let port = 0;
  const https = new HttpsServer((_request, info) => {
    infos.push(info);
    return new Response("hello");
  }, {
    log: silentLog,
    clock: new SimulatedClock(),
    serve: (options, handler) => {
      const server = Deno.serve(options, handler);
      port = server.addr.port;
      return server;
    },
  });
  return { https, infos, innerPort: () => port };
}

async function readAll(link: Pick<Link, "read">): Promise<string> {
  let text = "";
  const buffer = new Uint8Array(1024);
  for (;;) {
    const count = await link.read(buffer);
    if (count === null) return text;
    text += new TextDecoder().decode(buffer.subarray(0, count));
  }
}

Deno.test("a request over a link is the peer's of the link, and came by TLS", async () => {
  const { https, infos } = start();
  const [near, far] = memoryLinks("[2001:db8::7]:4711");
  const serving = https.serve(Object.assign(far, { address: "2001:db8::7" }));
  await near.write(encoder.encode(REQUEST));
  const answer = await readAll(near);
  assertEquals([answer.slice(0, 15), answer.slice(-5)], ["HTTP/1.1 200 OK", "hello"]);
  assertEquals(infos, [{
    remoteAddr: { transport: "tcp", hostname: "2001:db8::7", port: 4711 },
    isSecure: true,
  }]);
  await serving;
  await https.shutdown();
});

Deno.test("whoever finds the port inside is let in to nothing", async () => {
  const { https, infos, innerPort } = start();
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: innerPort() });
  await connection.write(encoder.encode(REQUEST));
  assertEquals((await readAll(connection)).slice(0, 12), "HTTP/1.1 403");
  connection.close();
  assertEquals(infos, []);
  await https.shutdown();
});

Deno.test("a link that breaks off ends what it was served by", async () => {
  const { https } = start();
  const [near, far] = memoryLinks("192.0.2.1:1");
  let isOver = false;
  const serving = https.serve(far).then(() => isOver = true);
  await near.write(encoder.encode("GET / HTTP/1.1\r\nHost: loc"));
  near.close();
  await eventually(() => assertEquals(isOver, true));
  await serving;
  await https.shutdown();
});
