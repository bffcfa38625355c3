import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { PUB_FLAGS, pubOptions, SUB_FLAGS, subOptions } from "../../broker/cli/client_flags.ts";
import { parseCommandLine, UsageError } from "../../broker/cli/command_line.ts";

const pub = (...args: string[]) => pubOptions(parseCommandLine(args, PUB_FLAGS));
const sub = (...args: string[]) => subOptions(parseCommandLine(args, SUB_FLAGS));
const refusal = (action: () => unknown) => assertThrows(action, UsageError).message;

const CONNECT = {
  host: "127.0.0.1",
  port: 1883,
  clientId: "",
  cleanStart: true,
  keepAliveSeconds: 60,
  version: 4,
  username: undefined,
  password: undefined,
  will: undefined,
  inFlightMax: undefined,
} as const;

Deno.test("pub and sub have mosquitto's defaults", () => {
  assertEquals(pub("-t", "a", "-m", "x"), {
    connect: CONNECT,
    topic: "a",
    qos: 0,
    retain: false,
    payload: { from: "text", text: "x" },
    properties: undefined,
    topicAlias: undefined,
    close: {},
  });
  assertEquals(sub("-t", "a"), {
    connect: CONNECT,
    filters: ["a"],
    unsubscribe: [],
    subscribeOptions: { qos: 0 },
    unsubscribeOptions: {},
    close: {},
    format: undefined,
    count: undefined,
    timeoutSeconds: undefined,
    verbose: false,
    newline: true,
    skipRetained: false,
    retainedOnly: false,
    exitOnSubscribe: false,
  });
});

Deno.test("pub and sub have mosquitto's flags", () => {
  const connect =
    "-h b -p 1 -i c -u ana -P pw -k 0 -c -V mqttv31 --will-topic w --will-payload p --will-qos 2 --will-retain";
  const options = {
    host: "b",
    port: 1,
    clientId: "c",
    cleanStart: false,
    keepAliveSeconds: 0,
    version: 3,
    username: "ana",
    password: "pw",
    will: { topic: "w", payload: "p", qos: 2, retain: true },
    inFlightMax: undefined,
  } as const;
  assertEquals(pub(...connect.split(" "), "-t", "a", "-n", "-r", "-q", "2"), {
    connect: options,
    topic: "a",
    qos: 2,
    retain: true,
    payload: { from: "text", text: "" },
    properties: undefined,
    topicAlias: undefined,
    close: {},
  });
  assertEquals(
    sub(...connect.split(" "), ..."-t a -t b/# -U c -q 1 -C 3 -W 4 -v -N -R -E --retained-only".split(" ")),
    {
      connect: options,
      filters: ["a", "b/#"],
      unsubscribe: ["c"],
      subscribeOptions: { qos: 1 },
      unsubscribeOptions: {},
      close: {},
      format: undefined,
      count: 3,
      timeoutSeconds: 4,
      verbose: true,
      newline: false,
      skipRetained: true,
      retainedOnly: true,
      exitOnSubscribe: true,
    },
  );
  assertEquals(pub("-t", "a", "-n", "-M", "5").connect.inFlightMax, 5);
  assertEquals(pub("-t", "a", "-l").payload, { from: "lines" });
  assertEquals(pub("-t", "a", "-s").payload, { from: "stdin" });
  assertEquals(pub("-t", "a", "-f", "x").payload, { from: "file", path: "x" });
  assertMatch(sub("-t", "a", "-I", "pre-").connect.clientId!, /^pre-.{8}$/);
});

Deno.test("a URL says broker, login and topic; other flags win over it", () => {
  const options = sub("-L", "mqtt://ana:p%40ss@b:1884/a/+/#", "-t", "also");
  assertEquals(options.filters, ["a/+/#", "also"]);
  assertEquals(options.connect, { ...CONNECT, host: "b", port: 1884, username: "ana", password: "p@ss" });
  const { connect, topic } = pub("-L", "mqtt://b/a", "-h", "c", "-t", "d", "-m", "x");
  assertEquals([connect.host, connect.port, topic], ["c", 1883, "d"]);
});

Deno.test("what makes no sense is refused in one line", () => {
  const cases: [action: () => unknown, line: string][] = [
    [() => pub("-m", "x"), "Cannot publish without a topic: add -t TOPIC"],
    [() => pub("-t", "a"), "Cannot publish without a message: add -m MESSAGE, -f FILE, -l, -s or -n"],
    [
      () => pub("-t", "a", "-m", "x", "-n"),
      "Cannot use both --message and --null-message: one message at a time",
    ],
    [() => pub("-t", "a/+", "-m", "x"), 'Cannot use topic "a/+": wildcards are only allowed in filters'],
    [
      () => pub("-t", "a", "-n", "-p", "0"),
      'Cannot use "0" for --port: it must be a whole number from 1 to 65535',
    ],
    [
      () => pub("-t", "a", "-n", "-k", "1.5"),
      'Cannot use "1.5" for --keepalive: it must be a whole number from 0 to 65535',
    ],
    [() => pub("-t", "a", "-n", "-P", "x"), "Cannot use a password without a user name: add -u NAME"],
    [() => pub("-t", "a", "-n", "-c"), "Cannot keep a session without its identifier: add -i ID"],
    [() => pub("-t", "a", "-n", "-i", "a", "-I", "b"), "Cannot use both -i and -I"],
    [
      () => pub("-t", "a", "-n", "--will-qos", "1"),
      "Cannot use --will-qos without a will: add --will-topic TOPIC",
    ],
    [
      () => pub("-t", "a", "-n", "-V", "mqttv50"),
      'Cannot use "mqttv50" for -V: it must be one of mqttv5, mqttv311, mqttv31, 5, 311, 31; did you mean mqttv5?',
    ],
    [() => sub(), "Cannot subscribe without a filter: add -t FILTER"],
    [
      () => sub("-t", "a", "-C", "0"),
      'Cannot use "0" for --count: it must be a whole number from 1 to 9007199254740991',
    ],
  ];
  for (const [action, line] of cases) assertEquals(refusal(action), line);
  assertMatch(refusal(() => sub("-t", "a/#/b")), /a\/#\/b/);
});
