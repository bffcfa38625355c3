import { assertEquals } from "@std/assert";
import { type Bridge, type BridgeOptions, createBridge } from "../../../bridge/mod.ts";
import { eventually } from "../../support/eventually.ts";
import { HOST, OpenBroker, type StartMqttOptions } from "./start_mqtt.ts";
import { TOOL_PATIENCE_MS } from "./tool_process.ts";

/**
 * One that spreads nothing and makes streams come back after 100 ms instead of 2 to 4 s. It is below 0 on purpose:
 * clients wait for as long as `retry` says, and tests do not have the time.
 */
export const HURRIED: BridgeOptions["random"] = () => -0.95;

export interface StartAllOptions extends StartMqttOptions {
  readonly bridge?: BridgeOptions;
}

/** Broker and bridge on real ports, as `serve` puts them together. */
export class OpenEverything extends OpenBroker {
  readonly bridge: Bridge;
  readonly httpPort: number;
  /** Begins all URLs of the bridge. */
  readonly url: string;
  readonly #http: Deno.HttpServer<Deno.NetAddr>;

  constructor(options: StartAllOptions = {}) {
    super(options);
    this.bridge = createBridge(this.broker, { random: HURRIED, ...options.bridge });
    this.#http = Deno.serve({ hostname: HOST, port: 0, onListen() {} }, this.bridge.fetch);
    this.httpPort = this.#http.addr.port;
    this.url = `http://${HOST}:${this.httpPort}`;
  }

  /** Publishes as nobody in particular, without any network. */
  publish(topic: string, payload: string): void {
    const draft = { topic, payload: new TextEncoder().encode(payload), qos: 0, retain: false } as const;
    assertEquals(this.broker.publish(ANYBODY, draft).accepted, true);
  }

  /** Waits until so many streams were opened since the start. */
  async streamsOpened(count: number): Promise<void> {
    await eventually(() => {
      const { streamsOpened } = this.broker.counters;
      if (streamsOpened < count) throw new Error(`${streamsOpened} of ${count} streams were opened`);
    }, TOOL_PATIENCE_MS);
  }

  override async close(): Promise<void> {
    await Promise.all([this.bridge.close(), this.#http.shutdown()]);
    assertEquals(this.bridge.streamCount, 0, "Streams left");
    await super.close();
    assertEquals(this.log.filter((line) => line.includes("http-failed")), [], "Failures of the bridge");
  }
}

const ANYBODY = { name: "test", can: () => true } as const;
