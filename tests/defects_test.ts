// What becomes of a defect that no handler caught: a module that runs before the program has one for each signal.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { eventually } from "./support/eventually.ts";
import { run, serve, type Serving } from "./support/program.ts";

const DEFECTS = `
Deno.addSignalListener("SIGUSR2", () => void Promise.reject(new Error("a promise that nobody awaited")));
Deno.addSignalListener("SIGWINCH", () => setTimeout(() => { throw new Error("a throw that nobody caught"); }));
`;

/** Answers the exit code of a broker with these defects; the test has it end, or it is killed. */
async function codeOf(
  test: (serving: Serving, logged: (text: string) => Promise<void>) => Promise<void>,
): Promise<number> {
  const preload = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(preload, DEFECTS);
  const serving = await serve([], { preload });
  const { program } = serving;
  const logged = (text: string) => eventually(() => assertStringIncludes(program.stderr, text), 10_000);
  try {
    await logged("info  started");
    await test(serving, logged);
  } catch (error) {
    program.kill("SIGKILL");
    throw error;
  } finally {
    await Deno.remove(preload);
  }
  return (await program.finish()).code;
}

Deno.test("a promise that failed unseen is logged, and the broker goes on", async () => {
  const ended = await codeOf(async ({ program, mqttPort }, logged) => {
    program.kill("SIGUSR2");
    await logged('error internal-error error="Error: a promise that nobody awaited');
    const { code } = await run(["pub", "-p", String(mqttPort), "-t", "a", "-m", "x", "-q", "1"]);
    assertEquals(code, 0);
    program.kill("SIGTERM");
  });
  assertEquals(ended, 0);
});

Deno.test("a throw that nobody caught is logged, and ends the broker, whose state is in doubt", async () => {
  const ended = await codeOf(async ({ program }, logged) => {
    program.kill("SIGWINCH");
    await logged('error internal-error error="Error: a throw that nobody caught');
  });
  assertEquals(ended, 1);
});
