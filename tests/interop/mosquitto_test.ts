import { assert, assertEquals, assertMatch } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { mosquittoPub, mosquittoSub } from "./support/mosquitto.ts";
import { freePort } from "./support/mosquitto_broker.ts";
import { requireTool } from "./support/outside_tool.ts";
import { HOST, OpenBroker } from "./support/start_mqtt.ts";
import { run, runWell, TOOL_PATIENCE_MS, ToolProcess } from "./support/tool_process.ts";

/** Topic, QoS, retain and payload of what `mosquitto_sub` received. */
const FIELDS = ["-F", "%t|%q|%r|%p"];

const test = requireTool("mosquitto_pub", "mosquitto_sub");

test("a message arrives at mosquitto_sub with the lower of the two QoS, in both versions", async () => {
  await using broker = new OpenBroker();
  const subs = ["mqttv31", "mqttv311"].flatMap((version) =>
    ["0", "1", "2"].map((qos) => ({
      qos,
      process: mosquittoSub(broker, ["-V", version, "-t", "q/#", "-q", qos, "-C", "6", ...FIELDS]),
    }))
  );
  await broker.subscribed(subs.length);
  const published = [];
  for (const version of ["mqttv31", "mqttv311"]) {
    for (const qos of ["0", "1", "2"]) {
      await mosquittoPub(broker, ["-V", version, "-t", `q/${qos}`, "-q", qos, "-m", version]);
      published.push({ version, qos });
      // One of QoS 2 is printed after its PUBREL, which what is sent meanwhile does not wait for.
      for (const { process } of subs) await process.lines(published.length);
    }
  }
  for (const { qos, process } of subs) {
    const expected = published.map((sent) => {
      return `q/${sent.qos}|${Math.min(Number(sent.qos), Number(qos))}|0|${sent.version}`;
    });
    assertEquals((await process.outcome()).lines, expected);
  }
});

test("mosquitto_sub receives what was retained, until it is cleared", async () => {
  await using broker = new OpenBroker();
  await mosquittoPub(broker, ["-t", "lamp/kept", "-r", "-q", "1", "-m", "on"]);
  await mosquittoPub(broker, ["-t", "lamp/cleared", "-r", "-m", "on"]);
  await mosquittoPub(broker, ["-t", "lamp/cleared", "-r", "-n"]);
  await using sub = mosquittoSub(broker, ["-t", "lamp/#", "-q", "2", "-C", "2", ...FIELDS]);
  await sub.lines(1);
  await mosquittoPub(broker, ["-t", "lamp/kept", "-r", "-m", "off"]);
  assertEquals((await sub.outcome()).lines, ["lamp/kept|1|1|on", "lamp/kept|0|0|off"]);
  await using _remover = mosquittoSub(broker, ["-t", "lamp/#", "--remove-retained"]);
  await eventually(() => assertEquals(broker.broker.retained.size, 0), TOOL_PATIENCE_MS);
});

for (const qos of ["0", "1", "2"]) {
  test(`mosquitto_pub -l at QoS ${qos} arrives line by line, in order`, async () => {
    await using broker = new OpenBroker();
    await using sub = mosquittoSub(broker, ["-t", "lines", "-q", qos, "-C", "2000"]);
    await broker.subscribed(1);
    const lines = Array.from({ length: 2000 }, (_, index) => `${index} größer ≥ 温度`);
    await mosquittoPub(broker, ["-t", "lines", "-l", "-q", qos], { input: lines.join("\n") + "\n" });
    assertEquals((await sub.outcome()).lines, lines);
  });
}

test("messages of QoS 1 and 2 wait for a mosquitto_sub that comes back", async () => {
  await using broker = new OpenBroker();
  const session = ["-i", "keeper", "-c", "-q", "2", "-t", "kept/+"];
  await using first = mosquittoSub(broker, session);
  await broker.subscribed(1);
  await mosquittoPub(broker, ["-t", "kept/a", "-q", "1", "-m", "seen"]);
  assertEquals(await first.lines(1), ["seen"]);
  await first.end();
  await broker.connected(0);
  const lines = Array.from({ length: 300 }, (_, index) => `line ${index}`);
  await mosquittoPub(broker, ["-t", "kept/a", "-q", "2", "-l"], { input: lines.join("\n") + "\n" });
  await mosquittoPub(broker, ["-t", "kept/b", "-q", "0", "-m", "for nobody"]);
  await mosquittoPub(broker, ["-t", "kept/b", "-q", "1", "-m", "last"]);
  await using second = mosquittoSub(broker, [...session, "-v", "-C", "301"]);
  const received = await second.outcome();
  // A message of QoS 1 may overtake those of QoS 2, which mosquitto_sub shows after their PUBREL.
  assertEquals(
    received.lines.filter((line) => line.startsWith("kept/a")),
    lines.map((line) => `kept/a ${line}`),
  );
  assertEquals(received.lines.filter((line) => line.startsWith("kept/b")), ["kept/b last"]);
});

