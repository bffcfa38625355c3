import { assertEquals, assertRejects } from "@std/assert";
import { connectUnix, UnixListener } from "../../broker/transport/unix.ts";
import { testTransport } from "../contract/transport_contract.ts";

const folder = Deno.makeTempDirSync({ prefix: "pregon-unix-" });
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
const path = `${folder}/mqtt.sock`;

testTransport({
  name: "unix",
  listen: () => UnixListener.open(path, 0o660),
  connect: () => connectUnix(path),
});

Deno.test("the socket has the mode that was asked for, and goes with its listener", async () => {
  for (const mode of [0o600, 0o660, 0o666]) {
    const listener = await UnixListener.open(path, mode);
    assertEquals(((await Deno.lstat(path)).mode! & 0o777).toString(8), mode.toString(8));
    assertEquals([listener.url, listener.port], [`unix:${path}`, 0]);
    listener.close();
    await assertRejects(() => Deno.lstat(path), Deno.errors.NotFound);
  }
});

Deno.test("a socket that somebody listens on stays, and the second listener hears of it", async () => {
  const listener = await UnixListener.open(path, 0o600);
  await assertRejects(() => UnixListener.open(path, 0o600), Deno.errors.AddrInUse, "Somebody listens");
  const accepting = listener.accept();
  (await connectUnix(path)).close();
  (await accepting)!.close();
  listener.close();
});

Deno.test("a socket that nobody listens on is left over, and goes", async () => {
  // As a broker that was killed leaves it: its socket is closed, its file stays.
  const killed = Deno.listen({ transport: "unix", path });
  killed.close();
  assertEquals((await Deno.lstat(path)).isSocket, true, "The system takes it away by itself");
  const listener = await UnixListener.open(path, 0o600);
  const accepting = listener.accept();
  (await connectUnix(path)).close();
  (await accepting)!.close();
  listener.close();
});

Deno.test("something else than a socket stays where it is", async () => {
  const file = `${folder}/users`;
  await Deno.writeTextFile(file, "ana");
  await assertRejects(() => UnixListener.open(file, 0o600), Deno.errors.AddrInUse, "no socket");
  assertEquals(await Deno.readTextFile(file), "ana");
});

Deno.test("a socket that another listener put in its place stays when the first one closes", async () => {
  const first = await UnixListener.open(path, 0o600);
  await Deno.remove(path);
  const second = await UnixListener.open(path, 0o600);
  first.close();
  assertEquals((await Deno.lstat(path)).isSocket, true);
  second.close();
});
