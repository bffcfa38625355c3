// deno-lint-ignore no-import-prefix -- in deno.json, `deno task start` would fetch it too
import type { Browser, Page } from "npm:playwright-core@^1.64.1";
import { pathOf } from "./outside_tool.ts";
import { TOOL_PATIENCE_MS } from "./tool_process.ts";

const FLAGS = [
  "--no-sandbox", // CI runs as root.
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A browser with a profile of its own, and one page. */
export class OpenChromium implements AsyncDisposable {
  readonly page: Page;
  readonly #browser: Browser;

  private constructor(browser: Browser, page: Page) {
    this.#browser = browser;
    this.page = page;
  }

  /**
   * @param hosts names that mean this machine to the browser
   * @param trustsAll whether certificates are taken whoever issued them
   */
  static async launch(
    { hosts = [], trustsAll = false }: { readonly hosts?: readonly string[]; readonly trustsAll?: boolean } =
      {},
  ): Promise<OpenChromium> {
    // On import, a library within playwright-core looks into /proc/sys unless it thinks that it is being tested, and
    // Deno allows nobody that without all rights.
    Deno.env.set("__IS_WSL_TEST__", "1");
    // deno-lint-ignore no-import-prefix -- in deno.json, `deno task start` would fetch it too
    const { chromium } = await import("npm:playwright-core@^1.64.1");
    const rules = hosts.map((host) => `MAP ${host} 127.0.0.1`).join(", ");
    const browser = await chromium.launch({
      executablePath: pathOf("chromium") ?? "/usr/bin/chromium",
      args: rules === "" ? FLAGS : [...FLAGS, `--host-resolver-rules=${rules}`],
      timeout: TOOL_PATIENCE_MS,
    });
    const page = await browser.newPage({ ignoreHTTPSErrors: trustsAll });
    page.setDefaultTimeout(TOOL_PATIENCE_MS);
    return new OpenChromium(browser, page);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
  }
}

/** An EventSource within the page, with what it received. */
export class PageFollower {
  readonly #page: Page;

  private constructor(page: Page) {
    this.#page = page;
  }

  /** Opens it and waits until it is live. The page must be of the same origin. */
  static async open(page: Page, url: string): Promise<PageFollower> {
    await page.evaluate((url) => {
      const seen: SeenByPage = { payloads: [], topics: [], errorStates: [], source: new EventSource(url) };
      Object.assign(globalThis, { seen });
      seen.source.onmessage = ({ data }) => {
        const { topic, payload } = JSON.parse(data);
        seen.topics.push(topic);
        seen.payloads.push(payload);
      };
      seen.source.onerror = () => seen.errorStates.push(seen.source.readyState);
      return new Promise((resolve) => seen.source.addEventListener("live", resolve, { once: true }));
    }, url);
    return new PageFollower(page);
  }

  /** Waits until so many messages came; answers everything that did. */
  async receives(count: number): Promise<Omit<SeenByPage, "source">> {
    await this.#page.waitForFunction(
      (count) => (globalThis as unknown as { seen: SeenByPage }).seen.payloads.length >= count,
      count,
    );
    return await this.#page.evaluate(() => {
      const { payloads, topics, errorStates } = (globalThis as unknown as { seen: SeenByPage }).seen;
      return { payloads, topics, errorStates };
    });
  }
}

interface SeenByPage {
  readonly payloads: string[];
  readonly topics: string[];
  /** `readyState` at each error. */
  readonly errorStates: number[];
  readonly source: EventSource;
}
