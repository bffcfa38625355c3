/** The attacking process: prints "full" when the attack is at its strength, and goes on until it is ended. */
import { ATTACKS } from "./attacks.ts";

if (import.meta.main) {
  const [name = "", port, count] = Deno.args;
  await ATTACKS[name]!.run(Number(port), Number(count), () => console.log("full"));
}
