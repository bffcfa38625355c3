import type { Backplane } from "./backplane.ts";

/** A cluster of one: there is nobody to carry a message to. */
export const singleNode: Backplane = {
  forward() {},
  close: () => Promise.resolve(),
};
