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
  const code =
    `Deno.listen({ transport: "unix", path: "${path}" }); console.log("listening"); setInterval(() => {}, 1e6)`;
  const broker = new Deno.Command(Deno.execPath(), { args: ["eval", code], stdout: "piped" }).spawn();
  const reader = broker.stdout.getReader();
  await reader.read();
  broker.kill("SIGKILL");
  await broker.status;
  await reader.cancel();
  assertEquals((await Deno.lstat(path)).isSocket, true);
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
