import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Authenticator } from "../../broker/auth/authenticator.ts";
import { KeyFileError } from "../../broker/auth/token_keys.ts";
import { credentialsOf, testAuthenticator } from "../contract/authenticator_contract.ts";
import { TestAuthTools } from "../support/auth_tools.ts";
import { keysOf, parse, SECRET, sign, signerFor, tokenAuthenticator } from "../support/tokens.ts";

const encoder = new TextEncoder();

const NOW_SECONDS = new TestAuthTools().clock.now() / 1000;
const GOOD = await sign({ sub: "ana", exp: NOW_SECONDS + 60 });
const [HEADER, CLAIMS, SIGNATURE] = GOOD.split(".") as [string, string, string];

/** Base64url without padding, as the parts of a token are. */
function part(value: unknown): string {
  return encoder.encode(JSON.stringify(value)).toBase64({ alphabet: "base64url", omitPadding: true });
}

async function nameOf(authenticator: Authenticator, token: string): Promise<string> {
  const grant = await authenticator.authenticate({ ...credentialsOf(undefined), token });
  return grant?.granted ? grant.identity.name : grant?.reason ?? "nobody's business";
}

testAuthenticator({
  name: "jwt",
  create: () => tokenAuthenticator(new TestAuthTools()),
  known: [
    [{ token: GOOD }, "ana"],
    [credentialsOf("whoever", GOOD), "ana"],
    [credentialsOf("", GOOD), "ana"],
    [credentialsOf(undefined, GOOD), "ana"],
    [{ token: await sign({ sub: "bob" }) }, "bob"],
  ],
  refused: [
    { token: "" },
    { token: "x" },
    { token: `${HEADER}.${CLAIMS}.` },
    { token: `${HEADER}.${CLAIMS}` },
    { token: `${HEADER}.${part({ sub: "admin" })}.${SIGNATURE}` },
    { token: `${part({ alg: "none" })}.${CLAIMS}.` },
    { token: `${part({ alg: "NONE" })}.${CLAIMS}.${SIGNATURE}` },
    { token: `${part({ alg: ["HS256"] })}.${CLAIMS}.${SIGNATURE}` },
    { token: `${part({})}.${CLAIMS}.${SIGNATURE}` },
    credentialsOf("ana", `${HEADER}.${CLAIMS}.${SIGNATURE.slice(1)}`),
    { token: await sign({ sub: "ana", exp: NOW_SECONDS }) },
    { token: await sign({ sub: "ana", nbf: NOW_SECONDS + 1 }) },
    { token: await sign({ sub: "ana", exp: "tomorrow" as unknown as number }) },
    { token: await sign({}) },
    { token: await sign({ sub: "" }) },
    { token: await sign({ sub: 7 as unknown as string }) },
    { token: await sign({ sub: "anonymous" }) },
    { token: await sign({ sub: "broker" }) },
    { token: await sign({ sub: "ana", publish: "a/#" }) },
    { token: await sign({ sub: "ana", groups: "g" }) },
    { token: await sign({ sub: "ana" }, { key: encoder.encode(`${SECRET}!`) }) },
    // A secret of 33 bytes is for HS256 alone.
    { token: await sign({ sub: "ana" }, { alg: "HS512" }) },
    { token: await sign({ sub: "ana", padding: "x".repeat(8192) }) },
  ],
  foreign: [
    {},
    credentialsOf("ana", "secret"),
    credentialsOf("ana"),
    credentialsOf("", ""),
    credentialsOf("ana", "a.b.c"),
    credentialsOf(GOOD, "x"),
    { username: "ana", password: Uint8Array.of(0xff) },
  ],
});

testAuthenticator({
  name: "jwt, as the user name",
  create: () => tokenAuthenticator(new TestAuthTools(), { field: "username" }),
  known: [[{ token: GOOD }, "ana"], [credentialsOf(GOOD), "ana"], [credentialsOf(GOOD, "x"), "ana"]],
  refused: [credentialsOf(`${HEADER}.${CLAIMS}.x`, "x")],
  foreign: [{}, credentialsOf("ana", GOOD), credentialsOf("", GOOD)],
});

