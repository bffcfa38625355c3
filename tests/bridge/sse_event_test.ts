import { assertEquals } from "@std/assert";
import { SseEvents } from "../../bridge/stream/sse_event.ts";
import type { FormatOptions } from "../../bridge/stream/stream_format.ts";
import { Broker, checkTopic, type Message } from "../../broker/mod.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";
import { type Envelope, seeded, SseParser, startBridge } from "./support.ts";

const PIECES = [
  "\n",
  "\r",
  "\r\n",
  "\n\n",
  "data: x",
  "id: evil-1",
  "event: bye",
  "retry: 1",
  ":",
  " ",
  ": comment",
  "a",
  "ä",
  "\u{1f600}",
  "\u2028",
  "\u0085",
  "\ufeff",
  '"',
  "\\",
  "{}",
  "/",
];
const CONTROL_NAMES = ["open", "error", "message", "ready", "live", "reset", "gap", "bye"];

function randomText(random: () => number): string {
  return Array.from({ length: Math.floor(random() * 8) }, () => PIECES[Math.floor(random() * PIECES.length)])
    .join("");
}

function randomMessage(random: () => number, broker: Broker): Message {
  const text = randomText(random);
  const isBinary = random() < 0.2;
  const topic = random() < 0.2 ? CONTROL_NAMES[Math.floor(random() * 8)]! : randomText(random);
  const publication = broker.publish({ name: "test", can: () => true }, {
    topic: checkTopic(topic) ? "plain" : topic,
    payload: isBinary ? new Uint8Array([0xff, 0x0a, 0x0d, 0x0a]) : new TextEncoder().encode(text),
    qos: 0,
    retain: false,
    properties: {
      contentType: randomText(random),
      responseTopic: randomText(random),
      userProperties: [[randomText(random), randomText(random)]],
    },
  });
  if (!publication.accepted) throw new Error("refused");
  return publication.message;
}

/** Lines end at CR, LF or CRLF, as in the event stream. */
function lineBreaksAsLf(text: string): string {
  return text.replaceAll(/\r\n|\r/g, "\n");
}

Deno.test("no topic, payload or property can make a field, an event or an id", () => {
  const random = seeded(5);
  const broker = new Broker({ clock: new SimulatedClock() });
  for (const event of ["message", "topic"] as const) {
    const options: FormatOptions = { payload: "auto", event, retainAsPublished: false, quiet: false };
    const format = new SseEvents(broker.epoch, broker.clock, options);
    for (let round = 0; round < 1_500; round++) {
      const message = randomMessage(random, broker);
      const origin = (["live", "retained", "replay"] as const)[round % 3]!;
      const parser = new SseParser();
      // As it comes over the network: in pieces, between any two bytes.
      for (const byte of format.message(message, origin)) parser.push(new Uint8Array([byte]));
      assertEquals([parser.events.length, parser.retry, parser.comments], [1, undefined, []]);
      const id = `${broker.epoch}-${message.sequence}`;
      const [{ type, data, lastEventId }] = parser.events as [SseParser["events"][number]];
      assertEquals(lastEventId, origin === "retained" ? "" : id);
      if (type === "message") {
        const envelope: Envelope = JSON.parse(data);
        assertEquals([envelope.topic, envelope.id], [message.topic, id]);
        assertEquals(bytesOf(envelope), message.payload);
        assertEquals(envelope.user, message.properties!.userProperties);
      } else {
        assertEquals([event, type], ["topic", message.topic]);
        assertEquals(CONTROL_NAMES.includes(type), false);
        assertEquals(
          data,
          lineBreaksAsLf(new TextDecoder("utf-8", { ignoreBOM: true }).decode(message.payload)),
        );
      }
    }
  }
});

Deno.test("event=topic names each event like its topic, with the payload as it is", async () => {
  const { stream, publish } = startBridge();
  const reader = await stream("/stream/%23?event=topic");
  await reader.until("live");
  publish("home/temp", "21\n22");
  publish("bye", "not a farewell");
  publish("bytes", new Uint8Array([0xff]));
  const events = [await reader.event(), await reader.event(), await reader.event()];
  assertEquals(events.map(({ type }) => type), ["home/temp", "message", "message"]);
  assertEquals(events[0]!.data, "21\n22");
  assertEquals(JSON.parse(events[1]!.data).topic, "bye");
  assertEquals(JSON.parse(events[2]!.data).payload_base64, "/w==");
  await reader.cancel();
});

Deno.test("every MQTT 5 property goes from HTTP through a stream and back", async () => {
  const { request, stream } = startBridge();
  const reader = await stream("/stream/t");
  await reader.until("live");
  const query =
    "expiry=60&content_type=a/b&response_topic=r/%C3%A4&correlation=AAECAw&user.a=1&user.a=2&user.%C3%A4=%0A";
  await request(`/topics/t?${query}`, { method: "POST", body: "x" });
  const { content_type, expiry, response_topic, correlation, user } = await reader.json();
  assertEquals([content_type, expiry, response_topic, correlation], ["a/b", 60, "r/ä", "AAECAw=="]);
  assertEquals(user, [["a", "1"], ["a", "2"], ["ä", "\n"]]);
  await reader.cancel();
});

function bytesOf({ payload, payload_base64 }: Envelope): Uint8Array {
  if (payload !== undefined) return new TextEncoder().encode(payload);
  return Uint8Array.fromBase64(payload_base64!);
}
