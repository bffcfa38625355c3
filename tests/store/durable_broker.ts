import { assertEquals } from "@std/assert";
import { Broker } from "../../broker/broker.ts";
import { Log } from "../../broker/core/log.ts";
import { Server } from "../../broker/server.ts";
import { SqliteStore } from "../../broker/store/sqlite_store.ts";
import { MemoryListener } from "../../broker/transport/memory.ts";
import { within } from "../support/eventually.ts";
import { type ConnectOptions, RawClient } from "../support/raw_client.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";

/** A broker with its data in a folder, that can end as a process that is killed does: without a last word. */
export class DurableBroker {
  readonly broker: Broker;
  readonly #store: SqliteStore;
  readonly #server: Server;
  readonly #listener = new MemoryListener();
  readonly #log: string[];
  readonly #clients: RawClient[] = [];

  private constructor(broker: Broker, store: SqliteStore, log: string[]) {
    this.broker = broker;
    this.#store = store;
    this.#log = log;
    this.#server = new Server(broker, { sysIntervalSeconds: 0 });
    this.#server.listen(this.#listener);
  }

  static async start(folder: string): Promise<DurableBroker> {
    const lines: string[] = [];
    const log = new Log("info", (line) => lines.push(line));
    const store = new SqliteStore({ folder });
    const opened = Broker.open({ store, log, clock: new SimulatedClock(Date.now()) });
    return new DurableBroker(await within(opened, () => "for the store to be read"), store, lines);
  }

  /** A client that is connected; `sessionPresent` must be as said. */
  async connect(options: ConnectOptions, sessionPresent: boolean): Promise<RawClient> {
    const client = new RawClient(this.#listener.connect(), async () => {});
    this.#clients.push(client);
    assertEquals(await client.connect(options), sessionPresent, "Session present");
    return client;
  }

  /** Only what is committed by now will be there at the next start: no commit that is asked for later is ever done. */
  async crash(): Promise<void> {
    await this.#store.close();
    await this.#closeServer();
  }

  async close(): Promise<void> {
    await this.#closeServer();
    await this.broker.close();
  }

  async #closeServer(): Promise<void> {
    for (const client of this.#clients) client.cut();
    await this.#server.close();
    assertEquals(this.#log.filter((line) => line.includes("internal-error")), [], "Internal errors");
  }
}

/** Plays with a folder that is gone afterwards. */
export async function withFolder(play: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "pregon-test-" });
  try {
    await play(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
