/** Who holds how many places, by whoever they are counted for. */
export class PlaceTable<Holder> {
  readonly #max: number;
  readonly #owners = new Map<Holder, string>();
  readonly #counts = new Map<string, number>();

  /** @param max places for each owner; 0 for no bound, which keeps no table */
  constructor(max: number) {
    this.#max = max;
  }

  /** Whether there is a place for the owner. One that the holder has already is the owner's to go on with. */
  hasRoom(holder: Holder | undefined, owner: string): boolean {
    if (this.#max === 0 || (holder !== undefined && this.#owners.get(holder) === owner)) return true;
    return (this.#counts.get(owner) ?? 0) < this.#max;
  }

  /** Gives a place, if there is one; who has one keeps it. */
  admit(holder: Holder, owner: string): boolean {
    if (this.#max === 0 || this.#owners.has(holder)) return true;
    if (!this.hasRoom(holder, owner)) return false;
    this.#owners.set(holder, owner);
    this.#counts.set(owner, (this.#counts.get(owner) ?? 0) + 1);
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

  /** Owners that somebody holds a place for. */
  get size(): number {
    return this.#counts.size;
  }
}
