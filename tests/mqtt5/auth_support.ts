import { assert, assertEquals } from "@std/assert";
import type { EnhancedAuthenticator, ExchangeStep } from "../../broker/auth/authenticator.ts";
import type { Identity } from "../../broker/core/identity.ts";
import type { AuthPacket, ConnackPacket } from "../../broker/packet/mod.ts";
import { eventually } from "../support/eventually.ts";
import type { ConnectOptions, RawClient } from "../support/raw_client.ts";
import { ScramClient, type ScramClientOptions } from "../support/scram_client.ts";
import { startBroker, type TestBroker } from "../support/start_broker.ts";
import { usersOf } from "../support/users.ts";

export const SCRAM = "SCRAM-SHA-256";
const decoder = new TextDecoder();

/** A broker that knows `user` (pencil) and `ana` (secret), and nobody else. */
export async function startWithUsers(): Promise<TestBroker> {
  return startBroker({ users: await usersOf({ user: "pencil", ana: "secret" }) });
}

/** Sends a CONNECT that names the method. */
export function sendConnect(test: TestBroker, options: ConnectOptions = {}): RawClient {
  const client = test.open();
  client.sendConnect({ version: 5, authenticationMethod: SCRAM, ...options });
  return client;
}

/** Sends AUTH. */
export function sendAuth(
  client: RawClient,
  reasonCode: number,
  authenticationData?: Uint8Array,
  method = SCRAM,
): void {
  client.send({
    type: "auth",
    reasonCode,
    authenticationMethod: method,
    ...(authenticationData && { authenticationData }),
  });
}

/** Expects AUTH with this reason code and no more than it needs. */
export async function expectAuth(
  client: RawClient,
  reasonCode: number,
): Promise<AuthPacket & { data: Uint8Array }> {
  const packet = await client.receive();
  assert(packet?.type === "auth", `Expected AUTH, received ${packet?.type}`);
  assertEquals(packet.reasonCode, reasonCode);
  assertEquals([packet.reasonString, packet.userProperties], [undefined, undefined]);
  return { ...packet, data: packet.authenticationData ?? new Uint8Array() };
}

/** Expects CONNACK with this reason code. */
export async function expectConnack(client: RawClient, reasonCode: number): Promise<ConnackPacket> {
  const packet = await client.receive();
  assert(packet?.type === "connack", `Expected CONNACK, received ${packet?.type}`);
  assertEquals(packet.reasonCode.toString(16), reasonCode.toString(16));
  client.isConnected = reasonCode === 0;
  return packet;
}

/** Connects by SCRAM; answers the client and what CONNACK said. */
export async function connectScram(
  test: TestBroker,
  { scram, ...options }: ConnectOptions & { scram?: ScramClientOptions } = {},
): Promise<{ client: RawClient; connack: ConnackPacket }> {
  const peer = new ScramClient(scram);
  const client = sendConnect(test, { ...options, authenticationData: peer.first() });
  const challenge = await expectAuth(client, 0x18);
  assertEquals(challenge.authenticationMethod, SCRAM);
  sendAuth(client, 0x18, peer.final(challenge.data));
  const connack = await expectConnack(client, 0);
  assertEquals(peer.trusts(connack.authenticationData!), true);
  return { client, connack };
}

/** A method that a test steps through: it does whatever the test says next. */
export class SteppedMethod implements EnhancedAuthenticator {
  readonly method = SCRAM;
  readonly heard: string[] = [];
  #answer: (step: ExchangeStep | Promise<never>) => void = () => {};
  /** The broker waits for an answer. */
  isAsked = false;

  begin() {
    return {
      next: (data: Uint8Array | undefined) => {
        this.heard.push(decoder.decode(data));
        this.isAsked = true;
        return new Promise<ExchangeStep>((resolve) => this.#answer = resolve);
      },
    };
  }

  async answer(step: ExchangeStep | Promise<never>): Promise<void> {
    await eventually(() => assertEquals(this.isAsked, true, "Asked"));
    this.isAsked = false;
    this.#answer(step);
  }
}

/** A broker with a client that a stepped method let in under this identity. */
export async function connectStepped(
  identity: Identity,
): Promise<{ test: TestBroker; method: SteppedMethod; client: RawClient }> {
  const method = new SteppedMethod();
  const test = startBroker({ enhancedAuthenticators: [method], clientIdPerUser: false });
  const client = sendConnect(test, { clientId: "stepped" });
  await method.answer({ step: "granted", identity });
  await expectConnack(client, 0);
  return { test, method, client };
}
