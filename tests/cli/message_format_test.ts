import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../broker/cli/command_line.ts";
import { parseMessageFormat } from "../../broker/cli/message_format.ts";
import { convert } from "../../broker/cli/strftime.ts";
import type { IncomingMessage } from "../../broker/client/mod.ts";

const encoder = new TextEncoder();
const NOW = new Date(2026, 10, 4, 9, 5, 7, 89).getTime();

const PLAIN: IncomingMessage = {
  topic: "home/temp",
  payload: encoder.encode("21.5"),
  qos: 0,
  retain: false,
  dup: false,
  packetId: 0,
  properties: {},
  subscriptionIds: [],
  topicAlias: 0,
};

const FULL: IncomingMessage = {
  ...PLAIN,
  qos: 2,
  retain: true,
  packetId: 12,
  properties: {
    expirySeconds: 60,
    payloadIsText: true,
    contentType: "text/plain",
    responseTopic: "reply/1",
    correlationData: encoder.encode("c-1"),
    userProperties: [["b", "1"], ["a", "2"]],
  },
  subscriptionIds: [7, 8],
  topicAlias: 3,
};

function print(format: string, message: Partial<IncomingMessage> = {}, warnings: string[] = []): string {
  const bytes = parseMessageFormat(format)({ ...PLAIN, ...message }, {
    now: NOW,
    warn: (line) => warnings.push(line),
  });
  return new TextDecoder().decode(bytes);
}

Deno.test("a format prints what a message has", () => {
  const format = "%t|%p|%q|%r|%l|%m|%x|%A|%C|%D|%E|%F|%P|%R|%S";
  assertEquals(
    print(format, FULL),
    "home/temp|21.5|2|1|4|12|32312e35|3|text/plain|c-1|60|1|b:1 a:2|reply/1|7",
  );
  assertEquals(print(format), "home/temp|21.5|0|0|4|0|32312e35||||||||");
  assertEquals(print("%X", { payload: Uint8Array.of(0xab, 0x0c) }), "AB0C");
  assertEquals(print("plain, with größe"), "plain, with größe");
  assertEquals(print(""), "");
});

Deno.test("a payload stays as it is, to the byte", () => {
  const payload = Uint8Array.of(0, 255, 10);
  const bytes = parseMessageFormat("<%p>")({ ...PLAIN, payload }, { now: NOW, warn: () => {} });
  assertEquals([...bytes], [0x3c, 0, 255, 10, 0x3e]);
});

Deno.test("width, limit, side and filler are those of mosquitto_sub", () => {
  assertEquals(print("%12t|%-12t|%.4t|%6.4t|%-6.4t|"), "   home/temp|home/temp   |home|  home|home  |");
  assertEquals(print("%5l|%05l|%-5l|%-05l|"), "    4|00004|4    |4    |");
  assertEquals(print("%3S|%03S|%4C|"), "   |000|    |");
  assertEquals(print("%6p|%-6p|%06p|%2p|"), "  21.5|21.5  |0021.5|21|");
  assertEquals(print("%10x|%-10x|%010X|%4x|"), "  32312e35|32312e35  |0032312E35|3231|");
});

Deno.test("time is printed as by strftime", () => {
  assertEquals(print("@Y-@m-@d @H:@M:@S.@N"), "2026-11-04 09:05:07.089000000");
  assertEquals(print("%U"), `${Math.floor(NOW / 1000)}.089000000`);
  assertEquals(print("%I"), `2026-11-04T09:05:07${convert("z", new Date(NOW))}`);
});

