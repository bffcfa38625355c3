import { assertEquals, assertThrows } from "@std/assert";
import {
  parsePasswordFile,
  PasswordFileError,
  withoutUser,
  withUsers,
} from "../../broker/auth/password_file.ts";
import { passwordFileOf, verifierOf } from "../support/users.ts";

// What PostgreSQL keeps of "pencil" with this salt: RFC 7677's StoredKey and ServerKey.
const PENCIL = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:" +
  "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

function namesIn(text: string): string[] {
  return [...parsePasswordFile({ name: "users", text }).keys()];
}

function problemOf(text: string): string {
  return assertThrows(() => namesIn(text), PasswordFileError).message;
}

Deno.test("a verifier is what PostgreSQL makes of the same password and salt", async () => {
  assertEquals(`${await verifierOf("pencil")}`, PENCIL);
  assertEquals(
    parsePasswordFile({ name: "users", text: `u:${PENCIL}` }).get("u"),
    await verifierOf("pencil"),
  );
});

Deno.test("each line is a user; comments, empty lines and Windows line ends are none", () => {
  assertEquals(namesIn(`\ufeff# ours\r\n\r\nana:${PENCIL}\r\n  \n#bob:${PENCIL}\nsensor 7:${PENCIL}`), [
    "ana",
    "sensor 7",
  ]);
  assertEquals(namesIn(""), []);
});

Deno.test("names that look the same are one", () => {
  assertEquals(namesIn(`e\u0301va:${PENCIL}`), ["éva"]);
  assertEquals(
    problemOf(`éva:${PENCIL}\ne\u0301va:${PENCIL}`),
    'Cannot use users, line 2: there is a user "éva" before',
  );
});

// Mosquitto CVE-2018-12551: a bad line was skipped, and with it the rule that it was.
Deno.test("one bad line makes the file unusable, and the message says which and why", () => {
  const [key, other] = ["WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=", "c2hvcnQ="];
  const scram = "what follows the name is not SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>";
  const form =
    "what follows the name is none of SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>, " +
    "$scrypt$ln=<n>,r=<n>,p=<n>$<salt>$<hash>, $7$<iterations>$<salt>$<hash>";
  const problems = {
    "ana": "there is no colon after a name",
    [`:${PENCIL}`]: "the name is empty",
    [` ana:${PENCIL}`]: 'the name " ana" has a space around it',
    [`a\u0007na:${PENCIL}`]: 'the name "a\\u0007na" has a character that is not allowed',
    [`anonymous:${PENCIL}`]: 'the name "anonymous" is the broker\'s own',
    "ana:": form,
    "ana:secret": form,
    "ana:$6$c2FsdA==$aGFzaA==": form,
    [`ana:${PENCIL} `]: "the ServerKey is not base64",
    [`a:na:${PENCIL}`]: form,
    [`ana:${PENCIL.replace("4096", "4095")}`]: "4095 iterations are not from 4096 to 10000000",
    [`ana:${PENCIL.replace("4096", "10000001")}`]: "10000001 iterations are not from 4096 to 10000000",
    [`ana:${PENCIL.replace("4096", "-1")}`]: scram,
    [`ana:${PENCIL.replace("W22ZaJ0SNY7soEsUEjb6gQ==", "c2hvcnQ=")}`]: "the salt has 5 bytes and not 8 to 32",
    [`ana:${PENCIL.replace("W22ZaJ0SNY7soEsUEjb6gQ==", "")}`]: "the salt has 0 bytes and not 8 to 32",
    [`ana:${PENCIL.replace("W22ZaJ0SNY7soEsUEjb6gQ==", "W22ZaJ0SNY7soEsUEjb6gR==")}`]:
      "the salt is not base64",
    [`ana:${PENCIL.replace(key, other)}`]: "the StoredKey has 5 bytes and not 32",
    [`ana:${PENCIL.slice(0, -1)}`]: "the ServerKey is not base64",
    [`ana:${PENCIL.slice(0, -4)}`]: "the ServerKey has 30 bytes and not 32",
  };
  for (const [line, problem] of Object.entries(problems)) {
    assertEquals(problemOf(`# ours\n${line}\n`), `Cannot use users, line 2: ${problem}`, line);
  }
});

Deno.test("a message quotes no secret that went astray", () => {
  const long = "x".repeat(1_000);
  assertEquals(problemOf(`\u0007${long}:y`).length < 150, true);
  assertEquals(problemOf("ana:topsecret").includes("topsecret"), false);
});

Deno.test("a user is added, replaced in its place and removed; all else stays as it is", async () => {
  const [ana, bob] = [await passwordFileOf({ ana: "1" }), await passwordFileOf({ bob: "2" })];
  const bobs = new Map([["bob", await verifierOf("2")]]);
  assertEquals(withUsers("", bobs), bob);
  assertEquals(withUsers(`# ours\n${ana}`, bobs), `# ours\n${ana}${bob}`);
  assertEquals(withUsers(ana.trimEnd(), bobs), ana + bob);
  assertEquals(withUsers(`bob:${PENCIL}\n#bob:x\n${ana}`, bobs), `${bob}#bob:x\n${ana}`);
  assertEquals(withoutUser(`# bob\n${bob}${ana}`, "bob"), `# bob\n${ana}`);
  assertEquals(withoutUser(bob, "bob"), "");
  assertEquals(withoutUser(ana, "bob"), undefined);
  assertEquals(withoutUser(ana, "an"), undefined);
});
