import { addressOwner } from "./ip_address.ts";

/** Who holds how many places, by the owner of the address; what has no address is not counted. */
export class AddressTable<Holder extends { readonly address?: string | undefined }> {
  readonly #max: number;
  readonly #owners = new Map<Holder, string>();
  readonly #counts = new Map<string, number>();

  /** @param max places for each; 0 for no bound, which keeps no table */
  constructor(max: number) {
    this.#max = max;
  }

  /** Gives a place, if there is one; who has one keeps it. */
  admit(holder: Holder): boolean {
    if (this.#max === 0 || holder.address === undefined || this.#owners.has(holder)) return true;
    const owner = addressOwner(holder.address);
    const count = this.#counts.get(owner) ?? 0;
    if (count >= this.#max) return false;
    this.#owners.set(holder, owner);
    this.#counts.set(owner, count + 1);
    return true;
  }

  /** Takes the place back, if it has one. */
  leave(holder: Holder): void {
    const owner = this.#owners.get(holder);
    if (owner === undefined) return;
    this.#owners.delete(holder);
    const count = this.#counts.get(owner)! - 1;
    if (count > 0) this.#counts.set(owner, count);
    else this.#counts.delete(owner);
  }

  /** Addresses that somebody holds a place of. */
  get size(): number {
    return this.#counts.size;
  }
}
