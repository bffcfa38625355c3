import type { Version } from "../../broker/packet/mod.ts";

const VERSIONS: readonly (readonly [version: Version, name: string])[] = [[3, "3.1"], [4, "3.1.1"]];

/** A test for every version of the protocol. */
export function testVersions(name: string, run: (version: Version) => Promise<void> | void): void {
  for (const [version, text] of VERSIONS) Deno.test(`${name}, MQTT ${text}`, () => run(version));
}

/** A test for every sender's version with every receiver's. */
export function testVersionPairs(
  name: string,
  run: (sender: Version, receiver: Version) => Promise<void> | void,
): void {
  for (const [sender, from] of VERSIONS) {
    for (const [receiver, to] of VERSIONS) {
      Deno.test(`${name}, MQTT ${from} to ${to}`, () => run(sender, receiver));
    }
  }
}
