import { assertEquals } from "@std/assert";
// deno-lint-ignore no-import-prefix -- in deno.json, `deno task start` would fetch it too
import type { Page } from "npm:playwright-core@^1.64.1";
import { usersOf } from "../support/users.ts";
import { OpenChromium, PageFollower } from "./support/chromium.ts";
import { requireTool } from "./support/outside_tool.ts";
import { OpenEverything } from "./support/start_all.ts";

const test = requireTool("chromium");

/** A page of another origin: the same machine, another port. */
class OtherOrigin {
  readonly #server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response("<title>other</title>", { headers: { "content-type": "text/html" } }),
  );

  get url(): string {
    return `http://localhost:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** Sends the request from within the page; the answer's status and ETag, or the name of the error. */
function ask(page: Page, url: string, init: RequestInit = {}): Promise<unknown> {
  return page.evaluate(async ([url, init]) => {
    try {
      const response = await fetch(url, { credentials: "include", ...init });
      return [response.status, response.headers.has("etag")];
    } catch (error) {
      return (error as Error).name;
    }
  }, [url, init] as const);
}

function logIn(page: Page, base = ""): Promise<unknown> {
  return ask(page, `${base}/session`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ username: "ana", password: "1" }),
  });
}

/** `readyState` at the first error of an EventSource. */
function errorState(page: Page, url: string): Promise<number> {
  return page.evaluate((url) => {
    const source = new EventSource(url, { withCredentials: true });
    return new Promise<number>((resolve) => source.onerror = () => resolve(source.readyState));
  }, url);
}

test("a page in Chromium logs in by fetch and follows with the cookie, until it logs out", async () => {
  await using everything = new OpenEverything({ users: await usersOf({ ana: "1" }) });
  await using chromium = await OpenChromium.launch();
  const { page } = chromium;
  await page.goto(`http://localhost:${everything.httpPort}/`);
  assertEquals(await ask(page, "/topics/a"), [401, false]);
  assertEquals(await logIn(page), [200, false]);
  assertEquals(await page.evaluate("document.cookie"), "");
  const follower = await PageFollower.open(page, "/topics/home/+");
  assertEquals(await ask(page, "/topics/home/lamp", { method: "PUT", body: "on" }), [201, true]);
  assertEquals((await follower.receives(1)).payloads, ["on"]);
  assertEquals(await ask(page, "/session", { method: "DELETE" }), [204, false]);
  assertEquals(await ask(page, "/topics/home/lamp"), [401, false]);
  assertEquals(await errorState(page, "/stream/home/lamp"), EventSource.CLOSED);
});

test("a page of another origin in Chromium has no use of the cookie, unless its exact origin is allowed", async () => {
  await using friend = new OtherOrigin();
  await using foreign = new OtherOrigin();
  await using everything = new OpenEverything({
    users: await usersOf({ ana: "1" }),
    bridge: { allowedOrigins: [friend.url] },
  });
  await using chromium = await OpenChromium.launch();
  const { page } = chromium;
  const base = `http://localhost:${everything.httpPort}`;
  await page.goto(`${base}/`);
  assertEquals(await logIn(page), [200, false]);
  assertEquals(await ask(page, "/topics/a", { method: "PUT", body: "1" }), [201, true]);
  const before = everything.broker.counters.messagesReceived;
  await page.goto(foreign.url);
  assertEquals(await ask(page, `${base}/topics/a`), "TypeError");
  assertEquals(await ask(page, `${base}/topics/a`, { method: "PUT", body: "2" }), "TypeError");
  assertEquals(
    await ask(page, `${base}/topics/a`, { method: "POST", body: "2", mode: "no-cors" }),
    "TypeError",
  );
  assertEquals(await errorState(page, `${base}/stream/a`), EventSource.CLOSED);
  assertEquals(everything.broker.counters.messagesReceived, before);
  assertEquals(everything.broker.counters.streamsOpened, 0);
  await page.goto(friend.url);
  assertEquals(await ask(page, `${base}/topics/a`), [200, true]);
  assertEquals(await ask(page, `${base}/topics/a`, { method: "PUT", body: "3" }), [200, true]);
  assertEquals(everything.broker.counters.messagesReceived, before + 1);
});

test("an EventSource in Chromium follows with a stream token and no cookie, and stops when the token is over", async () => {
  await using everything = new OpenEverything({ users: await usersOf({ ana: "1" }) });
  await using chromium = await OpenChromium.launch();
  const base = `http://localhost:${everything.httpPort}`;
  const tokenFor = async (ttl: string) => {
    const response = await fetch(`${base}/tokens`, {
      method: "POST",
      body: JSON.stringify({ filters: ["home/#"], ttl }),
      headers: { "content-type": "application/json", "authorization": `Basic ${btoa("ana:1")}` },
    });
    return (await response.json()).token as string;
  };
  const { page } = chromium;
  await page.goto(`${base}/`);
  const follower = await PageFollower.open(page, `/stream/home/+?token=${await tokenFor("1h")}`);
  everything.publish("home/lamp", "on");
  assertEquals((await follower.receives(1)).payloads, ["on"]);
  assertEquals(await errorState(page, `/stream/%23?token=${await tokenFor("1h")}`), EventSource.CLOSED);
  // It says goodbye, comes back by itself, is refused and stops.
  const states = await page.evaluate((url) => {
    const source = new EventSource(url);
    const seen: unknown[] = [];
    source.addEventListener("bye", ({ data }) => seen.push(JSON.parse(data).reason));
    return new Promise<unknown[]>((resolve) =>
      source.onerror = () => {
        seen.push(source.readyState);
        if (source.readyState === EventSource.CLOSED) resolve(seen);
      }
    );
  }, `/stream/home/+?token=${await tokenFor("1s")}`);
  assertEquals(states, ["token-expired", EventSource.CONNECTING, EventSource.CLOSED]);
});