test("mosquitto_sub without -c leaves nothing behind", async () => {
  await using broker = new OpenBroker();
  await mosquittoPub(broker, ["-t", "a", "-m", "1", "-i", "passer-by"]);
  await runWell("mosquitto_sub", ["-h", HOST, "-p", String(broker.mqttPort), "-t", "a", "-i", "one", "-E"]);
  await broker.subscribed(0);
  assertEquals(broker.broker.sessions.size, 0);
});

test("mosquitto_sub -U ends a subscription of its session", async () => {
  await using broker = new OpenBroker();
  const where = ["-h", HOST, "-p", String(broker.mqttPort), "-i", "chooser", "-c", "-q", "1"];
  await runWell("mosquitto_sub", [...where, "-t", "wanted", "-t", "unwanted", "-E"]);
  await broker.subscribed(2);
  await using sub = new ToolProcess("mosquitto_sub", [
    ...where,
    "-t",
    "wanted",
    "-U",
    "unwanted",
    "-W",
    "30",
  ]);
  await broker.subscribed(1);
  await mosquittoPub(broker, ["-t", "unwanted", "-m", "no"]);
  await mosquittoPub(broker, ["-t", "wanted", "-m", "yes"]);
  assertEquals(await sub.lines(1), ["yes"]);
});

test("the will of a mosquitto_sub is published when it is killed and not when it says good-bye", async () => {
  await using broker = new OpenBroker();
  await using witness = mosquittoSub(broker, ["-t", "will/#", "-q", "2", ...FIELDS]);
  await broker.subscribed(1);
  const willOf = (name: string) => [
    ...["-t", "other", "--will-topic", `will/${name}`, "--will-payload", `${name} is gone`],
    ...["--will-qos", "1", "--will-retain"],
  ];
  await using polite = mosquittoSub(broker, willOf("polite"));
  await using killed = mosquittoSub(broker, willOf("killed"));
  await broker.subscribed(3);
  await polite.end("SIGTERM");
  await broker.connected(2);
  await killed.end("SIGKILL");
  assertEquals(await witness.lines(1), ["will/killed|1|0|killed is gone"]);
  await using late = mosquittoSub(broker, ["-t", "will/#", "-q", "2", "-C", "1", ...FIELDS]);
  assertEquals((await late.outcome()).lines, ["will/killed|1|1|killed is gone"]);
});

test("a mosquitto_sub that is frozen for 1.5 times its keep-alive is cut off, with its will", async () => {
  await using broker = new OpenBroker();
  await using witness = mosquittoSub(broker, ["-t", "will/#", "-C", "1"]);
  const will = ["--will-topic", "will/frozen", "--will-payload", "frozen"];
  await using frozen = mosquittoSub(broker, ["-t", "other", "-i", "frozen", "-k", "5", ...will]);
  await broker.subscribed(2);
  frozen.freeze();
  assertEquals((await witness.outcome()).lines, ["frozen"]);
  const closed = broker.log.find((line) => line.includes("clientId=frozen") && line.includes("closed"));
  assertMatch(closed ?? "", /reason=keep-alive-timeout/);
});

test("wildcards mean to mosquitto_sub what they mean to us", async () => {
  await using broker = new OpenBroker();
  const topics = ["home/hall/temp", "home/hall/humidity", "home/temp", "/home", "home", "home/", "$dollar/x"];
  const expectations = [
    { filter: "home/+/temp", expected: ["home/hall/temp"] },
    { filter: "home/#", expected: ["home/hall/temp", "home/hall/humidity", "home/temp", "home", "home/"] },
    { filter: "+/+", expected: ["home/temp", "/home", "home/"] },
    { filter: "+", expected: ["home"] },
    {
      filter: "#",
      expected: ["home/hall/temp", "home/hall/humidity", "home/temp", "/home", "home", "home/"],
    },
  ];
  const subs = expectations.map(({ filter }) =>
    mosquittoSub(broker, ["-t", filter, "-t", "end", "-F", "%t"])
  );
  const filters = new Set(expectations.map(({ filter }) => filter));
  await broker.subscribed(filters.size + subs.length);
  for (const topic of topics) await mosquittoPub(broker, ["-t", topic, "-m", "x"]);
  await mosquittoPub(broker, ["-t", "end", "-m", "x"]);
  for (const [index, { filter, expected }] of expectations.entries()) {
    const sub = subs[index]!;
    // "end" matches "#" and "+" as well, and still comes once.
    const received = await sub.lines(expected.length + 1);
    await sub.end();
    assertEquals(received, [...expected, "end"], filter);
  }
});

