import { assert, assertEquals, assertMatch } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { curl, curlStream, curlText } from "./support/curl.ts";
import { requireTool } from "./support/outside_tool.ts";
import { OpenEverything } from "./support/start_all.ts";
import { run, TOOL_PATIENCE_MS } from "./support/tool_process.ts";

const test = requireTool("curl");
const SSE = ["-H", "Accept: text/event-stream"];
const TEXT = ["-H", "Accept: text/plain"];

test("curl -d publishes what stands there, and of no type", async () => {
  await using everything = new OpenEverything();
  await using stream = curlStream([`${everything.url}/stream/home/lamp`]);
  await stream.lines(2);
  const answer = JSON.parse(await curlText(200, ["-d", "on", `${everything.url}/topics/home/lamp`]));
  assertEquals(answer.matched, 1);
  const message = JSON.parse((await stream.lines(3))[2]!);
  assertEquals([message.topic, message.payload, message.id], ["home/lamp", "on", answer.id]);
  assertEquals("content_type" in message, false);
});

test("curl gets back the bytes that it sent with -T, --data-binary and from a pipe", async () => {
  await using everything = new OpenEverything();
  const bytes = new Uint8Array(200 * 1024);
  for (let at = 0; at < bytes.length; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536));
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeFile(file, bytes);
    const url = `${everything.url}/topics/file`;
    const ways = [
      { name: "put", args: ["-T", file] },
      { name: "post", args: ["--data-binary", `@${file}`, "-H", "MQTT-Retain: 1"] },
      { name: "chunked", args: ["-T", "-"], input: bytes },
    ];
    for (const { name, args, input } of ways) {
      await curl([...args, `${url}/${name}`], input ? { input } : {});
      const answer = await curl([`${url}/${name}`]);
      assertEquals(answer.status, 200, name);
      assertEquals(answer.headers["content-type"], ["application/octet-stream"], name);
      assertEquals(answer.body.length, bytes.length, name);
      assert(answer.body.every((byte, index) => byte === bytes[index]), `${name}: the bytes are others`);
    }
  } finally {
    await Deno.remove(file);
  }
});

test("curl -I shows the headers that GET sends", async () => {
  await using everything = new OpenEverything();
  const url = `${everything.url}/topics/home/temp`;
  await curlText(201, ["-X", "PUT", "-H", "Content-Type: text/x-celsius", "-d", "21.5", url]);
  const get = await curl([url]);
  const head = await curl(["-I", url]);
  assertEquals([get.status, get.text, head.status], [200, "21.5", 200]);
  for (const name of Object.keys(get.headers)) {
    if (name !== "date") assertEquals(head.headers[name], get.headers[name], name);
  }
  assertEquals(get.headers["content-length"], ["4"]);
});

test("curl --etag-compare gets nothing twice, and If-Match changes nothing blindly", async () => {
  await using everything = new OpenEverything();
  const url = `${everything.url}/topics/home/temp`;
  const etags = await Deno.makeTempFile();
  try {
    await curlText(201, ["-X", "PUT", "-d", "x".repeat(2000), url]);
    // Compression must not change what the tag stands for.
    assertEquals(await curlText(200, ["--compressed", "--etag-save", etags, url]), "x".repeat(2000));
    assertEquals(await curlText(304, ["--compressed", "--etag-compare", etags, url]), "");
    const etag = (await Deno.readTextFile(etags)).trim();
    await curlText(200, ["-X", "PUT", "-d", "newer", "-H", `If-Match: ${etag}`, url]);
    await curlText(412, ["-X", "PUT", "-d", "lost", "-H", `If-Match: ${etag}`, url]);
    assertEquals(await curlText(200, ["--etag-compare", etags, url]), "newer");
  } finally {
    await Deno.remove(etags);
  }
});

test("curl -N follows as JSON lines, as events and as text, line by line", async () => {
  await using everything = new OpenEverything();
  const url = `${everything.url}/stream/home/%23`;
  await using json = curlStream([url]);
  await using sse = curlStream([...SSE, url]);
  await using text = curlStream([...TEXT, url]);
  await everything.subscribed(3);
  for (let index = 0; index < 20; index++) {
    // The next is published when all have the last: nothing waits in a buffer on the way.
    await curlText(200, ["-d", `größer ${index}`, `${everything.url}/topics/home/temp`]);
    const last = (await json.lines(index + 3)).at(-1)!;
    assertEquals(JSON.parse(last).payload, `größer ${index}`);
    assertEquals((await text.lines(index + 1)).at(-1), `home/temp größer ${index}`);
    await sse.prints(`"payload":"größer ${index}"`);
  }
  const outcome = await sse.end();
  assertMatch(
    outcome.text,
    /^: ok\n\nretry: \d+\nevent: ready\ndata: \{.*\}\n\nevent: live\nid: [\w-]+\ndata: /,
  );
});

