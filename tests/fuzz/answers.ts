import { assert, assertEquals } from "@std/assert";
import { within } from "../support/eventually.ts";
import type { SimulatedClock } from "../support/simulated_clock.ts";

/** The answer; one that waits for a time to pass gets it. */
export async function settled(answering: Promise<Response>, clock: SimulatedClock): Promise<Response> {
  let isDone = false;
  const done = answering.finally(() => isDone = true);
  for (let turn = 0; turn < 100 && !isDone; turn++) {
    await Promise.race([done, new Promise((resolve) => setImmediate(resolve))]);
    if (turn > 20) clock.advance(1_000);
  }
  return await within(done, () => "the request has no answer"); // Digests are made by another thread, in real time.
}

/** One that the bridge cut, because nobody read it, is left already. */
export async function leave(stream: ReadableStream): Promise<void> {
  await stream.cancel().catch(() => {});
}

/** Takes the answer's body apart; one that is a stream stays open for a while. */
export async function checkAnswer(response: Response, about: string, open: ReadableStream[]): Promise<void> {
  const { status, headers, body } = response;
  assert(status >= 200 && status <= 599 && status !== 500, `${about} got ${status}`);
  const type = headers.get("content-type") ?? "";
  if (status >= 400 && body) {
    assertEquals(type, "application/problem+json", about);
    const problem = await response.json();
    assertEquals(problem.status, status, about);
    assertEquals(typeof problem.title, "string", about);
  } else if (body && headers.get("cache-control")?.startsWith("no-store")) {
    open.push(body);
  } else {
    await response.arrayBuffer();
  }
}