Deno.test("strftime's conversions are those of the C locale", () => {
  const date = (...parts: [number, number, number, number, number, number]) => new Date(...parts);
  const wednesday = date(2026, 10, 4, 9, 5, 7);
  const all: [letter: string, text: string][] = [
    ["a", "Wed"],
    ["A", "Wednesday"],
    ["b", "Nov"],
    ["B", "November"],
    ["c", "Wed Nov  4 09:05:07 2026"],
    ["C", "20"],
    ["D", "11/04/26"],
    ["e", " 4"],
    ["F", "2026-11-04"],
    ["h", "Nov"],
    ["I", "09"],
    ["j", "308"],
    ["k", " 9"],
    ["l", " 9"],
    ["n", "\n"],
    ["p", "AM"],
    ["P", "am"],
    ["r", "09:05:07 AM"],
    ["R", "09:05"],
    ["s", String(wednesday.getTime() / 1000)],
    ["t", "\t"],
    ["T", "09:05:07"],
    ["u", "3"],
    ["U", "44"],
    ["w", "3"],
    ["W", "44"],
    ["x", "11/04/26"],
    ["X", "09:05:07"],
    ["y", "26"],
  ];
  for (const [letter, text] of all) assertEquals(convert(letter, wednesday), text, letter);
  assertEquals([convert("I", date(2026, 0, 1, 0, 0, 0)), convert("p", date(2026, 0, 1, 12, 0, 0))], [
    "12",
    "PM",
  ]);
  assertEquals(convert("u", date(2026, 0, 4, 0, 0, 0)), "7", "Sunday");
  // The first Sunday and the first Monday begin week 1.
  const weeks = (day: number) => ["U", "W"].map((letter) => convert(letter, date(2026, 0, day, 0, 0, 0)));
  assertEquals([weeks(3), weeks(4), weeks(5)], [["00", "00"], ["01", "00"], ["01", "01"]]);
});

Deno.test("JSON has all of a message, its payload as text or as bytes", () => {
  const zone = convert("z", new Date(NOW));
  const tst = `"tst":"2026-11-04T09:05:07.089000Z${zone}"`;
  assertEquals(
    print("%j"),
    `{${tst},"topic":"home/temp","qos":0,"retain":0,"payloadlen":4,"payload":"21.5"}`,
  );
  const { tst: _, ...full } = JSON.parse(print("%j", FULL));
  assertEquals(full, {
    topic: "home/temp",
    qos: 2,
    retain: 1,
    payloadlen: 4,
    mid: 12,
    properties: {
      "payload-format-indicator": 1,
      "message-expiry-interval": 60,
      "content-type": "text/plain",
      "response-topic": "reply/1",
      "correlation-data": "c-1",
      "subscription-identifier": 7,
      "topic-alias": 3,
      "user-properties": { b: "1", a: "2" },
    },
    payload: "21.5",
  });
  assertEquals(JSON.parse(print("%j", { payload: Uint8Array.of(1, 255) })).payload, [1, 255]);
  assertEquals(JSON.parse(print("%j", { payload: new Uint8Array() })).payload, null);
});

Deno.test("JSON in a payload stays as precise as it is, and in one line", () => {
  const payload = encoder.encode(' {\r\n "n": 12345678901234567890,\n "s": "a\\nb" }\n');
  const line = print("%J", { payload });
  assertEquals(
    line.slice(line.indexOf('"payload":')),
    '"payload":{  "n": 12345678901234567890,  "s": "a\\nb" }}',
  );
  const warnings: string[] = [];
  assertEquals(print("<%J>", { payload: encoder.encode("{no") }, warnings), "<>");
  assertEquals(warnings, ["Message payload is not valid JSON on topic home/temp"]);
});

Deno.test("escapes and doubled characters stand for themselves", () => {
  assertEquals(print("%%t @@Y \\\\n"), "%t @Y \\n");
  assertEquals(print("\\n\\r\\t\\v\\a\\e\\0"), "\n\r\t\v\x07\x1b\0");
});

Deno.test("a sequence that there is none of is refused", () => {
  const why = "\\\\ stands for \\, %% for % and @@ for @";
  const cases: [format: string, line: string][] = [
    ["%Q", `Cannot use %Q in -F: there is none such; ${why}`],
    ["a %-10.5Z", `Cannot use %-10.5Z in -F: there is none such; ${why}`],
    ["100%", `Cannot use % in -F: it is not complete; ${why}`],
    ["%05", `Cannot use %05 in -F: it is not complete; ${why}`],
    ["@Q", `Cannot use @Q in -F: there is none such; ${why}`],
    ["me@", `Cannot use @ in -F: it is not complete; ${why}`],
    ["\\q", `Cannot use \\q in -F: there is none such; ${why}`],
    ["\\", `Cannot use \\ in -F: it is not complete; ${why}`],
    ["%constructor", `Cannot use %c in -F: there is none such; ${why}`],
  ];
  for (const [format, line] of cases) {
    assertEquals(assertThrows(() => parseMessageFormat(format), UsageError).message, line);
  }
});
