import { assert, assertEquals } from "@std/assert";
import type { ConnackPacket, ConnectFields, PublishFields, PublishPacket } from "../../broker/packet/mod.ts";
import {
  type ConnectOptions,
  connectPacket,
  publishFields,
  type PublishOptions,
  type RawClient,
} from "../support/raw_client.ts";
import type { TestBroker } from "../support/start_broker.ts";

/** What only MQTT 5.0 can say in a CONNECT. */
export type ConnectProperties = Pick<
  ConnectFields,
  | "sessionExpirySeconds"
  | "receiveMaximum"
  | "packetBytesMax"
  | "topicAliasMax"
  | "requestProblemInformation"
  | "authenticationMethod"
>;

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
export function sendConnect5(test: TestBroker, options: ConnectOptions & ConnectProperties = {}): RawClient {
  const client = test.open();
  client.version = 5;
  const { sessionExpirySeconds, receiveMaximum, packetBytesMax, topicAliasMax } = options;
  const { requestProblemInformation, authenticationMethod } = options;
  client.send({
    ...connectPacket({ clientId: `five-${++clientCount}`, ...options, version: 5 }),
    ...(sessionExpirySeconds !== undefined && { sessionExpirySeconds }),
    ...(receiveMaximum !== undefined && { receiveMaximum }),
    ...(packetBytesMax !== undefined && { packetBytesMax }),
    ...(topicAliasMax !== undefined && { topicAliasMax }),
    ...(requestProblemInformation !== undefined && { requestProblemInformation }),
    ...(authenticationMethod !== undefined && { authenticationMethod }),
  });
  return client;
}

/** A client of MQTT 5.0 that is connected, and what CONNACK said to it. */
export async function open5(
  test: TestBroker,
  options: ConnectOptions & ConnectProperties = {},
): Promise<Connected> {
  const client = sendConnect5(test, options);
  const connack = await client.receive();
  assert(connack?.type === "connack", `Expected CONNACK, received ${connack?.type}`);
  assertEquals(connack.reasonCode, 0, "CONNACK");
  client.isConnected = true;
  return { client, connack };
}

export async function connect5(
  test: TestBroker,
  options: ConnectOptions & ConnectProperties = {},
): Promise<RawClient> {
  return (await open5(test, options)).client;
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

/** Expects an acknowledgement with this reason code. */
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