test("$SYS tells mosquitto_sub about the broker, and # does not", async () => {
  await using broker = new OpenBroker({ sysIntervalSeconds: 1, version: "1.2.3" });
  await using all = mosquittoSub(broker, ["-t", "#", "-v"]);
  await using sys = mosquittoSub(broker, [
    "-t",
    "$SYS/broker/version",
    "-t",
    "$SYS/broker/uptime",
    "-v",
    "-C",
    "4",
  ]);
  const { lines } = await sys.outcome();
  assert(lines.includes("$SYS/broker/version pregon 1.2.3"), lines.join("\n"));
  assert(lines.some((line) => line.startsWith("$SYS/broker/uptime ")), lines.join("\n"));
  await mosquittoPub(broker, ["-t", "end", "-m", "x"]);
  assertEquals(await all.lines(1), ["end x"]);
});

test("200 KiB of any bytes arrive as they were sent", async () => {
  await using broker = new OpenBroker();
  const file = await Deno.makeTempFile();
  try {
    const bytes = new Uint8Array(200 * 1024);
    for (let at = 0; at < bytes.length; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536));
    await Deno.writeFile(file, bytes);
    for (const qos of ["0", "1", "2"]) {
      await using sub = mosquittoSub(broker, ["-t", "file", "-q", qos, "-N", "-C", "1"]);
      await broker.subscribed(1);
      await mosquittoPub(broker, ["-t", "file", "-q", qos, "-f", file]);
      const { stdout } = await sub.outcome();
      assertEquals(stdout.length, bytes.length);
      assert(stdout.every((byte, index) => byte === bytes[index]), "The payload is another one");
      await broker.subscribed(0);
    }
  } finally {
    await Deno.remove(file);
  }
});

test("mosquitto_pub -V 5 and mosquitto_sub -V 5 meet, with properties and a reason for what is refused", async () => {
  await using broker = new OpenBroker();
  const where = ["-h", HOST, "-p", String(broker.mqttPort), "-V", "mqttv5"];
  await using sub = mosquittoSub(broker, [
    "-V",
    "mqttv5",
    "-q",
    "2",
    "-t",
    "a/+",
    "-C",
    "1",
    "-F",
    "%t %p %C %P",
  ]);
  await broker.subscribed(1);
  const properties = ["-D", "publish", "content-type", "text/x", "-D", "publish", "user-property", "k", "v"];
  const sent = await run("mosquitto_pub", [...where, "-t", "a/b", "-m", "hello", "-q", "2", ...properties]);
  assertEquals([sent.code, sent.stderr], [0, ""]);
  assertEquals(await sub.lines(1), ["a/b hello text/x k:v"]);
  const refused = await run("mosquitto_pub", [...where, "-t", "$SYS/x", "-m", "x", "-q", "1"]);
  assertMatch(refused.stderr, /not authorized/i);
});

test("a mosquitto_sub that was taken over comes back and goes on", async () => {
  await using broker = new OpenBroker();
  await using sub = mosquittoSub(broker, ["-i", "twin", "-t", "topic"]);
  await broker.subscribed(1);
  await mosquittoPub(broker, ["-i", "twin", "-t", "topic", "-m", "for nobody"]);
  assert(broker.log.some((line) => line.includes("session-taken-over")), broker.log.join("\n"));
  await broker.subscribed(1);
  await mosquittoPub(broker, ["-t", "topic", "-m", "for the one who is back"]);
  assertEquals(await sub.lines(1), ["for the one who is back"]);
});

requireTool("mosquitto", "mosquitto_pub", "mosquitto_sub")(
  "a mosquitto broker that bridges to us passes messages both ways",
  async () => {
    await using broker = new OpenBroker();
    const port = freePort();
    const config = await Deno.makeTempFile({ suffix: ".conf" });
    try {
      const lines = [
        `listener ${port} ${HOST}`,
        "allow_anonymous true",
        "user root",
        "connection to-pregon",
        `address ${HOST}:${broker.mqttPort}`,
        "restart_timeout 1",
        "topic up/# out 1",
        "topic down/# in 2",
        "notifications false",
      ];
      await Deno.writeTextFile(config, lines.join("\n") + "\n");
      await mosquittoPub(broker, ["-t", "down/a", "-q", "2", "-r", "-m", "to them"]);
      await using _mosquitto = new ToolProcess("mosquitto", ["-c", config]);
      await broker.subscribed(1);
      const there = { mqttPort: port };
      await using up = mosquittoSub(broker, ["-t", "up/#", "-q", "2", "-C", "1", ...FIELDS]);
      await broker.subscribed(2);
      await mosquittoPub(there, ["-t", "up/a", "-q", "1", "-m", "to us"]);
      assertEquals((await up.outcome()).lines, ["up/a|1|0|to us"]);
      await using down = mosquittoSub(there, ["-t", "down/#", "-q", "2", "-C", "1", ...FIELDS]);
      assertEquals((await down.outcome()).lines, ["down/a|2|1|to them"]);
    } finally {
      await Deno.remove(config);
    }
  },
);
