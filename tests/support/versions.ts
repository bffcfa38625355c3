import type { Version } from "../../broker/packet/mod.ts";

const NAMES = { 3: "3.1", 4: "3.1.1", 5: "5.0" } as const satisfies Record<Version, string>;

/** Where a statement is of 3.x alone. */
export const BEFORE_5: readonly Version[] = [3, 4];

/** 3.1.1 and 5.0 in every pair; 3.1, whose packets look like those of 3.1.1, with itself. */
const PAIRS: readonly (readonly [sender: Version, receiver: Version])[] = [[3, 3], [4, 4], [4, 5], [5, 4], [
  5,
  5,
]];

/** A test for every version of the protocol, or for those that it is about. */
export function testVersions(
  name: string,
  run: (version: Version) => Promise<void> | void,
  versions: readonly Version[] = [3, 4, 5],
): void {
  for (const version of versions) Deno.test(`${name}, MQTT ${NAMES[version]}`, () => run(version));
}

/** A test for every sender's version with every receiver's. */
export function testVersionPairs(
  name: string,
  run: (sender: Version, receiver: Version) => Promise<void> | void,
): void {
  for (const [sender, receiver] of PAIRS) {
    Deno.test(`${name}, MQTT ${NAMES[sender]} to ${NAMES[receiver]}`, () => run(sender, receiver));
  }
}

/** The reason code of MQTT 5.0, where 3.x has one for all failures of a subscription. */
export function subscribeFailure(version: Version, reasonCode: number): number {
  return version === 5 ? reasonCode : 0x80;
}
