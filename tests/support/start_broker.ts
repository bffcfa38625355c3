import { assertEquals } from "@std/assert";
import { Broker, type BrokerOptions } from "../../broker/broker.ts";
import type { Identity } from "../../broker/core/identity.ts";
import { Log } from "../../broker/core/log.ts";
import { Server, type ServerOptions } from "../../broker/server.ts";
import { MemoryListener } from "../../broker/transport/memory.ts";
import { type ConnectOptions, RawClient } from "./raw_client.ts";
import { SimulatedClock } from "./simulated_clock.ts";

export interface StartOptions extends Omit<BrokerOptions, "clock" | "log">, ServerOptions {
  /** One that has run before; its own if left out. */
  readonly clock?: SimulatedClock;
  /** The test provokes a defect on purpose. */
  readonly expectsInternalErrors?: boolean;
}

/** What a test sees of a broker, beside its clients. */
interface Parts {
  readonly broker: Broker;
  readonly clock: SimulatedClock;
  readonly log: string[];
}

/** A broker in memory with a clock of its own, and the clients that a test connects to it. */
export class TestBroker implements AsyncDisposable {
  readonly clock: SimulatedClock;
  readonly broker: Broker;
  readonly server: Server;
  readonly listener = new MemoryListener();
  /** Lines of the log. */
  readonly log: string[];
  readonly #clients: RawClient[] = [];
  readonly #expectsInternalErrors: boolean;
  #clientCount = 0;

  constructor({ broker, clock, log }: Parts, options: StartOptions) {
    const { sysIntervalSeconds = 0, version, descriptors, expectsInternalErrors = false } = options;
    this.broker = broker;
    this.clock = clock;
    this.log = log;
    this.#expectsInternalErrors = expectsInternalErrors;
    this.server = new Server(this.broker, {
      sysIntervalSeconds,
      ...(version === undefined ? {} : { version }),
      ...(descriptors && { descriptors }),
    });
    this.server.listen(this.listener);
  }

  /** A client with a link and nothing sent. */
  open(): RawClient {
    const client = new RawClient(this.listener.connect(), () => this.settle());
    this.#clients.push(client);
    return client;
  }

  /** A client that is connected, under a client identifier of its own if none is given. */
  async connect(options: ConnectOptions = {}): Promise<RawClient> {
    const client = this.open();
    await client.connect({ clientId: `client-${++this.#clientCount}`, ...options });
    return client;
  }

  /** Returns when the broker handled whatever the connected clients sent so far. */
  async settle(): Promise<void> {
    for (const client of this.#clients) if (client.isConnected) await client.tryPing();
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.cut();
    await this.server.close();
    await this.broker.close();
    assertEquals(this.server.connectionCount, 0, "Connections left");
    assertEquals(this.clock.timerCount, 0, "Timers left");
    if (this.#expectsInternalErrors) return;
    assertEquals(this.log.filter((line) => line.includes("internal-error")), [], "Internal errors");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

export function startBroker(options: StartOptions = {}): TestBroker {
  const { clock, log, brokerOptions } = partsOf(options);
  return new TestBroker({ broker: new Broker(brokerOptions), clock, log }, options);
}

/** A broker that goes on with what its store has kept. */
export async function openBroker(options: StartOptions): Promise<TestBroker> {
  const { clock, log, brokerOptions } = partsOf(options);
  return new TestBroker({ broker: await Broker.open(brokerOptions), clock, log }, options);
}

function partsOf(options: StartOptions) {
  const { clock = new SimulatedClock() } = options;
  const log: string[] = [];
  const brokerOptions = { ...options, clock, log: new Log("debug", (line) => log.push(line)) };
  return { clock, log, brokerOptions };
}

/** Lets in whoever shows a user name; what it may do is said by the test. */
export function identityOf(name: string, can: Identity["can"] = () => true): Identity {
  return { name, can };
}
