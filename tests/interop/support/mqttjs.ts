// deno-lint-ignore no-import-prefix -- in deno.json, `deno task start` would fetch it too
import mqtt, { type IClientOptions, type MqttClient, type Packet } from "npm:mqtt@^5.16.0";
import { assertEquals } from "@std/assert";
import { eventually, within } from "../../support/eventually.ts";
import { HOST, type Reachable } from "./start_mqtt.ts";
import { TOOL_PATIENCE_MS } from "./tool_process.ts";

/** What a client received, in order. */
export interface Received {
  readonly topic: string;
  readonly payload: string;
  readonly qos: number;
  readonly retain: boolean;
  readonly dup: boolean;
}

/** An MQTT.js client, with all that it receives. */
export class JsClient implements AsyncDisposable {
  readonly mqtt: MqttClient;
  readonly received: Received[] = [];
  /** Every packet that came, in order. */
  readonly packets: Packet[] = [];
  /** Whether the broker had the session, at each CONNACK. */
  readonly sessionsPresent: boolean[] = [];

  constructor({ mqttPort }: Reachable, options: IClientOptions = {}) {
    this.mqtt = mqtt.connect({
      host: HOST,
      port: mqttPort,
      protocol: "mqtt",
      reconnectPeriod: 0,
      ...options,
    });
    this.mqtt.on("packetreceive", (packet) => {
      this.packets.push(packet);
      if (packet.cmd === "connack") this.sessionsPresent.push(packet.sessionPresent);
    });
    this.mqtt.on("message", (topic, payload, { qos, retain, dup }) => {
      this.received.push({ topic, payload: payload.toString(), qos, retain, dup });
    });
    // A connection that is cut is what many of these tests are about; what was to be sent tells of it as well.
    this.mqtt.on("error", () => {});
  }

  get payloads(): string[] {
    return this.received.map(({ payload }) => payload);
  }

  /** What came of one kind, in order. */
  packetsOf<Command extends Packet["cmd"]>(cmd: Command): Extract<Packet, { cmd: Command }>[] {
    return this.packets.filter((packet) => packet.cmd === cmd) as Extract<Packet, { cmd: Command }>[];
  }

  async connected(): Promise<this> {
    await eventually(() => assertEquals(this.mqtt.connected, true, "Connected"), TOOL_PATIENCE_MS);
    return this;
  }

  async closed(): Promise<void> {
    await eventually(() => assertEquals(this.mqtt.connected, false, "Connected"), TOOL_PATIENCE_MS);
  }

  /** Waits until so many messages were received. */
  async receives(count: number): Promise<readonly Received[]> {
    await eventually(() => {
      if (this.received.length < count) throw new Error(`Received ${this.received.length} of ${count}`);
    }, TOOL_PATIENCE_MS);
    return this.received;
  }

  /** Returns when the broker handled all that the client sent, and the client what the broker sent until then. */
  async settle(): Promise<void> {
    const topic = `settle/${crypto.randomUUID()}`;
    const { promise, resolve } = Promise.withResolvers<void>();
    const seen = (at: string) => at === topic && resolve();
    this.mqtt.on("message", seen);
    await this.mqtt.subscribeAsync(topic, { qos: 0 });
    this.mqtt.publish(topic, "");
    await within(promise, () => "no answer", TOOL_PATIENCE_MS);
    this.mqtt.off("message", seen);
    await this.mqtt.unsubscribeAsync(topic);
    this.received.splice(this.received.findIndex((message) => message.topic === topic), 1);
  }

  /** Cuts the connection, as a failing network does. */
  cut(): void {
    this.mqtt.stream.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.mqtt.endAsync(true);
  }
}

export async function connectJs(broker: Reachable, options: IClientOptions = {}): Promise<JsClient> {
  return await new JsClient(broker, options).connected();
}
