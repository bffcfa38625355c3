import { assert, assertEquals } from "@std/assert";
import { createBridge } from "../../bridge/mod.ts";
import { Parameters } from "../../bridge/parameters.ts";
import { splitUrl } from "../../bridge/raw_url.ts";
import { readFilters, readTopic, topicsUrl } from "../../bridge/topic_address.ts";
import { Broker, checkTopic } from "../../broker/mod.ts";
import { assertProblem, seeded, startBridge, TestServer } from "./support.ts";

// deno-fmt-ignore
const PIECES = [
  "a", "B", "/", "/", " ", "%", "%2F", "&", "=", "?", ";", ":", "@", "!", "$", "'", "(", ")", "*", ",", "~", "\\",
  "\"", "<", ">", "[", "]", "^", "`", "{", "|", "}", "\t", "\n", "\r", "\u00e4", "\u20ac", "\u{1f600}", "\ufeff",
  "\u202e", "\u2028", "\u0001", "..", ".", "%zz", "%00",
];

function randomTopic(random: () => number): string {
  const length = 1 + Math.floor(random() * 8);
  return Array.from({ length }, () => PIECES[Math.floor(random() * PIECES.length)]!).join("");
}

Deno.test("a topic that was written into a URL and sent through WHATWG URL is read back unchanged", () => {
  const random = seeded(1);
  for (let round = 0; round < 5_000; round++) {
    const topic = randomTopic(random);
    assert(checkTopic(topic) === undefined);
    const hasDots = topic.split("/").some((level) => level === "." || level === "..");
    const path = `/topics/${topic.split("/").map(encodeURIComponent).join("/")}`;
    const target = hasDots ? `/topics?topic=${encodeURIComponent(topic)}` : path;
    const url = splitUrl(new URL(target, "http://localhost").href);
    assertEquals(readTopic(url, new Parameters(url.query), 200), topic);
  }
});

Deno.test("filters survive URLSearchParams and our own encoder", () => {
  const random = seeded(2);
  for (let round = 0; round < 5_000; round++) {
    const plain = randomTopic(random);
    if (plain === " ") continue; // The one filter that URLSearchParams writes like a wildcard.
    const filter = random() < 0.3 ? `${plain}/#` : random() < 0.5 ? `+/${plain}` : plain;
    const query = String(new URLSearchParams({ filter }));
    for (const target of [`http://h/stream?${query}`, `http://h${topicsUrl(filter, [])}`]) {
      const url = splitUrl(target);
      assertEquals(readFilters(url, new Parameters(url.query), 200), [filter], target);
    }
  }
});

Deno.test("in filter= a level that is exactly + is a wildcard and any other raw + is a space", () => {
  const read = (query: string) => readFilters({ path: "/stream", query }, new Parameters(query), 200);
  assertEquals(read("filter=home/+/temp"), ["home/+/temp"]);
  assertEquals(read("filter=home%2F%2B%2Ftemp"), ["home/+/temp"]);
  assertEquals(read("filter=my+home/a%20b/%23"), ["my home/a b/#"]);
  assertEquals(read("filter=a&filter=b&filter=a"), ["a", "b"]);
  assertEquals(read("filter=a&deep=1"), ["a/#"]);
  assertEquals(read("filter=a/&deep=1"), ["a/#"]);
  assertEquals(read("deep=1"), ["#"]);
});

Deno.test("raw paths reach the topic as they were sent", async () => {
  const broker = new Broker();
  await using server = new TestServer(createBridge(broker));
  const topics = ["/a", "a//b", "a/", "//", "a b", "ä", "a/b"];
  for (const topic of topics) {
    const path = topic.split("/").map(encodeURIComponent).join("/");
    const { status } = await server.raw(`PUT /topics/${path} HTTP/1.1\r\nContent-Length: 1`, "x");
    assertEquals([topic, status], [topic, 201]);
  }
  const { body } = await server.get("/topics?filter=%23");
  const found: string[] = JSON.parse(body).items.map((item: { topic: string }) => item.topic);
  assertEquals(found.sort(), [...topics].sort());
  assertEquals((await server.get("/topics/a%2Fb")).status, 200);
});

Deno.test("dot segments, bad escapes and bad UTF-8 in a raw path are refused and change nothing", async () => {
  const broker = new Broker();
  await using server = new TestServer(createBridge(broker));
  const cases: [target: string, code: string][] = [
    ["/topics/a/../b", "ambiguous-path"],
    ["/topics/./b", "ambiguous-path"],
    ["/topics/a/%2e%2E", "ambiguous-path"],
    ["/topics/a%2F..", "ambiguous-path"],
    ["/topics/a%2", "bad-encoding"],
    ["/topics/%zz", "bad-encoding"],
    ["/topics/%C3%28", "bad-encoding"],
    ["/topics/%ED%A0%80", "bad-encoding"],
    ["/topics/a%00", "invalid-topic"],
    ["/topics/", "empty-topic"],
    ["/topics", "empty-topic"],
    ["/topics/a/+", "wildcard-in-topic"],
    ["/topics/a%23", "wildcard-in-topic"],
    ["/topics?topic=a/+/b", "wildcard-in-topic"],
    ["/topics/a?topic=b", "ambiguous-topic"],
    [`/topics/${"a/".repeat(300)}a`, "invalid-topic"],
  ];
  for (const [target, code] of cases) {
    const { status, body } = await server.raw(`POST ${target} HTTP/1.1\r\nContent-Length: 1`, "x");
    assertEquals([target, status, JSON.parse(body).type], [target, 400, `/problems/${code}`]);
  }
  assertEquals(broker.sequence, 0);
  const dots = await server.raw("PUT /topics?topic=a/../b HTTP/1.1\r\nContent-Length: 1", "x");
  assertEquals(dots.status, 201);
  assertEquals((await server.get("/topics?topic=a/../b")).status, 200);
});

Deno.test("a problem of a filter says where it is", async () => {
  const { request } = startBridge();
  const response = await request("/stream?filter=home/a%2Bb");
  const problem = await response.json();
  assertEquals([problem.position, problem.param, problem.mqtt_reason_code], [6, "filter", 0x8f]);
  await assertProblem(await request("/stream/a/%23/b"), 400, "invalid-filter");
  await assertProblem(await request("/stream/$share/g"), 400, "invalid-filter");
  await assertProblem(await request("/topics/$share/g/a"), 400, "shared-filter");
  await assertProblem(await request("/stream?filter=$share/g/a&filter=b"), 400, "shared-filter");
});

Deno.test("a dot level in a path is answered with the URL that works", async () => {
  await using server = new TestServer(createBridge(new Broker()));
  const hint = async (target: string) => JSON.parse((await server.get(target)).body).hint;
  assertEquals(await hint("/topics/a/../b"), "write ?topic=a%2F..%2Fb instead");
  assertEquals(await hint("/topics/a/../+"), "write ?filter=a%2F..%2F%2B instead");
  assertEquals(await hint("/stream/a/../%23"), "write ?filter=a%2F..%2F%23 instead");
});
