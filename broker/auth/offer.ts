/** What a listener offers, in the words of `OFFER_WORDS`: who shows anything else is not looked at there. */
export type Offer = ReadonlySet<string>;

/** @param offer undefined: all that is set up */
export function isOffered(offer: Offer | undefined, word: string | undefined): boolean {
  return offer === undefined || (word !== undefined && offer.has(word));
}