Deno.test("every algorithm is known, by a key in PEM or as a JWK, and no key is taken for one of another kind", async () => {
  const algorithms = ["RS256", "PS384", "ES256", "ES384", "ES512", "EdDSA"];
  const signers = await Promise.all(algorithms.map(signerFor));
  for (const signer of signers) {
    const token = await sign({ sub: signer.alg }, signer);
    for (const text of [signer.pem, JSON.stringify(signer.jwk), JSON.stringify({ keys: [signer.jwk] })]) {
      const authenticator = tokenAuthenticator(new TestAuthTools(), { keys: keysOf(text) });
      assertEquals(await nameOf(authenticator, token), signer.alg);
      // Whoever has the public key, as everybody may, would sign with it as with a secret.
      for (const secret of [text, text.trim(), `${text}\n`]) {
        const forged = await sign({ sub: "admin" }, { key: encoder.encode(secret) });
        assertEquals(await nameOf(authenticator, forged), "bad-credentials");
      }
    }
  }
  const all = tokenAuthenticator(new TestAuthTools(), {
    keys: keysOf(signers.map(({ pem }) => pem).join("\n")),
  });
  for (const signer of signers) assertEquals(await nameOf(all, await sign({ sub: "x" }, signer)), "x");
  const stranger = await signerFor("ES256");
  assertEquals(await nameOf(all, await sign({ sub: "x" }, stranger)), "bad-credentials");
});

Deno.test("a key counts for the algorithm that it names and no other, and its id must be the token's if both have one", async () => {
  const [one, two] = [await signerFor("RS256"), await signerFor("RS256")];
  const keys = keysOf(JSON.stringify({
    keys: [{ ...one.jwk, kid: "1", alg: "RS256" }, { ...two.jwk, kid: "2", alg: "RS512" }, {
      ...two.jwk,
      kid: "3",
      use: "enc",
    }],
  }));
  const authenticator = tokenAuthenticator(new TestAuthTools(), { keys });
  const outcome = async (kid?: string) =>
    await nameOf(authenticator, await sign({ sub: "x" }, { ...one, ...(kid && { kid }) }));
  assertEquals([await outcome("1"), await outcome()], ["x", "x"]);
  assertEquals([await outcome("2"), await outcome("3")], ["bad-credentials", "bad-credentials"]);
  assertEquals(
    await nameOf(authenticator, await sign({ sub: "x" }, { ...two, kid: "2" })),
    "bad-credentials",
  );
});

Deno.test("issuer, audience and algorithms must be those of the options", async () => {
  const tools = new TestAuthTools();
  const authenticator = tokenAuthenticator(tools, {
    issuer: "me",
    audience: "pregon",
    algorithms: ["HS256"],
  });
  const right = { sub: "ana", iss: "me", aud: ["other", "pregon"] };
  assertEquals(await nameOf(authenticator, await sign(right)), "ana");
  for (
    const wrong of [{ iss: "you" }, { iss: undefined }, { aud: "other" }, { aud: undefined }, { aud: [] }]
  ) {
    assertEquals(await nameOf(authenticator, await sign({ ...right, ...wrong })), "bad-credentials");
  }
  const strict = tokenAuthenticator(tools, { algorithms: ["ES256"] });
  assertEquals(await nameOf(strict, GOOD), "bad-credentials");
  assert(
    tools.lines.every((line) => !line.includes(SIGNATURE) && !line.includes(CLAIMS)),
    "No token in the log",
  );
  assert(tools.lines.some((line) => line.includes("token-refused") && line.includes("aud")));
});

Deno.test("a token's lists are the rights of who shows it, and its end is theirs", async () => {
  const tools = new TestAuthTools();
  const token = await sign({
    sub: "ana",
    groups: ["g"],
    publish: ["up/#"],
    read: ["state"],
    exp: NOW_SECONDS + 60,
  });
  const grant = await tokenAuthenticator(tools).authenticate({ ...credentialsOf(undefined), token });
  assert(grant?.granted);
  const { identity } = grant;
  assertEquals([identity.name, identity.method, identity.groups], ["ana", "jwt", ["g"]]);
  assertEquals(["up/a", "down"].map((topic) => identity.can("publish", topic)), [true, false]);
  assertEquals([identity.can("receive", "state"), identity.can("subscribe", "state")], [true, false]);
  assertEquals(identity.ended?.(tools.clock.now() + 59_999), undefined);
  assertEquals(identity.ended?.(tools.clock.now() + 60_000), "token-expired");
});

