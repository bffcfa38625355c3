import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { ScryptVerifier } from "../../broker/auth/scrypt_verifier.ts";
import { parseVerifier, type ShownPassword } from "../../broker/auth/verifier.ts";
import { UserTable } from "../../broker/auth/user_table.ts";
import { credentialsOf, testAuthenticator } from "../contract/authenticator_contract.ts";
import { passwordAuthenticator } from "../support/auth_tools.ts";
import { verifierOf } from "../support/users.ts";

const encoder = new TextEncoder();

/** passlib's own example of scrypt, of the password `password`. */
const PASSLIB = "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E";
/** What mosquitto_passwd 2.0.11 made of `geheim`. */
const MOSQUITTO =
  "$7$101$QVizVd1OpnROHP8K$bAFPAKZwQn4CccaDtvcNKKt73sv6zJLHFbyDCEMJmM0SJ8Lv1U75rW9LIOZe0D/DFKi7SepJt2Bz+hu3+t0Fiw==";

function shown(password: string): ShownPassword {
  return { text: password, bytes: encoder.encode(password) };
}

function parse(text: string) {
  return parseVerifier(text, (problem) => {
    throw new Error(problem);
  });
}

Deno.test("what passlib and mosquitto_passwd wrote tells the right password from others", async () => {
  for (const [line, password] of [[PASSLIB, "password"], [MOSQUITTO, "geheim"]] as const) {
    const verifier = parse(line);
    assertEquals(await verifier.verifies(shown(password)), true, line);
    for (const other of ["", "Password", "geheim ", "x"]) {
      assertEquals(await verifier.verifies(shown(other)), false);
    }
    assertEquals(`${verifier}`, line);
  }
});

// A file that somebody made up must not take the machine's memory, each time that anybody names its user.
Deno.test("what a check may cost has bounds, and a message says which one is passed", () => {
  const scrypt = (cost: string) => PASSLIB.replace("ln=16,r=8,p=1", cost);
  const problems: [string, string][] = [
    [scrypt("ln=19,r=8,p=1"), "ln=19,r=8,p=1 takes 512 MiB of memory, at most 256 MiB are allowed"],
    [scrypt("ln=99,r=999,p=1"), "of memory, at most 256 MiB are allowed"],
    [scrypt("ln=9,r=8,p=1"), "ln=9,r=8,p=1 takes less than 1 MiB of memory, which is too weak"],
    [scrypt("ln=18,r=8,p=5"), "ln=18,r=8,p=5 goes through 1280 MiB, at most 1024 MiB are allowed"],
    [scrypt("ln=16,r=0,p=1"), "ln=16,r=0,p=1 has a 0"],
    [scrypt("ln=16,r=8,p=0"), "ln=16,r=8,p=0 has a 0"],
    [scrypt("ln=16,r=8"), "what follows the name is not $scrypt$"],
    [scrypt("ln=-1,r=8,p=1"), "what follows the name is not $scrypt$"],
    [scrypt("ln=1e1,r=8,p=1"), "what follows the name is not $scrypt$"],
    [PASSLIB.replace("aM15713r3Xsvxbi31lqr1Q", "aM15"), "the salt has 3 bytes and not 8 to 64"],
    [
      PASSLIB.replace("aM15713r3Xsvxbi31lqr1Q", "aM15713r3Xsvxbi31lqr1Q=="),
      "the salt is not base64 without =",
    ],
    [
      PASSLIB.replace("nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E", "nFNh"),
      "the hash has 3 bytes and not 16 to 64",
    ],
    [`${PASSLIB}$`, "what follows the name is not $scrypt$"],
    [MOSQUITTO.replace("$101$", "$100$"), "100 iterations are not from 101 to 10000000"],
    [MOSQUITTO.replace("$101$", "$10000001$"), "10000001 iterations are not from 101 to 10000000"],
    [MOSQUITTO.slice(0, -4), "the hash has"],
  ];
  for (const [line, problem] of problems) assertThrows(() => parse(line), Error, problem);
  for (const cost of ["ln=18,r=8,p=4", "ln=17,r=8,p=1", "ln=10,r=8,p=1"]) parse(scrypt(cost));
});

Deno.test("a new verifier of scrypt is never the same twice, and comes back as it was written", async () => {
  const cost = { ln: 10, r: 8, p: 1 };
  const [one, other] = await Promise.all(
    [1, 2].map((seed) => ScryptVerifier.make("secret", { cost, salt: new Uint8Array(16).fill(seed) })),
  );
  assertNotEquals(`${one}`, `${other}`);
  const read = parse(`${one}`);
  assertEquals([await read.verifies(shown("secret")), await read.verifies(shown("secreT"))], [true, false]);
});

Deno.test("a decoy looks like the verifiers of the file, whatever they are, and is always the same", async () => {
  for (const line of [PASSLIB.replace("ln=16", "ln=10"), MOSQUITTO, `${await verifierOf()}`]) {
    const users = new UserTable(new Map([["ana", parse(line)]]));
    const [decoy, again, other] = await Promise.all(["bob", "bob", "eva"].map((name) => users.decoy(name)));
    const shape = (text: string) => text.replaceAll(/[A-Za-z0-9+/=]{11,}/g, "…");
    assertEquals(shape(`${decoy}`), shape(line));
    assertEquals(`${decoy}`, `${again}`);
    assertNotEquals(`${decoy}`, `${other}`);
    assertEquals(await decoy!.verifies(shown("password")), false);
  }
});

testAuthenticator({
  name: "password, kept in every form",
  create: async () =>
    passwordAuthenticator(
      new UserTable(
        new Map([
          ["scrypt", parse(PASSLIB)],
          ["mosquitto", parse(MOSQUITTO)],
          ["scram", await verifierOf("pencil")],
        ]),
      ),
    ),
  known: [
    [credentialsOf("scrypt", "password"), "scrypt"],
    [credentialsOf("mosquitto", "geheim"), "mosquitto"],
    [credentialsOf("scram", "pencil"), "scram"],
  ],
  refused: [
    credentialsOf("scrypt", "pencil"),
    credentialsOf("mosquitto", ""),
    credentialsOf("mosquitto"),
    credentialsOf("scram", "geheim"),
  ],
  foreign: [{}],
});
