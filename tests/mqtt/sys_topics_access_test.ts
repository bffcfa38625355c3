// What `$SYS` says of who came in, who did not, and of the limits that somebody reached.

import { assertEquals } from "@std/assert";
import { found } from "../support/found.ts";
import { createBridge } from "../../bridge/mod.ts";
import { BROKER_IDENTITY } from "../../broker/core/identity.ts";
import { HOST } from "../bridge/support.ts";
import { eventually } from "../support/eventually.ts";
import { HookServer } from "../support/hook_server.ts";
import type { ConnectOptions, RawClient } from "../support/raw_client.ts";
import { startBroker, type StartOptions, type TestBroker } from "../support/start_broker.ts";
import { sign, signerFor, tokensOf } from "../support/tokens.ts";
import { usersOf } from "../support/users.ts";

const INTERVAL_SECONDS = 10;

interface World {
  readonly host: TestBroker;
  /** The figures of now, by their name below `$SYS/broker/`. */
  figures(): Record<string, string>;
}

function start(options: StartOptions = {}): World {
  const host = startBroker({ sysIntervalSeconds: INTERVAL_SECONDS, ...options });
  return {
    host,
    figures() {
      host.clock.advance(INTERVAL_SECONDS * 1000);
      const messages = host.broker.retained.matching(BROKER_IDENTITY, "$SYS/broker/#");
      const decoder = new TextDecoder();
      return Object.fromEntries(
        [...found(messages)].map((
          { topic, payload },
        ) => [topic.slice("$SYS/broker/".length), decoder.decode(payload)]),
      );
    },
  };
}

function picked(
  figures: Record<string, string>,
  names: readonly string[],
): Record<string, string | undefined> {
  return Object.fromEntries(names.map((name) => [name, figures[name]]));
}

/** The CONNECT of somebody, whatever becomes of it. */
async function knock(host: TestBroker, options: ConnectOptions): Promise<RawClient> {
  const client = host.open();
  client.sendConnect(options);
  await client.receive();
  return client;
}

Deno.test("$SYS has a figure, 0 at first, for every way to be kept out and every limit of access", async () => {
  const { host, figures } = start();
  await using _ = host;
  const names = [
    ...["bad-credentials", "not-authorized", "unavailable", "busy", "too-many-failures"]
      .map((reason) => `authentications/refused/${reason}`),
    ...["asked", "failed", "remembered"].map((what) => `authentications/hook/${what}`),
    ...["asked", "failed"].map((what) => `authentications/keys/${what}`),
    "authentications/passwords remembered",
    "clients/identifiers refused",
    ...["opened", "refused", "displaced"].map((what) => `logins/${what}`),
    ...["issued", "refused"].map((what) => `stream tokens/${what}`),
    ...["denied", "reserved-topic", "overloaded"].map((refusal) => `messages/refused/${refusal}`),
    "messages/dropped/denied",
    "messages/throttled",
    "memory/overloads",
    "connections/refused/overloaded",
    "subscriptions/refused",
    ...[
      "publish-rate-exceeded",
      "overloaded",
      "too-many-connections",
      "too-many-from-address",
      "token-expired",
    ]
      .map((reason) => `connections/closed/${reason}`),
  ];
  assertEquals(picked(figures(), names), Object.fromEntries(names.map((name) => [name, "0"])));
});

Deno.test("$SYS counts who is not let in and why, whose password is remembered, and whose identifier is another's", async () => {
  const users = await usersOf({ ana: "1", bob: "2" });
  const { host, figures } = start({ users, limits: { authFailuresMax: 2 } });
  await using _ = host;
  await host.connect({ clientId: "c", username: "ana", password: "1" });
  await host.connect({ username: "ana", password: "1" }); // Remembered.
  await knock(host, { clientId: "c", username: "bob", password: "2" });
  await knock(host, { clientId: "d" });
  for (let count = 0; count < 3; count++) {
    await knock(host, { username: "bob", password: "wrong", clientId: "e" });
  }
  assertEquals(
    picked(figures(), [
      "authentications/refused/not-authorized",
      "authentications/refused/bad-credentials",
      "authentications/refused/too-many-failures",
      "authentications/passwords remembered",
      "clients/identifiers refused",
    ]),
    {
      "authentications/refused/not-authorized": "1",
      "authentications/refused/bad-credentials": "2",
      "authentications/refused/too-many-failures": "1",
      "authentications/passwords remembered": "1",
      "clients/identifiers refused": "1",
    },
  );
});

