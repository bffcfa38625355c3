import { assertEquals } from "@std/assert";
import { saslprep } from "../../broker/auth/saslprep.ts";

Deno.test("the examples of RFC 4013 come out as it says", () => {
  assertEquals(saslprep("I\u00adX"), "IX");
  assertEquals(saslprep("user"), "user");
  assertEquals(saslprep("USER"), "USER");
  assertEquals(saslprep("\u00aa"), "a");
  assertEquals(saslprep("\u2168"), "IX");
  assertEquals(saslprep("\u0007"), undefined);
});

Deno.test("what looks the same is the same, and odd spaces are spaces", () => {
  assertEquals(saslprep("e\u0301"), "é");
  assertEquals(saslprep("\uff41"), "a");
  assertEquals(saslprep("a\u00a0b\u3000c"), "a b c");
  assertEquals(saslprep("a\u200d\ufe0fb\ufeff"), "ab");
  assertEquals(saslprep(" a "), " a ");
  assertEquals(saslprep("señor 漢字 🙂"), "señor 漢字 🙂");
});

Deno.test("every class of prohibited characters is refused", () => {
  const prohibited = [
    "\0",
    "\x1f",
    "\x7f",
    "\u0085",
    "\u06dd",
    "\u070f",
    "\u180e",
    "\u2028",
    "\u2061",
    "\ufffd",
    "\u{1d173}",
    "\ue000",
    "\u{100000}",
    "\ufffe",
    "\ufdd0",
    "\u{2ffff}",
    "\ud800",
    "\u2ff0",
    "\u200e",
    "\u202e",
    "\u206a",
    "\u{e0001}",
    "\u{e0041}",
  ];
  for (const character of prohibited) {
    assertEquals(saslprep(`a${character}b`), undefined, JSON.stringify(character));
  }
});
