import { addressOwner } from "./ip_address.ts";
import { PlaceTable } from "./place_table.ts";

/** Who holds how many places, by the owner of the address; what has no address is not counted. */
export class AddressTable<Holder extends { readonly address?: string | undefined }> {
  readonly #places: PlaceTable<Holder>;

  /** @param max places for each; 0 for no bound, which keeps no table */
  constructor(max: number) {
    this.#places = new PlaceTable(max);
  }

  /** Gives a place, if there is one; who has one keeps it. */
  admit(holder: Holder): boolean {
    return holder.address === undefined || this.#places.admit(holder, addressOwner(holder.address));
  }

  /** Takes the place back, if it has one. */
  leave(holder: Holder): void {
    this.#places.leave(holder);
  }

  /** Addresses that somebody holds a place of. */
  get size(): number {
    return this.#places.size;
  }
}
