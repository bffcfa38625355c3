import { assertEquals } from "@std/assert";
import type { JWK } from "jose";
import type { Limits } from "../../broker/core/limits.ts";
import { credentialsOf } from "../contract/authenticator_contract.ts";
import { TestAuthTools } from "../support/auth_tools.ts";
import { eventually } from "../support/eventually.ts";
import { keysOf, sign, signerFor, tokenAuthenticator } from "../support/tokens.ts";

/** Serves keys, and whatever else a test answers. */
class KeyServer implements AsyncDisposable {
  keys: readonly JWK[] = [];
  requestCount = 0;
  answer: () => Response | Promise<Response> = () => Response.json({ keys: this.keys });
  readonly url: string;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor() {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => {
      this.requestCount++;
      return this.answer();
    });
    this.url = `http://127.0.0.1:${this.#server.addr.port}/jwks`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** The time of day, which jose asks of nobody else, stands still until a test moves it. */
class TimeOfDay implements Disposable {
  readonly #now = Date.now;
  #time = Date.now();

  constructor() {
    Date.now = () => this.#time;
  }

  pass(milliseconds: number): void {
    this.#time += milliseconds;
  }

  [Symbol.dispose](): void {
    Date.now = this.#now;
  }
}

function start(server: KeyServer, limits: Partial<Limits> = {}) {
  const tools = new TestAuthTools(limits);
  const keys = keysOf("x".repeat(32));
  keys.replace([]);
  const authenticator = tokenAuthenticator(tools, { jwksUrl: server.url, keys });
  const outcome = async (token: string) => {
    const grant = await authenticator.authenticate({ ...credentialsOf(undefined), token });
    return grant?.granted ? grant.identity.name : grant?.reason;
  };
  return { tools, outcome, counts: tools.counters.authentication };
}

Deno.test("keys behind a URL are fetched once, and made-up key ids make nobody fetch them again", async () => {
  await using server = new KeyServer();
  const [one, stranger] = [await signerFor("ES256"), await signerFor("ES256")];
  server.keys = [{ ...one.jwk, kid: "1" }];
  const { outcome, counts } = start(server);
  const token = await sign({ sub: "ana" }, { ...one, kid: "1" });
  assertEquals(await Promise.all([token, token].map(outcome)), ["ana", "ana"]);
  for (const kid of ["2", "3", "4"]) {
    assertEquals(await outcome(await sign({ sub: "eve" }, { ...stranger, kid })), "bad-credentials");
  }
  assertEquals(await outcome(await sign({ sub: "eve" }, { ...stranger, kid: "1" })), "bad-credentials");
  assertEquals([server.requestCount, counts.jwksRequests, counts.jwksFailures], [1, 1, 0]);
});

Deno.test("a secret behind a URL is none", async () => {
  await using server = new KeyServer();
  const secret = new Uint8Array(32).fill(7);
  server.keys = [{ kty: "oct", k: secret.toBase64({ alphabet: "base64url" }) }];
  const { outcome } = start(server);
  assertEquals(await outcome(await sign({ sub: "eve" }, { key: secret })), "bad-credentials");
  assertEquals(server.requestCount, 0);
});

Deno.test("keys that cannot be had let nobody in, are not asked for again at once, and count when they are there", async () => {
  await using server = new KeyServer();
  const signer = await signerFor("ES256");
  server.keys = [signer.jwk];
  const usual = server.answer;
  const token = await sign({ sub: "ana" }, signer);
  const { tools, outcome, counts } = start(server, { authAnswerBytesMax: 10_000 });
  const answers = [
    () => new Response("no", { status: 500 }),
    () => Response.redirect(`${server.url}2`),
    () => new Response("no JSON"),
    () => new Response("null"),
    () => Response.json({ keys: 1 }),
    () => Response.json({ keys: [], padding: "x".repeat(10_000) }),
  ];
  for (const [index, answer] of answers.entries()) {
    server.answer = answer;
    assertEquals([await outcome(token), await outcome(token)], ["unavailable", "unavailable"]);
    assertEquals([server.requestCount, counts.jwksFailures], [index + 1, index + 1]);
    tools.clock.advance(tools.limits.jwksCooldownSeconds * 1000);
  }
  assertEquals(tools.lines.filter((line) => line.includes("keys-failed")).length, 1);
  server.answer = usual;
  assertEquals(await outcome(token), "ana");
  assertEquals(tools.lines.filter((line) => line.includes("keys-recovered")).length, 1);
});

for (
  const [milliseconds, expected] of [[6_999, "ana"], [7_000, "unavailable"], [7_001, "unavailable"]] as const
) {
  Deno.test(`jwksSeconds 7: by keys that come after ${milliseconds} ms somebody is ${expected}`, async () => {
    await using server = new KeyServer();
    const signer = await signerFor("ES256");
    const held = Promise.withResolvers<Response>();
    server.answer = () => held.promise;
    const { tools, outcome, counts } = start(server, { jwksSeconds: 7 });
    const asked = outcome(await sign({ sub: "ana" }, signer));
    await eventually(() => assertEquals(server.requestCount, 1));
    tools.clock.advance(milliseconds);
    held.resolve(Response.json({ keys: [signer.jwk] }));
    assertEquals([await asked, counts.jwksFailures], [expected, expected === "ana" ? 0 : 1]);
    assertEquals([tools.clock.timerCount, tools.counters.limitsMet.jwksSeconds], [0, counts.jwksFailures]);
  });
}

Deno.test("authAnswerBytesMax: keys of so many bytes are read, more are none", async () => {
  await using server = new KeyServer();
  const signer = await signerFor("ES256");
  const text = JSON.stringify({ keys: [signer.jwk] });
  server.answer = () => new Response(text);
  for (const [spare, expected] of [[1, "ana"], [0, "ana"], [-1, "unavailable"]] as const) {
    const { outcome } = start(server, { authAnswerBytesMax: text.length + spare });
    assertEquals(await outcome(await sign({ sub: "ana" }, signer)), expected);
  }
});

Deno.test("jwksMaxAgeSeconds 100: keys count so long, and are fetched anew then", async () => {
  await using server = new KeyServer();
  const signer = await signerFor("ES256");
  server.keys = [signer.jwk];
  const { outcome } = start(server, { jwksMaxAgeSeconds: 100 });
  using time = new TimeOfDay();
  const token = await sign({ sub: "ana" }, signer);
  for (const [milliseconds, requestCount] of [[0, 1], [99_999, 1], [1, 2], [100_001, 3]] as const) {
    time.pass(milliseconds);
    assertEquals([await outcome(token), server.requestCount], ["ana", requestCount]);
  }
});

Deno.test("jwksCooldownSeconds 20: for keys that are not known none are fetched sooner, whether the last came or not", async () => {
  await using server = new KeyServer();
  const [one, stranger] = [await signerFor("ES256"), await signerFor("ES256")];
  server.keys = [{ ...one.jwk, kid: "1" }];
  const { tools, outcome } = start(server, { jwksCooldownSeconds: 20 });
  using time = new TimeOfDay();
  const pass = (milliseconds: number) => {
    time.pass(milliseconds);
    tools.clock.advance(milliseconds);
  };
  const unknown = await sign({ sub: "eve" }, { ...stranger, kid: "2" });
  for (const [milliseconds, requestCount] of [[0, 1], [19_999, 1], [1, 2], [20_001, 3]] as const) {
    pass(milliseconds);
    assertEquals([await outcome(unknown), server.requestCount], ["bad-credentials", requestCount]);
  }
  server.answer = () => new Response("no", { status: 500 });
  for (const [milliseconds, requestCount] of [[20_000, 4], [19_999, 4], [1, 5], [20_001, 6]] as const) {
    pass(milliseconds);
    assertEquals([await outcome(unknown), server.requestCount], ["unavailable", requestCount]);
  }
});
