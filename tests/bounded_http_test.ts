// Plain HTTP where other machines reach it, as the program serves it: counted and bounded, which `Deno.serve` does not do.

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { RunningProgram } from "./interop/support/start_program.ts";
import { hex } from "./packet/fixtures.ts";
import { eventually, within } from "./support/eventually.ts";

const HOST = "127.0.0.1";
const BOUNDED = ["--http-direct", "false", "--sys-interval-seconds", "1"];
const GET_HEALTH = new TextEncoder().encode("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");

const CONNECT = hex("10 0d 00 04 'MQTT' 04 02 00 00 00 01 'a'");

function open(program: RunningProgram): Promise<Deno.TcpConn> {
  return Deno.connect({ hostname: HOST, port: program.port("http") });
}

async function readAll(link: Deno.TcpConn): Promise<string> {
  return await within(new Response(link.readable).text(), () => "it has no end");
}

/** A figure of `$SYS/broker/`. */
async function figure(program: RunningProgram, name: string): Promise<string> {
  const url = `http://${HOST}:${program.port("http")}/topics/%24SYS/broker/${name}`;
  const response = await fetch(url, { headers: { accept: "*/*", connection: "close" } });
  return await response.text();
}

Deno.test("links of plain HTTP are bounded together with those of MQTT, and who has more than its share is closed at once", async () => {
  await using program = await RunningProgram.start([...BOUNDED, "--limits-connections-per-address-max", "2"]);
  const http = await open(program);
  await http.write(GET_HEALTH);
  await http.read(new Uint8Array(1024));
  using mqtt = await Deno.connect({ hostname: HOST, port: program.port("mqtt") });
  await mqtt.write(CONNECT);
  await mqtt.read(new Uint8Array(4));
  assertEquals(await readAll(await open(program)), "");
  http.close();
  await eventually(async () => {
    // Those of this very question, as long as the first link is not gone, count too.
    assertMatch(await figure(program, "connections/closed/too-many-from-address").catch(String), /^[1-9]/);
  });
});

Deno.test("who closes its side behind a request to plain HTTP gets the answer, and who asks for nothing is let go", async () => {
  await using program = await RunningProgram.start([...BOUNDED, "--limits-http-idle-seconds", "1"]);
  const asking = await open(program);
  await asking.write(GET_HEALTH);
  await asking.closeWrite();
  assertStringIncludes(await readAll(asking), "\r\n\r\nok\n");
  assertEquals(await readAll(await open(program)), "");
  await eventually(async () => {
    assertEquals(await figure(program, "limits/met/http-idle-seconds"), "1");
  }, 10_000);
});

Deno.test("an EventSource over plain HTTP that is bounded gets what is published, for as long as it likes", async () => {
  await using program = await RunningProgram.start([...BOUNDED, "--limits-http-idle-seconds", "1"]);
  const base = `http://${HOST}:${program.port("http")}/topics`;
  const stream = await fetch(`${base}/a`, { headers: { accept: "text/event-stream" } });
  const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (const [index, word] of ["one", "two"].entries()) {
    if (index > 0) await new Promise((resolve) => setTimeout(resolve, 1_500)); // Longer than anybody may be idle.
    await (await fetch(`${base}/a`, { method: "POST", body: word })).body?.cancel();
    while (!text.includes(word)) text += (await within(reader.read(), () => `only ${text} came`)).value ?? "";
  }
  await reader.cancel();
});
