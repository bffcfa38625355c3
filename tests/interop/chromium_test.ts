import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
// deno-lint-ignore no-import-prefix -- in deno.json, `deno task start` would fetch it too
import type { Page } from "npm:playwright-core@^1.64.1";
import { Random } from "../topic/random_names.ts";
import { OpenChromium, PageFollower } from "./support/chromium.ts";
import { CuttingProxy } from "./support/cutting_proxy.ts";
import { publishThroughCuts } from "./support/numbered_flow.ts";
import { requireTool } from "./support/outside_tool.ts";
import { OpenEverything } from "./support/start_all.ts";
import { HOST } from "./support/start_mqtt.ts";

const MESSAGE_COUNT = 2_000;
const CUT_COUNT = 20;
const ACTIVE = "<html xmlns='http://www.w3.org/1999/xhtml'><body><script>" +
  "document.title = 'executed'; fetch('/topics/executed', { method: 'POST', body: 'x' });</script></body></html>";

const test = requireTool("chromium");

test("an EventSource in Chromium misses and repeats nothing while its connection is cut 20 times", async () => {
  await using everything = new OpenEverything();
  await using proxy = new CuttingProxy(everything.httpPort, new Random(50));
  await using chromium = await OpenChromium.launch();
  await chromium.page.goto(`http://localhost:${proxy.port}/`);
  const follower = await PageFollower.open(chromium.page, "/topics/numbers/+");
  await publishThroughCuts({
    ...{ everything, proxy, topic: "numbers/all" },
    ...{ messageCount: MESSAGE_COUNT, cutCount: CUT_COUNT },
  });
  const { payloads, errorStates } = await follower.receives(MESSAGE_COUNT);
  assertEquals(payloads, Array.from({ length: MESSAGE_COUNT }, (_, index) => String(index)));
  assertEquals(errorStates, Array(CUT_COUNT).fill(EventSource.CONNECTING));
  assertEquals(proxy.cutCount, CUT_COUNT);
});

test("an EventSource in Chromium opens on an idle topic", async () => {
  await using everything = new OpenEverything();
  await using chromium = await OpenChromium.launch();
  await chromium.page.goto(`http://localhost:${everything.httpPort}/`);
  const state = await chromium.page.evaluate(() => {
    const source = new EventSource("/stream?filter=nobody/here&quiet=1");
    return new Promise((resolve) => source.onopen = () => resolve(source.readyState));
  });
  assertEquals(state, EventSource.OPEN);
  assertEquals(everything.broker.counters.messagesReceived, 0);
});

test("what somebody retained as a page does not run in Chromium", async () => {
  await using everything = new OpenEverything();
  await using chromium = await OpenChromium.launch();
  await using elsewhere = new OtherSite("text/html");
  // To know that it would run: it does where the bridge does not serve it.
  await chromium.page.goto(elsewhere.url);
  assertEquals(await chromium.page.title(), "executed");
  for (
    const type of ["text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "TEXT/HTML;x=y"]
  ) {
    const url = `http://localhost:${everything.httpPort}/topics/page`;
    const answer = await fetch(url, { method: "PUT", body: ACTIVE, headers: { "content-type": type } });
    await answer.body?.cancel();
    await chromium.page.goto(url);
    assertNotEquals(await chromium.page.title(), "executed", type);
    assertEquals(await chromium.page.innerText("body"), ACTIVE, `${type} is shown as it was sent`);
  }
  assertEquals(everything.broker.counters.messagesReceived, 5);
});

test("a page of another origin in Chromium publishes nothing and reads nothing", async () => {
  await using everything = new OpenEverything();
  await using chromium = await OpenChromium.launch();
  const { page } = chromium;
  const target = `http://localhost:${everything.httpPort}/topics/secret`;
  everything.publish("secret", "seen");
  for (const referrerPolicy of ["unsafe-url", "no-referrer"]) {
    await using elsewhere = new OtherSite("text/html", { "referrer-policy": referrerPolicy });
    for (const url of [elsewhere.url, elsewhere.url.replace(HOST, "localhost")]) {
      await page.goto(url);
      assertEquals(await attack(page, target), {
        post: "TypeError",
        put: "TypeError",
        delete: "TypeError",
        beacon: true,
        eventSource: EventSource.CLOSED,
        read: "TypeError",
      }, `${url} ${referrerPolicy}`);
      await page.setContent(
        `<form method="POST" action="${target}" enctype="text/plain"><button>x</button></form>`,
      );
      await page.click("button");
      await page.waitForURL(target);
      assertMatch(await page.content(), /\/problems\/cross-origin/);
    }
  }
  assertEquals(everything.broker.counters.messagesReceived, 1);
  // The same from the bridge's own page is welcome.
  await page.goto(`http://localhost:${everything.httpPort}/`);
  const status = await page.evaluate(async (target) => {
    return (await fetch(target, { method: "POST", body: "from our own page" })).status;
  }, target);
  assertEquals([status, everything.broker.counters.messagesReceived], [200, 2]);
});

test("a page that makes its own name point here gets nothing", async () => {
  await using everything = new OpenEverything();
  await using chromium = await OpenChromium.launch({ hosts: ["evil.example"] });
  const response = await chromium.page.goto(`http://evil.example:${everything.httpPort}/topics/secret`);
  assertEquals(response?.status(), 421);
});

/** Tries all that a page may do without asking first, and some of what it may not. */
async function attack(page: Page, target: string) {
  return await page.evaluate(async (target) => {
    const tryTo = async (init: RequestInit) => {
      try {
        return (await fetch(target, init)).type as string;
      } catch (error) {
        return (error as Error).name;
      }
    };
    const source = new EventSource(target);
    const eventSource = await new Promise((resolve) => source.onerror = () => resolve(source.readyState));
    return {
      post: await tryTo({ method: "POST", mode: "no-cors", body: "x" }),
      put: await tryTo({ method: "PUT", body: "x" }),
      delete: await tryTo({ method: "DELETE" }),
      beacon: (navigator as unknown as { sendBeacon(url: string, body: string): boolean }).sendBeacon(
        target,
        "x",
      ),
      eventSource,
      read: await tryTo({}),
    };
  }, target);
}

/** A web site of somebody else, with one page that runs a script. */
class OtherSite implements AsyncDisposable {
  readonly url: string;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(type: string, headers: Record<string, string> = {}) {
    this.#server = Deno.serve({ hostname: HOST, port: 0, onListen() {} }, () => {
      return new Response(ACTIVE, { headers: { "content-type": type, ...headers } });
    });
    this.url = `http://${HOST}:${this.#server.addr.port}/`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}
