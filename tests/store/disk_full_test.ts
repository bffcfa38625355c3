import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { TOOL_PATIENCE_MS } from "../interop/support/tool_process.ts";
import { eventually } from "../support/eventually.ts";
import { openClient, type Ports, portsOf, serveProcess } from "../support/serve_process.ts";
import type { RawClient } from "../support/raw_client.ts";
import { requireMount, SmallDisk } from "../support/small_disk.ts";
import type { Version } from "../../broker/packet/mod.ts";

const test = requireMount();
const KEEPER = { clientId: "keeper", cleanStart: false };

async function connect(ports: Ports, version: Version, clientId: string): Promise<RawClient> {
  const client = await openClient(ports);
  await client.connect({ version, clientId });
  return client;
}

async function readiness({ url }: Ports): Promise<string> {
  return await (await fetch(`${url}/readyz`)).text();
}

/** Publishes what the disk has no room for, until that shows: the connection ends without an acknowledgement. */
async function publishUntilFull(ports: Ports, acknowledged: string[]): Promise<void> {
  const publisher = await connect(ports, 4, "filler");
  for (let number = 1; number < 1_000; number++) {
    const payload = `${number} `.padEnd(20_000, "x");
    publisher.sendPublish("a", payload, { qos: 1, packetId: number });
    const packet = await publisher.receive();
    if (!packet) return;
    assertEquals(packet, { type: "puback", packetId: number, reasonCode: 0 });
    acknowledged.push(payload);
  }
  throw new Error("The disk does not become full");
}

test("on a full disk whoever needs it hears so, others go on, and it goes on by itself when there is room", async () => {
  await using disk = await SmallDisk.mount();
  await using process = serveProcess(disk.data);
  const ports = await portsOf(process);
  const acknowledged: string[] = [];
  const keeper = await openClient(ports);
  await keeper.connect(KEEPER);
  await keeper.subscribe(["a", 1]);
  await keeper.disconnect();
  await fetch(`${ports.url}/topics/r`, { method: "PUT", body: "before" });
  const early = await connect(ports, 5, "early");
  const reader = await connect(ports, 4, "reader");
  await reader.subscribe(["live", 0]);

  disk.fill();
  await publishUntilFull(ports, acknowledged);
  assertEquals(await readiness(ports), "store-full\n");
  for (const client of [early, await connect(ports, 5, "late")]) {
    client.sendPublish("a", "refused", { qos: 1, packetId: 1 });
    const packet = await client.receive();
    assertEquals(packet?.type === "puback" && packet.reasonCode, 0x97);
  }
  const old = await connect(ports, 4, "old");
  old.sendPublish("a", "refused", { qos: 1, packetId: 1 });
  await old.expectClosed();
  const put = await fetch(`${ports.url}/topics/r`, { method: "PUT", body: "refused" });
  assertEquals([put.status, put.headers.get("content-type")], [503, "application/problem+json"]);
  const problem = await put.json();
  assert(problem.type.endsWith("/not-kept"), problem.type);
  assertStringIncludes(problem.detail, "the disk is full");
  early.sendPublish("live", "goes on");
  await reader.expectPublish({ topic: "live", payload: "goes on" });
  assertEquals(await (await fetch(`${ports.url}/topics/r`)).text(), "before");

  disk.free();
  await eventually(async () => assertEquals(await readiness(ports), "ready\n"), TOOL_PATIENCE_MS);
  await process.prints("store-recovered");
  early.sendPublish("a", "after", { qos: 1, packetId: 2 });
  await early.expectAck("puback", 2);
  acknowledged.push("after");
  const { stderr } = await process.end("SIGKILL");
  assertEquals(stderr.match(/commit-failed/g)?.length, 1, stderr);

  await using next = serveProcess(disk.data);
  const nextPorts = await portsOf(next);
  const back = await openClient(nextPorts);
  await back.connect(KEEPER);
  const received = new Set<string>();
  while (!received.has("after")) {
    const packet = await back.receivePublish();
    received.add(new TextDecoder().decode(packet.payload));
    back.sendAck("puback", packet.packetId);
  }
  assertEquals(acknowledged.filter((payload) => !received.has(payload)), []);
  assert(!received.has("refused"));
  for (const client of [early, reader, back]) client.cut();
});

test("on a disk that is full already the program says so in one line and ends", async () => {
  await using disk = await SmallDisk.mount();
  disk.fill();
  await using process = serveProcess(disk.data);
  const { code, stderr } = await process.outcome();
  assertEquals(code, 1);
  assertStringIncludes(stderr, disk.data);
  assertEquals(stderr.includes("    at "), false, stderr);
});
