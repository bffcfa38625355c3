import { assert, assertEquals } from "@std/assert";
import type { ConnackPacket, PublishPacket, SubscriptionDraft } from "../../broker/packet/mod.ts";
import type { ConnectOptions, RawClient } from "./raw_client.ts";
import type { TestBroker } from "./start_broker.ts";

const decoder = new TextDecoder();

/** A client of MQTT 5.0 that was accepted, and the CONNACK that says so. */
export async function connect5(
  test: TestBroker,
  options: ConnectOptions = {},
): Promise<{ client: RawClient; connack: ConnackPacket }> {
  const client = test.open();
  client.sendConnect({ version: 5, ...options });
  const connack = await client.receive();
  assert(connack?.type === "connack", `Expected CONNACK, received ${connack?.type}`);
  assertEquals(connack.reasonCode, 0);
  client.isConnected = true;
  return { client, connack };
}

/** Subscribes with options of MQTT 5.0; answers the reason codes. */
export async function subscribe5(
  client: RawClient,
  requests: readonly SubscriptionDraft[],
  subscriptionId = 0,
): Promise<readonly number[]> {
  const packetId = client.nextPacketId();
  client.send({ type: "subscribe", packetId, requests, subscriptionId });
  const suback = await client.receive();
  assert(suback?.type === "suback", `Expected SUBACK, received ${suback?.type}`);
  assertEquals(suback.packetId, packetId);
  return suback.reasonCodes;
}

/** Unsubscribes; answers the reason codes. */
export async function unsubscribe5(client: RawClient, ...filters: string[]): Promise<readonly number[]> {
  const packetId = client.nextPacketId();
  client.send({ type: "unsubscribe", packetId, filters });
  const unsuback = await client.receive();
  assert(unsuback?.type === "unsuback", `Expected UNSUBACK, received ${unsuback?.type}`);
  assertEquals(unsuback.packetId, packetId);
  return unsuback.reasonCodes;
}

/** Expects DISCONNECT with this reason code, then the end. */
export async function expectDisconnect(client: RawClient, reasonCode: number): Promise<void> {
  const packet = await client.receive();
  assert(packet?.type === "disconnect", `Expected DISCONNECT, received ${packet?.type}`);
  assertEquals(packet.reasonCode, reasonCode);
  assertEquals(packet.sessionExpirySeconds, undefined, "[MQTT5-3.14.2-2]");
  await client.expectClosed();
}

/** Ends the connection by DISCONNECT with this reason code and expiry; the broker says nothing more. */
export async function disconnect5(
  client: RawClient,
  said: { reasonCode?: number; sessionExpirySeconds?: number } = {},
): Promise<void> {
  client.send({ type: "disconnect", reasonCode: 0, ...said });
  await client.expectClosed();
}

export function payloadOf(packet: PublishPacket): string {
  return decoder.decode(packet.payload);
}
