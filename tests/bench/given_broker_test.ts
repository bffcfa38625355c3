import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { UsageError } from "../../broker/cli/command_line.ts";
import { commandAt, givenBroker, givenOf } from "./given_broker.ts";

const DENO = Deno.execPath();
/** Says nothing to anybody, but is there. */
const SERVER = 'for await(const link of Deno.listen({hostname:"127.0.0.1",port:+Deno.args[0]}))link.close()';

Deno.test("a peer has the name before the first equals sign, and the words of its command behind it", () => {
  const [relay, other] = givenOf([
    `relay=${DENO} --port={port}  --level=3`,
    ` other one = deno {port}:{port} `,
  ]);
  assertEquals(relay, { name: "relay", command: [DENO, "--port={port}", "--level=3"] });
  assertEquals(other, { name: "other one", command: ["deno", "{port}:{port}"] });
  assertEquals(givenOf([]), []);
});

Deno.test("the port comes wherever the command asks for it", () => {
  const given = { name: "relay", command: ["relay", "-p", "{port}", "127.0.0.1:{port}/{port}"] } as const;
  assertEquals(commandAt(given, 1883), ["relay", "-p", "1883", "127.0.0.1:1883/1883"]);
});

Deno.test("a peer that cannot be used is refused with what is wrong with it", () => {
  const wrong: readonly [texts: readonly string[], why: string][] = [
    [["relay"], 'Cannot use --peer "relay": NAME=COMMAND is needed'],
    [["=deno {port}"], 'Cannot use --peer "=deno {port}": NAME=COMMAND is needed'],
    [["relay= "], 'Cannot use --peer "relay= ": NAME=COMMAND is needed'],
    [["relay=deno 1883"], "{port} is needed among the arguments of COMMAND"],
    [["relay=/nowhere/relay {port}"], "there is no program /nowhere/relay"],
    [["relay=no-such-program {port}"], "there is no program no-such-program"],
    [["a=deno {port}", "a=deno -x {port}"], 'Cannot use --peer "a=deno -x {port}": the name a is taken'],
    [["the Pregón=deno {port}"], "the name the Pregón is taken"],
  ];
  for (const [texts, why] of wrong) assertThrows(() => givenOf(texts), UsageError, why);
});

Deno.test("a peer is ready when somebody listens on its port", async () => {
  const broker = givenBroker({ name: "silent", command: [DENO, "eval", SERVER, "{port}"] });
  await using process = await broker.start();
  (await Deno.connect({ hostname: "127.0.0.1", port: process.port })).close();
});

Deno.test("a peer that ends before it listens says with what", async () => {
  const script = 'console.error("No such option");Deno.exit(3)';
  const broker = givenBroker({ name: "broken", command: [DENO, "eval", script, "{port}"] });
  await assertRejects(() => broker.start(), Error, "It ended with 3 before it listened: No such option");
});
