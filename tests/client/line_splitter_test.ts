import { assertEquals, assertThrows } from "@std/assert";
import { ClientError } from "../../broker/client/client_error.ts";
import { LineSplitter } from "../../broker/client/line_splitter.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function linesOf(chunks: readonly Uint8Array[]): string[] {
  const splitter = new LineSplitter(100);
  const lines = chunks.flatMap((chunk) => [...splitter.push(chunk)].map((line) => decoder.decode(line)));
  const rest = splitter.end();
  return rest ? [...lines, decoder.decode(rest)] : lines;
}

Deno.test("lines end at a line feed, wherever the input is cut", () => {
  const cases: [text: string, lines: string[]][] = [
    ["", []],
    ["one\n", ["one"]],
    ["one\n\ntwo\r\nthree", ["one", "", "two\r", "three"]],
    ["\n", [""]],
    ["größe 21,5 °C\nπ\n", ["größe 21,5 °C", "π"]],
  ];
  for (const [text, lines] of cases) {
    const bytes = encoder.encode(text);
    for (let cut = 0; cut <= bytes.length; cut++) {
      assertEquals(
        linesOf([bytes.subarray(0, cut), bytes.subarray(cut)]),
        lines,
        `${JSON.stringify(text)} at ${cut}`,
      );
    }
    assertEquals(linesOf([...bytes].map((byte) => Uint8Array.of(byte))), lines);
  }
});

Deno.test("a line that does not end is bounded", () => {
  const splitter = new LineSplitter(100);
  const piece = new Uint8Array(50).fill(0x61);
  assertEquals([...splitter.push(piece), ...splitter.push(piece)], []);
  assertThrows(() => [...splitter.push(Uint8Array.of(0x61))], ClientError, "more than 100 bytes");
});
