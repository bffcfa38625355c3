/**
 * The members of one shared subscription, who take turns.
 *
 *     members   │ a │ b │ c │
 *                     ▲ next
 *
 * Whoever was chosen last comes last; who cannot take something is passed over and keeps its place.
 */
export class ShareGroup<Member extends NonNullable<unknown>> {
  /** What the members share. */
  readonly filter: string;
  #keys: string[] = [];
  #members: Member[] = [];
  #next = 0;

  constructor(filter: string) {
    this.filter = filter;
  }

  get size(): number {
    return this.#members.length;
  }

  get(key: string): Member | undefined {
    return this.#members[this.#keys.indexOf(key)];
  }

  /** Adds the member, or puts it in the place of the earlier one with the same key, which it answers. */
  set(key: string, member: Member): Member | undefined {
    const index = this.#keys.indexOf(key);
    if (index < 0) {
      this.#keys.push(key);
      this.#members.push(member);
      return undefined;
    }
    const previous = this.#members[index];
    this.#members[index] = member;
    return previous;
  }

  delete(key: string): Member | undefined {
    const index = this.#keys.indexOf(key);
    if (index < 0) return undefined;
    this.#keys.splice(index, 1);
    if (index < this.#next) this.#next--;
    return this.#members.splice(index, 1)[0];
  }

  some(holds: (member: Member) => boolean): boolean {
    return this.#members.some(holds);
  }

  /** The first member, from the one whose turn it is, that takes what there is to take; undefined if none does. */
  choose(takes: (member: Member) => boolean): Member | undefined {
    const { length } = this.#members;
    for (let offset = 0; offset < length; offset++) {
      const index = (this.#next + offset) % length;
      const member = this.#members[index]!;
      if (!takes(member)) continue;
      this.#next = index + 1; // Not wrapped yet: a member that joins now is next.
      return member;
    }
    return undefined;
  }
}
