import type { Spare } from "../../broker/core/descriptor_reserve.ts";

/** A system with so many descriptors. */
export class FewDescriptors {
  inUse = 0;
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
  }

  readonly open = (): Spare => {
    if (this.inUse >= this.#count) throw outOfDescriptors();
    this.inUse++;
    let isOpen = true;
    return {
      close: () => {
        if (!isOpen) throw new Error("It was closed before");
        isOpen = false;
        this.inUse--;
      },
    };
  };
}

/** What Deno throws when there are none left. */
export function outOfDescriptors(): Error {
  return Object.assign(new Error("Too many open files (os error 24)"), { code: "EMFILE" });
}
