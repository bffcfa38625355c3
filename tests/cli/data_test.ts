import { assert, assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { openClient, portsOf, runPregon, serveProcess } from "../support/serve_process.ts";
import type { RawClient } from "../support/raw_client.ts";

const KEEPER = { clientId: "keeper", cleanStart: false };

async function inFolder(run: (folder: string, data: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder, `${folder}/data`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function run(...args: string[]) {
  await using process = runPregon(args, "000");
  const { code, text, stderr } = await process.outcome();
  return { code, stdout: text, stderr };
}

/** A broker with a retained message, a session that waits, and a client that publishes to it. */
async function startBusy(data: string) {
  const process = serveProcess(data);
  const ports = await portsOf(process);
  const keeper = await openClient(ports);
  await keeper.connect(KEEPER);
  await keeper.subscribe(["a", 1]);
  await keeper.disconnect();
  const publisher = await openClient(ports);
  await publisher.connect({ clientId: "publisher", cleanStart: false });
  await publisher.publish("r", "kept", { qos: 1, retain: true });
  return { process, ports, publisher };
}

async function publishNumbers(publisher: RawClient, from: number, to: number): Promise<void> {
  for (let number = from; number <= to; number++) await publisher.publish("a", `${number}`, { qos: 1 });
}

/** The number after the name in what `check` prints. */
function count(stdout: string, name: string): number {
  return Number(new RegExp(`^  ${name} +(\\d+)$`, "m").exec(stdout)?.[1]);
}

function appearance(path: string) {
  const { mtime, mode } = Deno.statSync(path);
  return { bytes: Deno.readFileSync(path), mtime: mtime?.getTime(), mode };
}

Deno.test("check counts what is there while the broker runs, and changes nothing when it does not", async () => {
  await inFolder(async (_, data) => {
    const { process, publisher } = await startBusy(data);
    await using _process = process;
    await publishNumbers(publisher, 1, 7);
    const running = await run("check", data);
    assertEquals([running.code, running.stderr], [0, ""]);
    assertStringIncludes(running.stdout, `${data}/pregon.db: sound\n`);
    assertMatch(running.stdout, /schema +version 1\n/);
    for (
      const [name, number] of [["session", 2], ["delivery", 7], ["message", 8], ["retained", 1], [
        "left over",
        0,
      ]]
    ) {
      assertEquals(count(running.stdout, `${name}`), number, `${name} in ${running.stdout}`);
    }
    await publishNumbers(publisher, 8, 8);
    publisher.cut();
    await process.end();
    const before = appearance(`${data}/pregon.db`);
    const stopped = await run("check", data);
    assertEquals([stopped.code, count(stopped.stdout, "delivery")], [0, 8]);
    assertEquals(appearance(`${data}/pregon.db`), before);
  });
});

Deno.test("check tells what is lost, and what is only left over", async () => {
  await inFolder(async (_, data) => {
    const { process, publisher } = await startBusy(data);
    await using _process = process;
    await publishNumbers(publisher, 1, 3);
    publisher.cut();
    await process.end();
    const path = `${data}/pregon.db`;
    change(
      path,
      "INSERT INTO delivery SELECT delivery_id + 100, 77, sequence, 1, 0, 0, NULL, NULL FROM delivery",
    );
    const tidy = await run("check", data);
    assertEquals([tidy.code, count(tidy.stdout, "left over")], [0, 3]);
    change(path, "DELETE FROM message; INSERT INTO inbound VALUES (99, 1)");
    const lost = await run("check", data);
    assertEquals(lost.code, 1);
    for (
      const problem of [
        "damaged",
        "1 retained topics have no message",
        "3 deliveries have no message",
        "1 rows of inbound have no session",
      ]
    ) assertStringIncludes(lost.stdout, problem);
    const bytes = Deno.readFileSync(path);
    for (let page = 2; page < bytes.length / 4096; page++) bytes.fill(0x55, page * 4096, (page + 1) * 4096);
    Deno.writeFileSync(path, bytes);
    const damaged = await run("check", data);
    assertEquals(damaged.code, 1);
    assertMatch(damaged.stdout + damaged.stderr, /damaged|malformed/);
    assertEquals(damaged.stderr.includes("    at "), false, damaged.stderr);
  });
});

function change(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

Deno.test("check and backup refuse in one line what they cannot read, and arguments that are missing", async () => {
  await inFolder(async (folder, data) => {
    const copy = `${folder}/copy.db`;
    for (const args of [["check", data], ["backup", data, copy]]) {
      const stderr = `Cannot read ${data}: it does not exist\n`;
      assertEquals(await run(...args), { code: 1, stdout: "", stderr });
    }
    Deno.mkdirSync(data);
    for (const [args, what] of [[["check", data], "check"], [["backup", data, copy], "back up"]] as const) {
      const stderr = `Cannot ${what} ${data}/pregon.db: there is nothing in it\n`;
      assertEquals(await run(...args), { code: 1, stdout: "", stderr });
    }
    Deno.writeTextFileSync(`${data}/pregon.db`, "something else");
    for (const args of [["check", data], ["backup", data, copy]]) {
      const { code, stderr } = await run(...args);
      assertEquals(code, 1);
      assertStringIncludes(stderr, "it is not a database");
    }
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["data"]);
    for (
      const [args, message] of [
        [["check"], "Missing DATA: Folder with the data, as given to --data, or the file itself"],
        [["backup", data], "Missing FILE: The copy; it must not be there yet"],
        [["check", data, "more"], 'Unknown argument "more": expected a flag'],
      ] as const
    ) assertEquals(await run(...args), { code: 2, stdout: "", stderr: `${message}\n` });
    for (const command of ["check", "backup"]) {
      const { code, stdout } = await run(command, "--help");
      assertEquals(code, 0);
      assertStringIncludes(stdout, `Usage: pregon ${command} DATA`);
    }
  });
});

Deno.test("a backup of a broker that is busy has all that was acknowledged, and nothing behind a hole", async () => {
  await inFolder(async (folder, data) => {
    const { process, ports, publisher } = await startBusy(data);
    await using _process = process;
    await publishNumbers(publisher, 1, 50);
    const copy = `${folder}/copy.db`;
    const backingUp = run("backup", data, copy);
    let last = 50;
    let isDone = false;
    void backingUp.then(() => isDone = true);
    while (!isDone) await publishNumbers(publisher, last + 1, last += 10);
    const { code, stdout, stderr } = await backingUp;
    assertEquals([code, stderr], [0, ""]);
    assertEquals(stdout, `${copy}: ${Deno.statSync(copy).size} bytes\n`);
    assertEquals(Deno.statSync(copy).mode! & 0o777, 0o600);
    const checked = await run("check", copy);
    assertEquals([checked.code, checked.stdout.split("\n")[0]], [0, `${copy}: sound`]);
    assertEquals(count(checked.stdout, "session"), 2);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), ["copy.db", "data"]);
    const original = await idOf(ports.url);
    publisher.cut();

    Deno.mkdirSync(`${folder}/restored`);
    Deno.copyFileSync(copy, `${folder}/restored/pregon.db`);
    await using restored = serveProcess(`${folder}/restored`);
    const restoredPorts = await portsOf(restored);
    const other = await idOf(restoredPorts.url);
    assertNotEquals(other.epoch, original.epoch);
    assertEquals(other.sequence, original.sequence, "The same message");
    const back = await openClient(restoredPorts);
    assert(await back.connect(KEEPER));
    let received = 0;
    for (let packet = back.take(); received < 50; packet = await back.receive()) {
      if (packet?.type !== "publish") continue;
      assertEquals(new TextDecoder().decode(packet.payload), `${++received}`);
      back.sendAck("puback", packet.packetId);
    }
    back.cut();
    await fetch(`${restoredPorts.url}/topics/r`, { method: "PUT", body: "changed" });
    assert((await idOf(restoredPorts.url)).sequence > other.sequence);
  });
});

/** The id of the retained message. */
async function idOf(url: string): Promise<{ epoch: string; sequence: number }> {
  const response = await fetch(`${url}/topics/r`);
  await response.body?.cancel();
  const [epoch, sequence] = response.headers.get("etag")!.replaceAll('"', "").split("-");
  return { epoch: epoch!, sequence: Number(sequence) };
}

Deno.test("a backup forgets which QoS 2 messages clients were publishing: a new one is not taken for such", async () => {
  await inFolder(async (folder, data) => {
    const { process, ports, publisher } = await startBusy(data);
    await using _process = process;
    publisher.sendPublish("a", "old", { qos: 2, packetId: 9 });
    await publisher.expectAck("pubrec", 9);
    assertEquals((await run("backup", data, `${folder}/copy.db`)).code, 0);
    publisher.cut();
    assert(ports.mqttPort > 0);
    Deno.mkdirSync(`${folder}/restored`);
    Deno.renameSync(`${folder}/copy.db`, `${folder}/restored/pregon.db`);
    await using restored = serveProcess(`${folder}/restored`);
    const client = await openClient(await portsOf(restored));
    await client.connect({ clientId: "publisher", cleanStart: false });
    await client.publish("a", "new", { qos: 2, packetId: 9 });
    const back = await openClient(await portsOf(restored));
    await back.connect(KEEPER);
    await back.takePublish({ topic: "a", payload: "old", qos: 1 });
    await back.takePublish({ topic: "a", payload: "new", qos: 1 });
    client.cut();
    back.cut();
  });
});

Deno.test("a backup overwrites nothing, and leaves nothing of one that failed", async () => {
  await inFolder(async (folder, data) => {
    const { process, publisher } = await startBusy(data);
    await using _process = process;
    publisher.cut();
    const copy = `${folder}/copy.db`;
    Deno.writeTextFileSync(copy, "precious");
    assertEquals(await run("backup", data, copy), {
      code: 1,
      stdout: "",
      stderr: `Cannot write ${copy}: it is there already, and a backup overwrites nothing\n`,
    });
    assertEquals(Deno.readTextFileSync(copy), "precious");
    Deno.removeSync(copy);
    Deno.symlinkSync(`${folder}/nowhere`, copy);
    assertStringIncludes((await run("backup", data, copy)).stderr, "it is there already");
    Deno.removeSync(copy);
    Deno.writeTextFileSync(`${copy}.part`, "");
    assertStringIncludes((await run("backup", data, copy)).stderr, `remove ${copy}.part\n`);
    Deno.removeSync(`${copy}.part`);
    const nowhere = await run("backup", data, `${folder}/no/copy.db`);
    assertEquals(nowhere.code, 1);
    assertStringIncludes(nowhere.stderr, `Cannot write ${folder}/no/copy.db`);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["data"]);
    assertEquals((await run("backup", data, copy)).code, 0);
  });
});
