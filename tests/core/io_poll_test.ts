import { assertEquals } from "@std/assert";
import { IoPoll } from "../../broker/core/io_poll.ts";

/** How often something that is always ready may run before the event loop asks for what came in. */
const CHANCES = 61;

Deno.test("beside work that is always ready, what came in is read at the next poll", async () => {
  const poll = new IoPoll();
  await poll.next(); // It is open now.
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using near = await Deno.connect({ port: listener.addr.port });
  using far = await listener.accept();
  let readCount = 0;
  const reading = far.read(new Uint8Array(1)).then(() => readCount++);
  near.write(Uint8Array.of(1));
  for (let polls = 0; readCount === 0 && polls < CHANCES; polls++) await poll.next();
  assertEquals(readCount, 1);
  await reading;
  await poll.close();
});

Deno.test("it goes on after it was closed, and closing it again or unused is nothing", async () => {
  const poll = new IoPoll();
  await poll.close();
  await poll.next();
  await poll.close();
  const used = new IoPoll();
  await used.next();
  await used.close();
  await used.next();
});
