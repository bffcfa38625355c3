import { assertEquals, assertRejects } from "@std/assert";
import { ClosedError, PacketError } from "../../broker/client/mod.ts";
import { IN_FLIGHT_MAX } from "../../broker/client/publisher.ts";
import { SENDER_BYTES_MAX } from "../../broker/client/sender.ts";
import { connectedPair, end, idle, isSettled, textOf } from "./scripted_peer.ts";

Deno.test("a QoS 0 publish resolves when it is with the system", async () => {
  const pair = await connectedPair();
  await pair.client.publish("a/b", "21.5", { retain: true });
  const { topic, payload, qos, retain } = await pair.peer.expect("publish");
  assertEquals([topic, textOf(payload), qos, retain], ["a/b", "21.5", 0, true]);
  await end(pair);
});

Deno.test("a QoS 1 publish resolves with its PUBACK and no other", async () => {
  const pair = await connectedPair();
  const publishing = pair.client.publish("a", Uint8Array.of(0, 255), { qos: 1 });
  const { packetId, payload } = await pair.peer.expect("publish");
  assertEquals([...payload], [0, 255]);
  await pair.peer.ack("puback", packetId + 1);
  await pair.peer.ack("pubcomp", packetId);
  assertEquals(await isSettled(publishing), false);
  await pair.peer.ack("puback", packetId);
  await publishing;
  await end(pair);
});

Deno.test("a QoS 2 publish resolves with PUBCOMP, after PUBREC and PUBREL", async () => {
  const pair = await connectedPair();
  const publishing = pair.client.publish("a", "x", { qos: 2 });
  const { packetId } = await pair.peer.expect("publish");
  await pair.peer.ack("pubrec", packetId);
  assertEquals((await pair.peer.expect("pubrel")).packetId, packetId);
  await pair.peer.ack("pubrec", packetId); // Sent again: PUBREL is the answer again.
  await pair.peer.expect("pubrel");
  assertEquals(await isSettled(publishing), false);
  await pair.peer.ack("pubcomp", packetId);
  await publishing;
  await end(pair);
});

Deno.test("publishes beyond the window wait, and go out in their order", async () => {
  const pair = await connectedPair();
  const count = IN_FLIGHT_MAX[1] + 2;
  const publishing = Array.from(
    { length: count },
    (_, index) => pair.client.publish("a", `${index}`, { qos: 1 }),
  );
  publishing.push(pair.client.publish("a", "last"));
  const ids: number[] = [];
  for (let index = 0; index < IN_FLIGHT_MAX[1]; index++) {
    const packet = await pair.peer.expect("publish");
    assertEquals(textOf(packet.payload), `${index}`);
    ids.push(packet.packetId);
  }
  assertEquals(new Set(ids).size, ids.length);
  const next = pair.peer.receive();
  assertEquals(await isSettled(next), false, "The window is full");
  await pair.peer.ack("puback", ids[0]!);
  const packet = await next;
  assertEquals(packet?.type === "publish" && textOf(packet.payload), `${IN_FLIGHT_MAX[1]}`);
  await pair.peer.ack("puback", ids[1]!);
  const last = await pair.peer.expect("publish");
  assertEquals(textOf(last.payload), `${IN_FLIGHT_MAX[1] + 1}`);
  assertEquals((await pair.peer.expect("publish")).qos, 0, "QoS 0 does not overtake");
  for (const id of [...ids.slice(2), packet?.type === "publish" ? packet.packetId : 0, last.packetId]) {
    await pair.peer.ack("puback", id);
  }
  await Promise.all(publishing);
  await end(pair);
});

Deno.test("no more QoS 2 messages are begun than mosquitto takes, however fast they come", async () => {
  const pair = await connectedPair();
  const count = IN_FLIGHT_MAX[2] * 3;
  const publishing = Array.from({ length: count }, () => pair.client.publish("a", "x", { qos: 2 }));
  const open: number[] = [];
  let [mostOpen, begun, done] = [0, 0, 0];
  while (done < count) {
    const packet = await pair.peer.receive();
    if (packet?.type === "publish") {
      open.push(packet.packetId);
      mostOpen = Math.max(mostOpen, open.length);
      begun++;
    } else if (packet?.type === "pubrel") {
      await pair.peer.ack("pubcomp", packet.packetId);
      open.shift();
      done++;
    }
    // Only now: nothing but an answer may make room.
    const isStuck = open.length === IN_FLIGHT_MAX[2] || (begun === count && open.length > 0);
    if (isStuck) await pair.peer.ack("pubrec", open[0]!);
  }
  assertEquals(mostOpen, IN_FLIGHT_MAX[2]);
  await Promise.all(publishing);
  await end(pair);
});

Deno.test("publishing waits while the broker does not read", async () => {
  const pair = await connectedPair();
  const payload = new Uint8Array(SENDER_BYTES_MAX / 4);
  const publishing = Array.from({ length: 8 }, () => pair.client.publish("a", payload));
  assertEquals(await isSettled(publishing[0]!), false);
  for (let index = 0; index < 8; index++) {
    assertEquals((await pair.peer.expect("publish")).payload.length, payload.length);
  }
  await Promise.all(publishing);
  await end(pair);
});

Deno.test("packet identifiers go round without those that are in use", async () => {
  const pair = await connectedPair();
  const first = pair.client.publish("a", "x", { qos: 1 });
  assertEquals((await pair.peer.expect("publish")).packetId, 1);
  for (let id = 2; id <= 65_535; id++) {
    const publishing = pair.client.publish("a", "x", { qos: 1 });
    await pair.peer.ack("puback", (await pair.peer.receive() as { packetId: number }).packetId);
    await publishing;
  }
  const next = pair.client.publish("a", "x", { qos: 1 });
  assertEquals((await pair.peer.expect("publish")).packetId, 2);
  await pair.peer.ack("puback", 1);
  await pair.peer.ack("puback", 2);
  await Promise.all([first, next]);
  await end(pair);
});

Deno.test("a lost connection rejects what was under way and what comes later", async () => {
  const { client, peer } = await connectedPair();
  const publishing = client.publish("a", "x", { qos: 2 });
  await peer.expect("publish");
  peer.link.close();
  await assertRejects(() => publishing, ClosedError, "The broker closed the connection");
  await assertRejects(() => client.publish("a", "x"), ClosedError, "The broker closed the connection");
  assertEquals((await client.closed)?.name, "ClosedError");
});

Deno.test("a publish that cannot be said rejects alone", async () => {
  const pair = await connectedPair();
  await assertRejects(() => pair.client.publish("a/+", "x"), TypeError, "wildcards");
  await assertRejects(() => pair.client.publish("", "x"), TypeError);
  await assertRejects(() => pair.client.publish("a\0b", "x"), PacketError);
  await assertRejects(() => pair.client.publish("x".repeat(65_536), "x", { qos: 1 }), PacketError);
  const publishing = pair.client.publish("a", "x", { qos: 1 });
  await pair.peer.ack("puback", (await pair.peer.expect("publish")).packetId);
  await publishing;
  await end(pair);
});

Deno.test("what only a client may send ends the connection", async () => {
  const { client, peer } = await connectedPair();
  await peer.send({ type: "pingreq" });
  await idle();
  await assertRejects(() => client.publish("a", "x"), ClosedError, "Cannot accept PINGREQ from a broker");
});
