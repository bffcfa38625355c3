import { assert, assertEquals } from "@std/assert";
import type { Packet, PublishPacket, QoS, Version } from "../../broker/packet/mod.ts";
import type { RawClient, WillOptions } from "./raw_client.ts";
import type { TestBroker } from "./start_broker.ts";

const TRIES_MAX = 20;
const decoder = new TextDecoder();

export interface StubbornOptions {
  readonly clientId: string;
  readonly version: Version;
  /** Lets the broker get over what it has; called before each new try. */
  readonly recover: () => Promise<void>;
  readonly will?: WillOptions;
}

/**
 * A client as it should be: it has a lasting session, comes back when it is cut off, and sends again what nobody
 * acknowledged. What it was told is true from its point of view, whatever became of the broker.
 */
export class StubbornClient {
  test: TestBroker;
  /** How often each payload came, as far as QoS 2 lets a client tell. */
  readonly received = new Map<string, number>();
  readonly #options: StubbornOptions;
  /** QoS 2 messages that it has and of which PUBREL did not come yet. */
  readonly #open = new Set<number>();
  #client: RawClient | undefined;
  #isKnown = false;
  #lastPacketId = 0;

  constructor(test: TestBroker, options: StubbornOptions) {
    this.test = test;
    this.#options = options;
  }

  /** Connects until it is let in; once it was, its session must be there every time. */
  async connect(): Promise<void> {
    const { clientId, version, will } = this.#options;
    await this.#untilDone(async () => {
      const client = this.test.open();
      const properties = version === 5 ? { sessionExpirySeconds: 10_000 } : {};
      client.sendConnect({ version, clientId, cleanStart: false, will, ...properties });
      const packet = await client.receive();
      if (packet?.type !== "connack" || packet.reasonCode !== 0) return false;
      assertEquals(
        packet.sessionPresent,
        this.#isKnown || packet.sessionPresent,
        "A session that was promised is gone",
      );
      this.#isKnown = client.isConnected = true;
      this.#client = client;
      return true;
    });
  }

  async subscribe(filter: string, qos: QoS): Promise<void> {
    await this.#untilDone(async () => {
      const packetId = this.#nextPacketId();
      (await this.#connected()).send({ type: "subscribe", packetId, requests: [{ filter, qos }] });
      const packet = await this.#answer((packet) => packet.type === "suback" && packet.packetId === packetId);
      return packet?.type === "suback" && packet.reasonCodes[0] === qos;
    });
  }

  /** Publishes until it is acknowledged, to the end of its flow. */
  async publish(topic: string, payload: string, options: { qos: 1 | 2; retain?: boolean }): Promise<void> {
    const { qos, retain = false } = options;
    let packetId = this.#nextPacketId();
    let dup = false;
    await this.#untilDone(async () => {
      const client = await this.#connected();
      client.sendPublish(topic, payload, { qos, retain, dup, packetId });
      dup = true;
      const type = qos === 1 ? "puback" : "pubrec";
      const packet = await this.#answer((packet) => packet.type === type && packet.packetId === packetId);
      if (!packet) return false;
      assert("reasonCode" in packet);
      if (packet.reasonCode < 0x80) return true;
      // Refused, so that flow is over.
      packetId = this.#nextPacketId();
      dup = false;
      return false;
    });
    if (qos === 1) return;
    await this.#untilDone(async () => {
      (await this.#connected()).sendAck("pubrel", packetId);
      return await this.#answer((packet) => packet.type === "pubcomp" && packet.packetId === packetId) !==
        undefined;
    });
  }

  /** Takes everything that comes, until nothing more does. */
  async drain(): Promise<void> {
    await this.#untilDone(async () => {
      (await this.#connected()).send({ type: "pingreq" });
      for (let quiet = 0; quiet < 2;) {
        let came = false;
        const pong = await this.#answer((packet) => packet.type === "pingresp", () => came = true);
        if (!pong) return false;
        quiet = came ? 0 : quiet + 1;
        if (quiet < 2) this.#client!.send({ type: "pingreq" });
      }
      return true;
    });
  }

  /** Takes what the broker has sent so far, if the connection stands. */
  async takeWhatIsThere(): Promise<void> {
    if (!this.#client?.isConnected) return;
    this.#client.send({ type: "pingreq" });
    await this.#answer((packet) => packet.type === "pingresp");
  }

  /** The network fails. */
  cut(): void {
    this.#client?.cut();
    this.#client = undefined;
  }

  async #connected(): Promise<RawClient> {
    if (!this.#client?.isConnected) await this.connect();
    return this.#client!;
  }

  /** The packet that was waited for; undefined when the connection ended first. Takes part in flows meanwhile. */
  async #answer(isIt: (packet: Packet) => boolean, onOther = () => {}): Promise<Packet | undefined> {
    for (;;) {
      const packet = await this.#client!.receive();
      if (!packet || packet.type === "disconnect") {
        this.#client = undefined;
        return undefined;
      }
      if (isIt(packet)) return packet;
      onOther();
      this.#take(packet);
    }
  }

  #take(packet: Packet): void {
    const client = this.#client!;
    if (packet.type === "pubrel") {
      this.#open.delete(packet.packetId);
      client.sendAck("pubcomp", packet.packetId);
    }
    if (packet.type !== "publish") return;
    const { qos, packetId } = packet;
    if (qos < 2 || !this.#open.has(packetId)) this.#count(packet);
    if (qos === 1) client.sendAck("puback", packetId);
    if (qos < 2) return;
    this.#open.add(packetId);
    client.sendAck("pubrec", packetId);
  }

  #count(packet: PublishPacket): void {
    const payload = decoder.decode(packet.payload);
    this.received.set(payload, (this.received.get(payload) ?? 0) + 1);
  }

  async #untilDone(attempt: () => Promise<boolean>): Promise<void> {
    for (let tries = 1; !await attempt(); tries++) {
      assert(tries < TRIES_MAX, `${this.#options.clientId} tried ${tries} times`);
      await this.#options.recover();
    }
  }

  #nextPacketId(): number {
    return ++this.#lastPacketId;
  }
}