test("curl ends by itself after limit messages, or when the time is up", async () => {
  await using everything = new OpenEverything();
  await using limited = curlStream([...TEXT, `${everything.url}/stream/a?limit=2`]);
  await everything.subscribed(1);
  for (const payload of ["1", "2", "3"]) await curlText(200, ["-d", payload, `${everything.url}/topics/a`]);
  assertEquals((await limited.outcome()).text, "a 1\na 2\n");
  assertEquals(await curlText(200, [...TEXT, `${everything.url}/stream/a?timeout=0s`]), "");
  const poll = await curlText(200, [
    ...["-H", "Accept: application/json"],
    `${everything.url}/stream/a?since=all&limit=3&timeout=30s`,
  ]);
  const { items } = JSON.parse(poll);
  assertEquals(items.map(({ payload }: { payload: string }) => payload), ["1", "2", "3"]);
});

test("a topic without a value is a 404 that curl -f fails on and a person can read", async () => {
  await using everything = new OpenEverything();
  const url = `${everything.url}/topics/nothing/here`;
  const { status, headers, text } = await curl([url]);
  assertEquals([status, headers["content-type"]], [404, ["application/problem+json"]]);
  assertEquals(JSON.parse(text).type, "/problems/no-retained-value");
  assert(text.endsWith("\n"));
  assertEquals((await run("curl", ["-q", "-sf", url])).code, 22);
  const help = await curl([everything.url + JSON.parse(text).type]);
  assertEquals(help.status, 200);
});

test("wildcards reach the bridge however curl sends them", async () => {
  await using everything = new OpenEverything();
  for (const room of ["hall", "kitchen"]) {
    await curlText(201, ["-X", "PUT", "-d", "20", `${everything.url}/topics/home/${room}/temp`]);
  }
  const both = ["home/hall/temp", "home/kitchen/temp"];
  const ways = [
    ["/topics/home/+/temp"],
    ["/topics/home/%2B/temp"],
    ["/topics/home/%23"],
    ["/topics?filter=home/+/temp"],
    ["/topics?filter=home/%23"],
    ["/topics", "-G", "--data-urlencode", "filter=home/+/temp"],
    ["/topics", "-G", "--data-urlencode", "filter=home/#"],
    ["/topics/home?deep=1"],
  ];
  for (const [path, ...args] of ways) {
    const { items } = JSON.parse(await curlText(200, [...args, everything.url + path]));
    assertEquals(items.map(({ topic }: { topic: string }) => topic), both, [path, ...args].join(" "));
  }
});

test("a # that curl cut off is noticed", async () => {
  await using everything = new OpenEverything();
  await using stream = curlStream([`${everything.url}/stream/home/#`]);
  const ready = JSON.parse((await stream.lines(1))[0]!);
  assertEquals(ready.event, "ready");
  assertMatch(ready.warnings[0], /%23/);
});

test("dot levels, wildcards in topics and typing errors are refused with a hint", async () => {
  await using everything = new OpenEverything();
  const cases = [
    { args: ["-d", "x"], path: "/topics/a/%2e%2e/b", type: "ambiguous-path" },
    { args: ["-d", "x", "--path-as-is"], path: "/topics/a/../b", type: "ambiguous-path" },
    { args: ["-d", "x"], path: "/topics/a/+/b", type: "wildcard-in-topic" },
    { args: ["-d", "x"], path: "/topics/a?retian=1", type: "unknown-parameter" },
    { args: ["-d", "x", "-H", "MQTT-Retian: 1"], path: "/topics/a", type: "unknown-header" },
  ];
  for (const { args, path, type } of cases) {
    const problem = JSON.parse(await curlText(400, [...args, everything.url + path]));
    assertEquals(problem.type, `/problems/${type}`);
    assert(problem.hint, `${type} has no hint`);
  }
  await curlText(200, ["-d", "x", `${everything.url}/topics?topic=a/../b`]);
});

