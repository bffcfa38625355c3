import { assert, assertEquals } from "@std/assert";
import type {
  ConnackPacket,
  PublishFields,
  PublishPacket,
  SubscriptionDraft,
} from "../../broker/packet/mod.ts";
import {
  type ConnectOptions,
  publishFields,
  type PublishOptions,
  type RawClient,
} from "../support/raw_client.ts";
import type { TestBroker } from "../support/start_broker.ts";

/** What only MQTT 5.0 can say in a PUBLISH. */
export type PublishProperties = Pick<PublishFields, "properties" | "topicAlias" | "subscriptionIds">;

export interface Connected {
  readonly client: RawClient;
  readonly connack: ConnackPacket;
}

/** A session that outlives its connection. */
export const LASTING = { cleanStart: false, sessionExpirySeconds: 3_600 } as const;

let clientCount = 0;

/** Sends a CONNECT of MQTT 5.0 on a new link. */
export function sendConnect5(test: TestBroker, options: ConnectOptions = {}): RawClient {
  const client = test.open();
  client.sendConnect({ clientId: `five-${++clientCount}`, ...options, version: 5 });
  return client;
}

/** A client of MQTT 5.0 that is connected, and what CONNACK said to it. */
export async function open5(test: TestBroker, options: ConnectOptions = {}): Promise<Connected> {
  const client = sendConnect5(test, options);
  const connack = await client.receive();
  assert(connack?.type === "connack", `Expected CONNACK, received ${connack?.type}`);
  assertEquals(connack.reasonCode, 0, "CONNACK");
  client.isConnected = true;
  return { client, connack };
}

export async function connect5(test: TestBroker, options: ConnectOptions = {}): Promise<RawClient> {
  return (await open5(test, options)).client;
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

/** Sends a PUBLISH with properties; answers its packet identifier. */
export function sendPublish5(
  client: RawClient,
  topic: string,
  payload: string,
  { properties, topicAlias, subscriptionIds, ...options }: PublishOptions & PublishProperties = {},
): number {
  const packetId = (options.qos ?? 0) === 0 ? 0 : options.packetId ?? client.nextPacketId();
  client.send({
    ...publishFields(topic, payload, { ...options, packetId }),
    properties,
    ...(topicAlias !== undefined && { topicAlias }),
    ...(subscriptionIds !== undefined && { subscriptionIds }),
  });
  return packetId;
}

/** Ends the connection by DISCONNECT with this reason code and expiry; the broker says nothing more. */
export async function disconnect5(
  client: RawClient,
  said: { reasonCode?: number; sessionExpirySeconds?: number } = {},
): Promise<void> {
  client.send({ type: "disconnect", reasonCode: 0, ...said });
  await client.expectClosed();
}

/** Expects an acknowledgement with exactly this reason code. */
export async function expectCode(
  client: RawClient,
  type: "puback" | "pubrec" | "pubrel" | "pubcomp",
  packetId: number,
  reasonCode: number,
): Promise<void> {
  const packet = await client.receive();
  assert(packet?.type === type, `Expected ${type}, received ${packet?.type}`);
  assertEquals([packet.packetId, packet.reasonCode], [packetId, reasonCode], type);
}

/** Expects DISCONNECT with this reason code and the end of the connection; answers the reason string. */
export async function expectDisconnect(client: RawClient, reasonCode: number): Promise<string | undefined> {
  const packet = await client.receive();
  assert(packet?.type === "disconnect", `Expected DISCONNECT, received ${packet?.type}`);
  assertEquals(packet.reasonCode.toString(16), reasonCode.toString(16), packet.reasonString);
  assertEquals(packet.sessionExpirySeconds, undefined); // [MQTT5-3.14.2-2]
  await client.expectClosed(); // [MQTT5-3.14.4-1] [MQTT5-3.14.4-2]
  return packet.reasonString;
}

/** Expects CONNACK with this reason code, no session, and the end of the connection. */
export async function expectRefused(client: RawClient, reasonCode: number): Promise<void> {
  const packet = await client.receive();
  assert(packet?.type === "connack", `Expected CONNACK, received ${packet?.type}`);
  assertEquals([packet.reasonCode, packet.sessionPresent], [reasonCode, false]); // [MQTT5-3.2.2-6]
  await client.expectClosed(); // [MQTT5-3.2.2-7] [MQTT5-3.14.0-1]
}

const decoder = new TextDecoder();

export function textOf(packet: PublishPacket): string {
  return decoder.decode(packet.payload);
}
