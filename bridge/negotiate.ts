import { Problem } from "./middleware/problem.ts";

interface Accepted {
  readonly type: string;
  readonly quality: number;
}

/**
 * Picks the offered type that the `Accept` header likes best; between equals the one that the header, and then the
 * offer, names first.
 *
 * @param offered types, the default first: `*` and a missing header mean it
 */
export function negotiate<const Type extends string>(header: string | null, offered: readonly Type[]): Type {
  const accepted = readAccept(header ?? "*/*");
  for (const { type, quality } of accepted) {
    if (quality === 0) continue;
    const found = offered.find((offer) => covers(type, offer) && !isExcluded(offer, accepted));
    if (found !== undefined) return found;
  }
  throw new Problem("not-acceptable", `Cannot answer as ${(header ?? "").slice(0, 80)}`, {
    param: "Accept",
    hint: `served here: ${offered.join(", ")}`,
  });
}

/** Whether the header names exactly this type, wildcards aside. */
export function names(header: string | null, type: string): boolean {
  return readAccept(header ?? "").some((accepted) => accepted.type === type && accepted.quality > 0);
}

function readAccept(header: string): Accepted[] {
  const accepted = header.split(",").map((part) => {
    const [type = "", ...parameters] = part.split(";").map((text) => text.trim().toLowerCase());
    const quality = parameters.find((parameter) => parameter.startsWith("q="));
    return { type, quality: quality === undefined ? 1 : Number(quality.slice(2)) || 0 };
  });
  // Sorting is stable, so equals stay in the order of the header; a wildcard comes after what is named.
  return accepted.filter(({ type }) => type !== "")
    .sort((a, b) => b.quality - a.quality || Number(isWide(a.type)) - Number(isWide(b.type)));
}

function isWide(type: string): boolean {
  return type.endsWith("*");
}

function covers(range: string, type: string): boolean {
  if (range === "*/*" || range === "*") return true;
  return range.endsWith("/*") ? type.startsWith(range.slice(0, -1)) : range === type;
}

function isExcluded(type: string, accepted: readonly Accepted[]): boolean {
  return accepted.some((other) => other.type === type && other.quality === 0);
}
