import { assertEquals } from "@std/assert";
import { Broker } from "../broker/broker.ts";
import type { Identities } from "../broker/auth/methods.ts";
import { Server } from "../broker/server.ts";
import { STORES } from "../broker/store/stores.ts";
import { MemoryListener } from "../broker/transport/memory.ts";
import { HeldStore } from "./support/held_store.ts";
import { type ConnectOptions, RawClient } from "./support/raw_client.ts";
import { identityOf, startBroker } from "./support/start_broker.ts";
import { sign, tokensOf } from "./support/tokens.ts";
import { usersOf } from "./support/users.ts";

/** One life of a broker whose data outlive it. */
async function live(
  folder: string,
  identities: Identities,
  action: (connect: (options: ConnectOptions) => Promise<RawClient>, broker: Broker) => Promise<void>,
): Promise<void> {
  const broker = await Broker.open({ store: STORES.disk({ folder, onProgress() {} }), ...identities });
  const server = new Server(broker, { sysIntervalSeconds: 0 });
  const listener = new MemoryListener();
  server.listen(listener);
  try {
    await action(async (options) => {
      const client = new RawClient(listener.connect(), () => Promise.resolve());
      await client.connect(options);
      return client;
    }, broker);
  } finally {
    await server.close();
    await broker.close();
  }
}

const CLIENT = { clientId: "c", cleanStart: false, username: "" } as const;

Deno.test("after a restart a session has the rights of its token, not those of the file's user of the name", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const users = await usersOf({ ana: "1" });
    const tokens = tokensOf();
    const password = await sign({ sub: "ana", subscribe: ["open/#"], publish: ["#"] });
    await live(folder, { users, tokens }, async (connect) => {
      const client = await connect({ ...CLIENT, password });
      assertEquals(await client.subscribe(["open/#", 1], ["secret", 1]), [1, 0x80]);
      await client.disconnect();
    });
    await live(folder, { users, tokens }, async (connect, broker) => {
      const { identity } = broker.sessions.get("c")!;
      assertEquals(["open/a", "secret"].map((topic) => identity.can("receive", topic)), [true, false]);
      const publisher = await connect({ clientId: "p", username: "ana", password: "1" });
      await publisher.publish("open/a", "while away", { qos: 1 });
    });
    // Without tokens nobody knows who that was.
    await live(folder, { users }, async (connect, broker) => {
      const { identity } = broker.sessions.get("c")!;
      assertEquals([identity.name, identity.can("receive", "open/a")], ["ana", false]);
      const publisher = await connect({ clientId: "p", username: "ana", password: "1" });
      await publisher.publish("open/a", "for nobody", { qos: 1 });
    });
    await live(folder, { users, tokens }, async (connect) => {
      const client = await connect({ ...CLIENT, password });
      await client.takePublish({ topic: "open/a", payload: "while away", qos: 1 });
      await client.ping();
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the store hears at once when a session goes on with less: a crash must not give back the more", async () => {
  const store = new HeldStore();
  await using test = startBroker({ store });
  const client = await test.connect({ clientId: "c", cleanStart: false });
  const session = test.broker.sessions.get("c")!;
  store.kinds.length = 0;
  test.broker.sessions.changeIdentity(session, identityOf("anonymous", () => false));
  assertEquals(store.kinds, ["session-put"]);
  await client.ping();
});
