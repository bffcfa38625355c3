import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { Exchange, ExchangeStep } from "../../broker/auth/authenticator.ts";
import { ScramSha256 } from "../../broker/auth/scram.ts";
import { testEnhancedAuthenticator } from "../contract/authenticator_contract.ts";
import { ScramClient } from "../support/scram_client.ts";
import { usersOf } from "../support/users.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

// RFC 7677, 3.
const CLIENT_FIRST = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
const NONCE = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const SERVER_FIRST = `r=${NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`;
const CLIENT_FINAL = `c=biws,r=${NONCE},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`;
const SERVER_FINAL = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

async function scram(): Promise<ScramSha256> {
  const users = await usersOf({ "user": "pencil", "a=b,c": "pencil", "ana": "other" });
  return new ScramSha256(users, () => "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
}

async function begin(): Promise<Exchange> {
  return (await scram()).begin();
}

function say(exchange: Exchange, text: string): Promise<ExchangeStep> {
  return Promise.resolve(exchange.next(encoder.encode(text)));
}

/** What the exchange ends with if the client says this. */
async function outcome(first: string, final?: string): Promise<string> {
  const exchange = await begin();
  const step = await say(exchange, first);
  const last = final === undefined || step.step !== "continue" ? step : await say(exchange, final);
  return `${last.step} ${last.data ? decoder.decode(last.data) : ""}`;
}

async function play(exchange: Exchange, client: ScramClient): Promise<ExchangeStep> {
  const challenge = await exchange.next(client.first());
  return challenge.step === "continue" ? await exchange.next(client.final(challenge.data)) : challenge;
}

testEnhancedAuthenticator({
  name: "SCRAM-SHA-256",
  create: scram,
  play: (exchange, isHonest) => play(exchange, new ScramClient({ password: isHonest ? "pencil" : "wrong" })),
  identityName: "user",
});

Deno.test("the example of RFC 7677 comes out byte for byte", async () => {
  const exchange = await begin();
  const challenge = await say(exchange, CLIENT_FIRST);
  assert(challenge.step === "continue");
  assertEquals(decoder.decode(challenge.data), SERVER_FIRST);
  const granted = await say(exchange, CLIENT_FINAL);
  assert(granted.step === "granted");
  assertEquals([granted.identity.name, decoder.decode(granted.data)], ["user", SERVER_FINAL]);
});

Deno.test("the scripted client of these tests says what RFC 7677 says", () => {
  const client = new ScramClient();
  assertEquals(decoder.decode(client.first()), CLIENT_FIRST);
  assertEquals(decoder.decode(client.final(encoder.encode(SERVER_FIRST))), CLIENT_FINAL);
  assertEquals(client.trusts(encoder.encode(SERVER_FINAL)), true);
  assertEquals(client.trusts(encoder.encode(`${SERVER_FINAL}x`)), false);
});

Deno.test("a client may know of channel binding, act for itself, and say more than one understands", async () => {
  for (const gs2Header of ["y,,", "n,a=user,", "y,a=user,"]) {
    assertEquals((await play(await begin(), new ScramClient({ gs2Header }))).step, "granted", gs2Header);
  }
  assertEquals((await play(await begin(), new ScramClient({ user: "a=b,c" }))).step, "granted");
  assertEquals((await play(await begin(), new ScramClient({ nonce: "x,z=more" }))).step, "granted");
});

Deno.test("what a client may not begin with is refused in the words of RFC 5802", async () => {
  const refused = {
    "p=tls-unique,,n=user,r=x": "unsupported-channel-binding-type",
    "n,a=ana,n=user,r=x": "other-error",
    "n,b=ana,n=user,r=x": "invalid-encoding",
    "n,,m=x,n=user,r=x": "extensions-not-supported",
    "n,,n=user,r=x,m=x": "extensions-not-supported",
    "n,,n=us=2cer,r=x": "invalid-username-encoding",
    "n,,n=us=er,r=x": "invalid-username-encoding",
    "n,,n=,r=x": "invalid-username-encoding",
    "n,,n=us\u0007er,r=x": "invalid-username-encoding",
    "n,,r=x,n=user": "invalid-encoding",
    "n,,n=user": "invalid-encoding",
    "n,,n=user,r=": "invalid-encoding",
    "n,,n=user,r=a b": "invalid-encoding",
    "n,,n=user,r=é": "invalid-encoding",
    "n,,n=user,r=x,": "invalid-encoding",
    "n,,n=user,r=x,more": "invalid-encoding",
    "n=user,r=x": "invalid-encoding",
    "x,,n=user,r=x": "invalid-encoding",
    "n": "invalid-encoding",
    "": "invalid-encoding",
  };
  for (const [first, value] of Object.entries(refused)) {
    assertEquals(await outcome(first), `refused e=${value}`, first);
  }
});

Deno.test("what a client may not end with is refused in the words of RFC 5802", async () => {
  const proof = CLIENT_FINAL.slice(CLIENT_FINAL.indexOf("p="));
  const refused = {
    [`c=eSws,r=${NONCE},${proof}`]: "channel-bindings-dont-match",
    [`c=biws=,r=${NONCE},${proof}`]: "channel-bindings-dont-match",
    [`c=biws,r=rOprNGfwEbeRWgbNEkqO,${proof}`]: "other-error",
    [`c=biws,r=${NONCE}x,${proof}`]: "other-error",
    [`c=biws,r=${NONCE},m=x,${proof}`]: "extensions-not-supported",
    [`c=biws,r=${NONCE},z=more,${proof}`]: "invalid-proof", // It is of another message.
    [`c=biws,r=${NONCE},p=AHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`]: "invalid-proof",
    [`c=biws,r=${NONCE},p=dHzbZapWIk4jUhN+Ute9yg==`]: "invalid-encoding",
    [`c=biws,r=${NONCE},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ`]: "invalid-encoding",
    [`c=biws,r=${NONCE},p=`]: "invalid-encoding",
    [`c=biws,r=${NONCE}`]: "invalid-encoding",
    [`r=${NONCE},c=biws,${proof}`]: "invalid-encoding",
    [proof]: "invalid-encoding",
    [CLIENT_FIRST]: "invalid-encoding",
    "": "invalid-encoding",
  };
  for (const [final, value] of Object.entries(refused)) {
    assertEquals(await outcome(CLIENT_FIRST, final), `refused e=${value}`, final);
  }
});

Deno.test("who tries names learns nothing: nobody's is challenged as a user's is, each time alike", async () => {
  const authenticator = await scram();
  const challenge = async (user: string) => {
    const step = await authenticator.begin().next(new ScramClient({ user }).first());
    assert(step.step === "continue");
    return decoder.decode(step.data);
  };
  const form = /^r=\S+,s=[A-Za-z0-9+/]{22}==,i=4096$/;
  for (const user of ["nobody", "user", "someone"]) {
    assertEquals(form.test(await challenge(user)), true, user);
    assertEquals(await challenge(user), await challenge(user));
  }
  assertNotEquals(await challenge("nobody"), await challenge("someone"));
  const nobody = await play(authenticator.begin(), new ScramClient({ user: "nobody" }));
  const wrong = await play(authenticator.begin(), new ScramClient({ password: "wrong" }));
  assertEquals(nobody, wrong);
});

Deno.test("a client cannot choose the server's nonce, and it is another one each time", async () => {
  const authenticator = new ScramSha256(await usersOf({ user: "pencil" }));
  const nonces = await Promise.all([1, 2].map(async () => {
    const step = await say(authenticator.begin(), CLIENT_FIRST);
    assert(step.step === "continue");
    return /^r=rOprNGfwEbeRWgbNEkqO([^,]{24}),/.exec(decoder.decode(step.data))![1];
  }));
  assertNotEquals(nonces[0], nonces[1]);
});
