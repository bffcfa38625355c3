import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { Broker } from "../../broker/broker.ts";
import { ReasonCode } from "../../broker/packet/mod.ts";
import { Server } from "../../broker/server.ts";
import { connectTcp, TcpListener } from "../../broker/transport/tcp.ts";
import { testTransport } from "../contract/transport_contract.ts";
import { RawClient } from "../support/raw_client.ts";
import { testVersions } from "../support/versions.ts";

const HOST = "127.0.0.1";

testTransport({
  name: "tcp",
  listen: () => new TcpListener(HOST, 0),
  connect: (listener) => connectTcp(HOST, listener.port),
});

Deno.test("a listener on port 0 says which port it got, and a port in use is an error at once", () => {
  const listener = new TcpListener(HOST, 0);
  assertMatch(listener.url, /^mqtt:\/\/127\.0\.0\.1:\d+$/);
  assertThrows(() => new TcpListener(HOST, listener.port), Deno.errors.AddrInUse);
  listener.close();
});

testVersions(
  "[MQTT-7.1.1-1] [MQTT5-4.2.0-1] a client connects, publishes and receives over TCP",
  async (version) => {
    const broker = new Broker();
    const server = new Server(broker, { sysIntervalSeconds: 0 });
    const listener = new TcpListener(HOST, 0);
    server.listen(listener);
    const client: RawClient = new RawClient(await connectTcp(HOST, listener.port), () => client.ping());
    await client.connect({ version, clientId: "over-tcp" });
    await client.subscribe(["a/#", 2]);
    const payload = "x".repeat(300_000);
    for (const qos of [0, 1, 2] as const) {
      client.sendPublish("a/b", payload, { qos, packetId: 9 });
      await client.expectPublish({ topic: "a/b", payload, qos });
      if (qos > 0) await client.expectAck(qos === 1 ? "puback" : "pubrec", 9);
    }
    await server.close();
    await client.expectEnded(ReasonCode.serverShuttingDown);
    client.cut();
    await broker.close();
    assertEquals(server.connectionCount, 0);
    assertEquals(server.outboxBytes, 0);
  },
);

Deno.test("a peer that vanishes leaves no connection behind", async () => {
  const broker = new Broker();
  const server = new Server(broker, { sysIntervalSeconds: 0 });
  const listener = new TcpListener(HOST, 0);
  server.listen(listener);
  const watcher: RawClient = new RawClient(await connectTcp(HOST, listener.port), () => watcher.ping());
  await watcher.connect({ clientId: "watcher" });
  await watcher.subscribe(["will", 0]);
  const mortal: RawClient = new RawClient(await connectTcp(HOST, listener.port), () => watcher.ping());
  await mortal.connect({ clientId: "mortal", will: { topic: "will" } });
  mortal.cut();
  await watcher.expectPublish({ topic: "will", payload: "gone" });
  watcher.cut();
  await server.close();
  await broker.close();
  assertEquals(server.connectionCount, 0);
});
