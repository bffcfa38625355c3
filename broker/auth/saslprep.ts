/** Spaces other than ASCII's (C.1.2 of RFC 3454). */
const OTHER_SPACES = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/g;
/** What is written and means nothing: soft hyphens, joiners, variation selectors (B.1). Each stands alone in the class. */
const NOTHING = /\u00ad|\u034f|\u1806|[\u180b-\u180d]|\u200c|\u200d|\u2060|[\ufe00-\ufe0f]|\ufeff/g;
/** Controls, private use, half characters, noncharacters, what changes how text is shown, and tags (C.2 to C.9). */
const PROHIBITED =
  /[\p{Cc}\p{Co}\p{Cs}\p{NChar}\u06dd\u070f\u180e\u2028\u2029\u2061-\u2063\u2ff0-\u2ffb\ufff9-\ufffd\u{1d173}-\u{1d17a}]|[\u200e\u200f\u202a-\u202e\u206a-\u206f\u{e0001}\u{e0020}-\u{e007f}]/u;

/**
 * A user name or password in the one form that is compared (SASLprep, RFC 4013), so that it does not matter which
 * keyboard made an é. Undefined for what has a prohibited character.
 *
 * Two rules of the RFC are left out: the order of right-to-left text (RFC 3454, 6), which JavaScript has no tables for,
 * and the ban on characters that Unicode 3.2 did not know. What the RFC allows comes out the same; some of what it
 * forbids is allowed.
 */
export function saslprep(text: string): string | undefined {
  const prepared = text.replace(OTHER_SPACES, " ").replace(NOTHING, "").normalize("NFKC");
  return PROHIBITED.test(prepared) ? undefined : prepared;
}
