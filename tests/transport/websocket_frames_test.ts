import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  CloseCode,
  encodeFrame,
  FrameError,
  type FrameSender,
  FrameStripper,
} from "../../broker/transport/websocket_frames.ts";
import { frame, type FrameOptions } from "../support/websocket_client.ts";
import { Random } from "../topic/random_names.ts";

function bytesOf(length: number, seed = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 7 + seed) & 0xff);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

interface Stripped {
  readonly payload: Uint8Array;
  readonly controls: string[];
}

/** Strips a stream that comes in parts that end at these places. */
function strip(stream: Uint8Array, ends: readonly number[] = [], sender: FrameSender = "client"): Stripped {
  const stripper = new FrameStripper(sender);
  const controls: string[] = [];
  const kept: Uint8Array[] = [];
  let start = 0;
  for (const end of [...ends, stream.length]) {
    const buffer = stream.slice(start, end);
    const count = stripper.strip(buffer, buffer.length, ({ kind, payload }) => {
      controls.push(`${kind} ${[...payload].join(" ")}`.trim());
    });
    kept.push(buffer.slice(0, count));
    start = end;
  }
  return { payload: joined(kept), controls };
}

const streamOf = (isMasked: boolean) =>
  joined([
    frame(bytesOf(3), { isMasked }),
    frame(Uint8Array.of(9, 8), { opcode: 9, isMasked }),
    frame(bytesOf(200, 3), { isFinal: false, isMasked }),
    frame(Uint8Array.of(), { opcode: 10, isMasked }),
    frame(Uint8Array.of(), { opcode: 0, isFinal: false, isMasked }),
    frame(bytesOf(5, 203), { opcode: 0, isMasked }),
    frame(bytesOf(70_000, 208), { isMasked }),
  ]);
const streams = { client: streamOf(true), server: streamOf(false) };
const expected = joined([bytesOf(3), bytesOf(200, 3), bytesOf(5, 203), bytesOf(70_000, 208)]);

for (const sender of ["client", "server"] as const) {
  Deno.test(`[MQTT-6.0.0-2] [MQTT5-6.0.0-2] a ${sender}'s bytes come out the same wherever frames and reads are divided`, () => {
    const stream = streams[sender];
    assertEquals(strip(stream, [], sender), { payload: expected, controls: ["ping 9 8", "pong"] });
    const head = stream.length - 70_000;
    for (let end = 1; end < head + 20; end++) {
      const { payload, controls } = strip(stream, [end], sender);
      assert(
        payload.length === expected.length && payload.every((byte, index) => byte === expected[index]),
        `${end}`,
      );
      assertEquals(controls, ["ping 9 8", "pong"]);
    }
    const short = stream.slice(0, head);
    const everyByte = Array.from({ length: short.length - 1 }, (_, index) => index + 1);
    assertEquals(strip(short, everyByte, sender).payload.length, 208);
  });
}

Deno.test("what stands behind a close frame is not looked at", () => {
  const { payload, controls } = strip(
    joined([frame(bytesOf(4)), frame(Uint8Array.of(3, 232), { opcode: 8 }), bytesOf(50)]),
  );
  assertEquals([payload.length, controls], [4, ["close 3 232"]]);
});

Deno.test("a frame that claims any length costs nothing until its bytes come", () => {
  const huge = frame(Uint8Array.of(1, 2, 3), { length: Number.MAX_SAFE_INTEGER });
  assertEquals([...strip(huge).payload], [1, 2, 3]);
});

const refused:
  readonly (readonly [what: string, code: number, payloadBytes: number, options: FrameOptions])[] = [
    ["text", CloseCode.unsupportedData, 3, { opcode: 1 }],
    ["text in fragments", CloseCode.unsupportedData, 3, { opcode: 1, isFinal: false }],
    ["without a mask", CloseCode.protocolError, 3, { isMasked: false }],
    ["with a reserved bit", CloseCode.protocolError, 3, { reserved: 0x40 }],
    ["of no kind", CloseCode.protocolError, 3, { opcode: 3 }],
    ["of no kind of control", CloseCode.protocolError, 3, { opcode: 11 }],
    ["going on with nothing", CloseCode.protocolError, 3, { opcode: 0 }],
    ["a ping in fragments", CloseCode.protocolError, 3, { opcode: 9, isFinal: false }],
    ["a long ping", CloseCode.protocolError, 126, { opcode: 9 }],
    ["with a long short length", CloseCode.protocolError, 3, { lengthBytes: 2 }],
    ["with a longer short length", CloseCode.protocolError, 3, { lengthBytes: 8 }],
    ["beyond every length", CloseCode.tooBig, 3, { length: 2 ** 60, lengthBytes: 8 }],
  ];

for (const [what, code, payloadBytes, options] of refused) {
  Deno.test(`a frame is refused: ${what}`, () => {
    const error = assertThrows(() => strip(frame(bytesOf(payloadBytes), options)), FrameError);
    assertEquals(error.code, code);
  });
}

Deno.test("a frame of a server is refused if it is masked", () => {
  const error = assertThrows(() => strip(frame(bytesOf(3)), [], "server"), FrameError, "it is masked");
  assertEquals(error.code, CloseCode.protocolError);
});

Deno.test("a new message within another is refused", () => {
  assertThrows(() => strip(joined([frame(bytesOf(2), { isFinal: false }), frame(bytesOf(2))])), FrameError);
});

Deno.test("whatever comes, the stripper keeps no more than came, or throws a FrameError", () => {
  for (let seed = 1; seed <= 2_000; seed++) {
    const random = new Random(seed);
    const sender = seed % 2 === 0 ? "client" : "server";
    const bytes = streams[sender].slice(0, 400);
    for (let count = random.below(6); count >= 0; count--) {
      bytes[random.below(bytes.length)] = random.below(256);
    }
    try {
      const { payload } = strip(bytes, [random.below(400)], sender);
      assert(payload.length <= bytes.length);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
    }
  }
});

Deno.test("[MQTT-6.0.0-1] [MQTT5-6.0.0-1] our own frames are binary, whole, masked by a client only, and say their length shortly", () => {
  for (
    const [length, head] of [[0, [0x82, 0]], [125, [0x82, 125]], [126, [0x82, 126, 0, 126]], [65_535, [
      0x82,
      126,
      255,
      255,
    ]], [65_536, [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]]] as const
  ) {
    const encoded = encodeFrame("binary", bytesOf(length), "server");
    assertEquals([...encoded.subarray(0, head.length)], [...head]);
    assertEquals(encoded.length, head.length + length);
    // A client's has the same, and a mask, under which are the same bytes.
    const masked = encodeFrame("binary", bytesOf(length), "client");
    assertEquals([...masked.subarray(0, head.length)], [head[0], head[1]! | 0x80, ...head.slice(2)]);
    assertEquals(masked.length, encoded.length + 4);
    assertEquals(strip(masked).payload, bytesOf(length));
  }
});