Deno.test("who came in by a key that is gone may do nothing more, and who came by another notices nothing", async () => {
  const [one, two] = [await signerFor("ES256"), await signerFor("ES256")];
  const keys = keysOf(`${one.pem}${two.pem}`);
  const authenticator = tokenAuthenticator(new TestAuthTools(), { keys });
  const grants = await Promise.all(
    [one, two].map(async (signer) =>
      await authenticator.authenticate({
        ...credentialsOf(undefined),
        token: await sign({ sub: "x" }, signer),
      })
    ),
  );
  keys.replace(parse(two.pem));
  assertEquals(grants.map((grant) => grant?.granted && grant.identity.ended?.(0)), ["revoked", undefined]);
  assertEquals(grants.map((grant) => grant?.granted && grant.identity.can("publish", "a")), [false, true]);
  assertEquals(await nameOf(authenticator, await sign({ sub: "x" }, one)), "bad-credentials");
});

Deno.test("a key file that is none lets the broker not start, and says why without quoting it", async () => {
  const { jwk, key, pem } = await signerFor("ES256");
  const { privateKey } = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, [
    "sign",
  ]);
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey)).toBase64();
  assert(key);
  const problems: [string, string][] = [
    ["", "a secret has 0 bytes, and at least 32 are needed"],
    ["x".repeat(31), "a secret has 31 bytes, and at least 32 are needed"],
    [`${"x".repeat(31)}\n`, "a secret has 31 bytes, and at least 32 are needed"],
    [
      `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----`,
      "it has a PRIVATE KEY, and only a PUBLIC KEY",
    ],
    [pem.replaceAll("\n", "\n!"), "a PUBLIC KEY in it cannot be read"],
    [pem.replace("-----END", "-----ENDE"), "there is no key in it that checks signatures"],
    ["{", "it begins as a JWK does and is no JSON"],
    ['{"keys": {}}', "keys is no list"],
    ['{"keys": []}', "there is no key in it that checks signatures"],
    [JSON.stringify({ ...jwk, d: "secret" }), "it has a private key, and only the public one is of use here"],
    [JSON.stringify({ ...jwk, alg: "RS256" }), "a key says that it is for RS256, and is one for ES256"],
    [JSON.stringify({ ...jwk, crv: "secp256k1" }), "a key of the type EC secp256k1 is of no use here"],
    [JSON.stringify({ kty: "oct", k: "c2hvcnQ" }), "a secret has 5 bytes, and at least 32 are needed"],
    [JSON.stringify({ kty: "oct" }), "a JWK of the type oct has no k in base64url"],
    [JSON.stringify({ kty: "RSA", n: "AQAB", e: "AQAB" }), "an RSA key has less than 2048 bits"],
    ["{}", "a key of the type undefined is of no use here"],
  ];
  for (const [text, problem] of problems) {
    const { message } = assertThrows(() => parse(text), KeyFileError, problem, text);
    assertEquals(message.startsWith("Cannot use keys: ") && message.length < 150, true);
  }
});

Deno.test("tokenBytesMax: a token of so many bytes is looked at, a longer one is refused unread", async () => {
  for (const [spare, outcome] of [[1, "ana"], [0, "ana"], [-1, "bad-credentials"]] as const) {
    const tools = new TestAuthTools({ tokenBytesMax: GOOD.length + spare });
    assertEquals(await nameOf(tokenAuthenticator(tools), GOOD), outcome);
    assertEquals(tools.lines.some((line) => line.includes("it is too long")), spare < 0);
    assertEquals(tools.counters.limitsMet.tokenBytesMax, spare < 0 ? 1 : 0);
  }
});