test("brackets, spaces and levels that are empty survive curl", async () => {
  await using everything = new OpenEverything();
  await using stream = curlStream([...TEXT, `${everything.url}/stream/%23`]);
  await everything.subscribed(1);
  const topics = [
    { path: "/topics/a[1]/{b}", args: ["-g"], topic: "a[1]/{b}" },
    { path: "/topics//a//b/", args: [], topic: "/a//b/" },
    { path: "/topics/k%C3%BCche/%F0%9F%8C%A1%20x", args: [], topic: "küche/🌡 x" },
    { path: "/topics/küche", args: [], topic: "küche" },
  ];
  for (const { path, args } of topics) await curlText(200, [...args, "-d", "x", everything.url + path]);
  assertEquals(await stream.lines(topics.length), topics.map(({ topic }) => `${topic} x`));
});

test("curl may speak HTTP/1.0 and HTTP/2 as well", async () => {
  await using everything = new OpenEverything();
  for (const version of ["-0", "--http2-prior-knowledge"]) {
    await using stream = curlStream([version, ...TEXT, `${everything.url}/stream/a?limit=1`]);
    await everything.subscribed(1);
    await curlText(200, [version, "-d", version, `${everything.url}/topics/a`]);
    assertEquals((await stream.outcome()).text, `a ${version}\n`);
    await everything.subscribed(0);
  }
});

test("a payload over the limit is refused while curl still sends it", async () => {
  await using everything = new OpenEverything();
  const input = new Uint8Array(8 * 1024 * 1024);
  for (const args of [["--data-binary", "@-"], ["-T", "-"]]) {
    const url = `${everything.url}/topics/big`;
    const { code, text } = await run("curl", [
      "-q",
      "-s",
      "-o",
      "/dev/null",
      "-w",
      "%{http_code}",
      ...args,
      url,
    ], {
      input,
    });
    // Where the answer comes before all was sent, curl may see the connection go away instead.
    assert(text === "413" || code !== 0, `${args[0]}: ${text}`);
  }
  assertEquals(everything.broker.counters.messagesReceived, 0);
});

test("what curl claims to be another origin or host is refused", async () => {
  await using everything = new OpenEverything();
  const url = `${everything.url}/topics/a`;
  await curlText(403, ["-d", "x", "-H", "Origin: https://evil.example", url]);
  await curlText(403, ["-d", "x", "-H", "Sec-Fetch-Site: cross-site", url]);
  await curlText(421, ["-d", "x", "-H", "Host: evil.example", url]);
  assertEquals(everything.broker.counters.messagesReceived, 0);
});

test("curl sees a good end when the bridge stops", async () => {
  const everything = new OpenEverything();
  try {
    await using stream = curlStream([`${everything.url}/stream/a`]);
    await stream.lines(2);
    const closing = everything.close();
    const { code, lines } = await stream.outcome();
    assertEquals(code, 0);
    assertEquals(JSON.parse(lines.at(-1)!).reason, "shutdown");
    await closing;
  } finally {
    await everything.close();
  }
});

test("a curl that reads slowly holds up nobody, and gets the rest when it comes back", async () => {
  await using everything = new OpenEverything({ limits: { streamBytesMax: 64 * 1024 } });
  const { counters } = everything.broker;
  const url = `${everything.url}/stream/load?quiet=1`;
  const count = 400;
  await using slow = curlStream(["--limit-rate", "400k", url]);
  await using quick = curlStream([...TEXT, `${url}&payload=none&limit=${count}`]);
  await everything.subscribed(2);
  const filler = "x".repeat(50_000);
  for (let index = 0; index < count; index++) {
    everything.publish("load", `${index} ${filler}`);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  assertEquals((await quick.outcome()).lines.length, count);
  await eventually(() => assertEquals(counters.streamsSlow, 1), TOOL_PATIENCE_MS);
  await slow.lines(3);
  const seen = messagesOf((await slow.end()).lines);
  const rest = curlStream([`${url}&since=${seen.at(-1)!.id}&limit=${count - seen.length}`]);
  await using _rest = rest;
  const { lines } = await rest.outcome();
  const numbers = [...seen, ...messagesOf(lines)].map(({ payload }) => parseInt(payload));
  assertEquals(numbers, Array.from({ length: count }, (_, index) => index));
});

function messagesOf(lines: readonly string[]): { id: string; payload: string }[] {
  return lines.map((line) => JSON.parse(line)).filter((message) => "topic" in message);
}
