import { assert, assertEquals } from "@std/assert";
import { within } from "../support/eventually.ts";
import { makeSensorLines, type SensorLine } from "./sensor_lines.ts";
import { OpenChromium, PageFollower } from "./support/chromium.ts";
import { curlStream, curlText } from "./support/curl.ts";
import { mosquittoPub, mosquittoSub } from "./support/mosquitto.ts";
import { requireTool } from "./support/outside_tool.ts";
import { OpenEverything } from "./support/start_all.ts";
import { runWell, TOOL_PATIENCE_MS } from "./support/tool_process.ts";

const LINE_COUNT = 3_000;
/** Where the file goes as it is, one line a message. */
const RAW = "sensors/raw";

const test = requireTool("mosquitto_pub", "mosquitto_sub", "curl", "chromium");

test(`${LINE_COUNT} sensor lines through mosquitto_pub and curl are seen whole by everybody`, async () => {
  const lines = makeSensorLines(LINE_COUNT, 2026);
  const topics = new Set(lines.map(({ topic }) => topic));
  assertEquals(topics.size, 40);
  await using everything = new OpenEverything();
  await using chromium = await OpenChromium.launch();
  await chromium.page.goto(`http://localhost:${everything.httpPort}/`);
  const filters = `filter=home/%23&filter=${RAW}`;
  await using sub = mosquittoSub(everything, ["-t", "home/#", "-t", RAW, "-q", "1", "-v"]);
  await using json = curlStream([`${everything.url}/stream?quiet=1&${filters}`]);
  await using text = curlStream(["-H", "Accept: text/plain", `${everything.url}/stream?${filters}`]);
  const follower = await PageFollower.open(chromium.page, `/stream?${filters}`);
  await everything.subscribed(8);

  await pipeThroughMosquitto(everything, lines);
  await sub.lines(LINE_COUNT); // QoS 0 does not wait behind the QoS 1 that a full window holds back, in any broker.
  await postThroughCurl(everything, lines);

  const expected = [...lines.map((line) => `${RAW} ${line.text}`), ...lines.map((line) => line.text)];
  assertEquals(await sub.lines(expected.length), expected, "mosquitto_sub");
  assertEquals(await text.lines(expected.length), expected, "curl -N as text");
  const messages = (await json.lines(expected.length)).map((line) => JSON.parse(line));
  assertEquals(messages.map(({ topic, payload }) => `${topic} ${payload}`), expected, "curl -N");
  const seen = await follower.receives(expected.length);
  assertEquals(seen.topics.map((topic, index) => `${topic} ${seen.payloads[index]}`), expected, "Chromium");
  assertEquals(seen.errorStates, []);

  await assertStateIsLast(everything, lines);
});

/** The whole file into one process and one topic. */
async function pipeThroughMosquitto(everything: OpenEverything, lines: readonly SensorLine[]): Promise<void> {
  const file = lines.map(({ text }) => `${text}\n`).join("");
  await mosquittoPub(everything, ["-t", RAW, "-q", "1", "-l"], { input: file });
}

/** One curl process that posts each reading to the topic of its sensor, over one connection. */
async function postThroughCurl({ url }: OpenEverything, lines: readonly SensorLine[]): Promise<void> {
  const requests = lines.map(({ topic, payload }) => {
    const path = topic.split("/").map(encodeURIComponent).join("/");
    return `url = "${url}/topics/${path}?retain=1"\ndata-raw = ${quoted(payload)}\nfail\n`;
  });
  const { lines: answers } = await within(
    runWell("curl", ["-q", "-sS", "--noproxy", "*", "-K", "-"], { input: requests.join("next\n") }),
    () => "curl did not end",
    TOOL_PATIENCE_MS,
  );
  assertEquals(answers.map((answer) => JSON.parse(answer).topic), lines.map(({ topic }) => topic));
}

/** Quotes as curl's configuration files want it. */
function quoted(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** What is retained in the end is each sensor's last reading, for curl as for mosquitto_sub. */
async function assertStateIsLast(everything: OpenEverything, lines: readonly SensorLine[]): Promise<void> {
  const last = new Map(lines.map(({ topic, payload }) => [topic, payload]));
  const { items, next } = JSON.parse(await curlText(200, [`${everything.url}/topics/home/%23`]));
  assert(next === null);
  const listed = items.map(({ topic, payload }: SensorLine) => [topic, payload] as const);
  assertEquals(new Map<string, string>(listed), last);
  await using late = mosquittoSub(everything, ["-t", "home/#", "-v", "-C", String(last.size)]);
  const expected = [...last].map(([topic, payload]) => `${topic} ${payload}`);
  assertEquals((await late.outcome()).lines.toSorted(), expected.sort());
}