Deno.test("$SYS counts what the hook and the server of keys were asked, and what they did not answer", async () => {
  await using hook = new HookServer();
  const signer = await signerFor("ES256");
  const answers = [new Response(null, { status: 500 }), Response.json({ keys: [signer.jwk] })];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => answers.shift()!);
  const jwksUrl = `http://127.0.0.1:${server.addr.port}/`;
  const { host, figures } = start({ hookUrl: hook.url, tokens: tokensOf({ jwksUrl }) });
  await using _ = host;
  hook.answer = ({ username }) =>
    username === "ana" ? { result: "allow" } : new Response(null, { status: 500 });
  for (const username of ["ana", "ana", "bob"]) await knock(host, { clientId: "c", username, password: "x" });
  const token = { clientId: "t", username: "t", password: await sign({ sub: "t" }, signer) };
  await knock(host, token);
  host.clock.advance(host.broker.limits.jwksCooldownSeconds * 1000);
  await knock(host, token);
  assertEquals(
    picked(figures(), [
      "authentications/hook/asked",
      "authentications/hook/remembered",
      "authentications/hook/failed",
      "authentications/keys/asked",
      "authentications/keys/failed",
      "authentications/refused/unavailable",
    ]),
    {
      "authentications/hook/asked": "2",
      "authentications/hook/remembered": "1",
      "authentications/hook/failed": "1",
      "authentications/keys/asked": "2",
      "authentications/keys/failed": "1",
      "authentications/refused/unavailable": "2",
    },
  );
  await server.shutdown();
});

Deno.test("$SYS counts cookies and stream tokens, given out, refused and displaced", async () => {
  const users = await usersOf({ ana: "1", bob: "2" });
  const limits = { loginsMax: 2, loginsPerIdentityMax: 1, streamTokensPerIdentityMax: 1 };
  const { host, figures } = start({ users, limits });
  await using _ = host;
  const bridge = createBridge(host.broker);
  const post = async (path: string, user: string, body?: string) => {
    const headers = { authorization: `Basic ${btoa(user)}`, "content-type": "application/json" };
    const response = await bridge.fetch(
      new Request(HOST + path, { method: "POST", headers, body: body ?? null }),
    );
    await response.body?.cancel();
    return response.status;
  };
  const wish = '{"filters":["a"]}';
  assertEquals(await post("/session", "ana:1"), 200);
  assertEquals(await post("/session", "ana:1"), 200); // In the place of the first.
  assertEquals([await post("/tokens", "ana:1", wish), await post("/tokens", "bob:2", wish)], [200, 200]);
  assertEquals(await post("/tokens", "ana:1", wish), 429);
  assertEquals(
    picked(figures(), ["logins/opened", "logins/displaced", "stream tokens/issued", "stream tokens/refused"]),
    {
      "logins/opened": "2",
      "logins/displaced": "1",
      "stream tokens/issued": "2",
      "stream tokens/refused": "1",
    },
  );
  await bridge.close();
});

Deno.test("$SYS counts what the limits of rate and memory, and the rights, held up and refused", async () => {
  let bytes = 0;
  const { host, figures } = start({
    limits: { publishRateMax: 1, publishBytesRateMax: 100, stallSeconds: 1, memoryBytesMax: 1000 },
    readMemory: () => bytes,
    authenticators: [{
      name: "any",
      authenticate: () => ({
        granted: true,
        identity: { name: "ana", can: (_, topic) => topic.startsWith("a") || topic.startsWith("$SYS") },
      }),
    }],
  });
  await using _ = host;
  const { counters } = host.broker;
  const client = await host.connect();
  await client.subscribe(["b", 0]);
  client.isConnected = false; // Its PINGREQ would wait too.
  client.sendPublish("a", "1");
  client.sendPublish("b", "2");
  await eventually(() => assertEquals(counters.publishesThrottled, 1));
  host.clock.advance(1_000);
  await eventually(() => assertEquals(counters.refusals.denied, 1));
  const large = await host.connect();
  large.isConnected = false;
  large.sendPublish("a", "x".repeat(200));
  await large.expectClosed();
  const last = await host.connect();
  bytes = 1001;
  host.clock.advance(1_000);
  await last.publish("a", "x", { retain: true });
  await knock(host, { clientId: "new" });
  assertEquals(
    picked(figures(), [
      "messages/throttled",
      "messages/refused/denied",
      "messages/refused/overloaded",
      "subscriptions/refused",
      "connections/closed/publish-rate-exceeded",
      "memory/overloads",
      "connections/refused/overloaded",
    ]),
    {
      "messages/throttled": "1",
      "messages/refused/denied": "1",
      "messages/refused/overloaded": "1",
      "subscriptions/refused": "1",
      "connections/closed/publish-rate-exceeded": "1",
      "memory/overloads": "1",
      "connections/refused/overloaded": "1",
    },
  );
});
