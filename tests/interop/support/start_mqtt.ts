import { assert, assertEquals } from "@std/assert";
import { Broker, type BrokerOptions } from "../../../broker/broker.ts";
import { Log } from "../../../broker/core/log.ts";
import { Server, type ServerOptions } from "../../../broker/server.ts";
import { TcpListener } from "../../../broker/transport/tcp.ts";
import { eventually } from "../../support/eventually.ts";
import { TOOL_PATIENCE_MS } from "./tool_process.ts";

export const HOST = "127.0.0.1";

export type StartMqttOptions = Omit<BrokerOptions, "clock" | "log"> & ServerOptions;

/** Where MQTT is spoken. */
export interface Reachable {
  readonly mqttPort: number;
}

/** A broker on a real port, under a real clock. */
export class OpenBroker implements Reachable, AsyncDisposable {
  readonly broker: Broker;
  readonly server: Server;
  readonly mqttPort: number;
  /** Lines of the log. */
  readonly log: string[] = [];

  constructor(options: StartMqttOptions = {}) {
    const { sysIntervalSeconds = 0, version = "0.0.0-test", ...brokerOptions } = options;
    const log = new Log("debug", (line) => this.log.push(line));
    this.broker = new Broker({ ...brokerOptions, log });
    this.server = new Server(this.broker, { sysIntervalSeconds, version });
    const listener = new TcpListener(HOST, 0);
    this.server.listen(listener);
    this.mqttPort = listener.port;
  }

  /** Waits until the broker has so many subscriptions, over MQTT and HTTP together. */
  async subscribed(count: number): Promise<void> {
    await this.#until(() => this.broker.subscriptionCount, count, "subscriptions");
  }

  /** Waits until so many MQTT connections are open. */
  async connected(count: number): Promise<void> {
    await this.#until(() => this.server.connectionCount, count, "connections");
  }

  async close(): Promise<void> {
    await this.server.close();
    await this.broker.close();
    assertEquals(this.server.connectionCount, 0, "Connections left");
    const defects = this.log.filter((line) => line.includes("internal-error"));
    // A test that fails for this very reason does not show what is thrown here.
    for (const defect of defects) console.error(defect);
    assertEquals(defects, [], "Internal errors");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #until(measure: () => number, count: number, what: string): Promise<void> {
    await eventually(() => {
      assert(measure() === count, `Expected ${count} ${what}, there are ${measure()}`);
    }, TOOL_PATIENCE_MS);
  }
}
