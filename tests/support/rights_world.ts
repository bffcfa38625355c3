import { encodeBase64 } from "@std/encoding/base64";
import type { Authenticator, Credentials, Grant } from "../../broker/auth/authenticator.ts";
import { BROKER_IDENTITY, type Identity } from "../../broker/core/identity.ts";
import type { QoS } from "../../broker/packet/mod.ts";
import type { Rules } from "../../broker/auth/rules.ts";
import { Broker } from "../../broker/broker.ts";
import { Server } from "../../broker/server.ts";
import { SqliteStore } from "../../broker/store/sqlite_store.ts";
import { MemoryListener } from "../../broker/transport/memory.ts";
import { type ConnectOptions, RawClient } from "./raw_client.ts";
import type { ReferenceAsker } from "./reference_rules.ts";
import { SimulatedClock } from "./simulated_clock.ts";

/** Lets in whoever says a name, or none; who are in the group that only it knows of. */
export class GroupAuthenticator implements Authenticator {
  readonly name = "groups";
  readonly #identities = new Map<string, Identity>();

  constructor(readonly group: string, readonly members: readonly string[]) {}

  authenticate({ username }: Credentials): Grant {
    return { granted: true, identity: this.#identityOf(username) };
  }

  recall(name: string): Identity {
    return this.#identityOf(name === "anonymous" ? undefined : name);
  }

  groupsOf(username: string | undefined): readonly string[] {
    return username !== undefined && this.members.includes(username) ? [this.group] : [];
  }

  #identityOf(username: string | undefined): Identity {
    const name = username ?? "anonymous";
    let identity = this.#identities.get(name);
    if (!identity) {
      const method = username === undefined ? {} : { method: "password-file" };
      identity = { name, ...method, groups: this.groupsOf(username), can: () => true };
      this.#identities.set(name, identity);
    }
    return identity;
  }
}

/** The header of somebody who asks over HTTP. */
export function authorizationOf({ user }: Pick<ReferenceAsker, "user">): Record<string, string> {
  return user === undefined
    ? {}
    : { authorization: `Basic ${encodeBase64(new TextEncoder().encode(`${user}:x`))}` };
}

/** Publishes on every topic as the broker itself, whom no rule concerns. */
export function publishAll(
  broker: Broker,
  topics: readonly string[],
  { qos = 0, retain = false, payload = "x" }: { qos?: QoS; retain?: boolean; payload?: string } = {},
): void {
  const bytes = new TextEncoder().encode(payload);
  for (const topic of topics) broker.publish(BROKER_IDENTITY, { topic, payload: bytes, qos, retain });
}

/** The topics of what has come to a client, sorted; one that came twice stands there twice. */
export async function topicsCome(client: RawClient): Promise<string[]> {
  await client.ping();
  const topics: string[] = [];
  for (let packet = client.take(); packet; packet = client.take()) {
    if (packet.type === "publish") topics.push(packet.topic);
  }
  return topics.sort();
}

/** A broker on a folder, for as long as a test wants; another one on the same folder goes on where it ended. */
export class DurableBroker implements AsyncDisposable {
  readonly #server: Server;
  readonly #listener = new MemoryListener();

  static async open(
    folder: string,
    { authenticator, rules }: { readonly authenticator: Authenticator; readonly rules: Rules },
  ): Promise<DurableBroker> {
    const clock = new SimulatedClock();
    const store = new SqliteStore({ folder });
    return new DurableBroker(
      await Broker.open({ store, clock, authenticators: [authenticator], rules }),
      clock,
    );
  }

  constructor(readonly broker: Broker, readonly clock: SimulatedClock) {
    this.#server = new Server(broker, { sysIntervalSeconds: 0 });
    this.#server.listen(this.#listener);
  }

  async connect(options: ConnectOptions): Promise<RawClient> {
    const client = new RawClient(this.#listener.connect(), () => this.broker.settled());
    await client.connect(options);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.close();
    await this.broker.close();
  }
}
