import { assertEquals, assertThrows } from "@std/assert";
import { MemoryListener } from "../../broker/transport/memory.ts";
import { testTransport } from "../contract/transport_contract.ts";

testTransport({
  name: "memory",
  listen: () => new MemoryListener(),
  connect: (listener) => (listener as MemoryListener).connect(),
});

Deno.test("links that came before anybody accepts wait for that", async () => {
  const listener = new MemoryListener();
  const near = [listener.connect(), listener.connect()];
  for (const [index, link] of near.entries()) {
    const far = await listener.accept();
    await link.write(Uint8Array.of(index));
    const buffer = new Uint8Array(1);
    await far!.read(buffer);
    assertEquals([...buffer], [index]);
    far!.close();
  }
  listener.close();
  assertThrows(() => listener.connect(), Deno.errors.ConnectionRefused);
});
