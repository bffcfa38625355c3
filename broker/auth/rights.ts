import type { Action, Rights } from "../core/identity.ts";
import { checkFilter, isReserved, isShared, matches } from "../topic/name.ts";

const LISTS = ["publish", "subscribe", "read"] as const satisfies (keyof Rights)[];

/**
 * The rights among the claims. None of the lists: nothing is said of rights, so undefined. One of them: the others are
 * empty, since whoever names what somebody may subscribe to does not mean that they may publish everything.
 *
 * @param fail says what is wrong; what is meant as a bound must not be overlooked
 */
export function parseRights(
  claims: Readonly<Record<string, unknown>>,
  fail: (problem: string) => never,
): Rights | undefined {
  if (LISTS.every((list) => claims[list] === undefined)) return undefined;
  const [publish, subscribe, read] = LISTS.map((list) => parseFilters(list, claims[list], fail));
  return { publish: publish!, subscribe: subscribe!, read: read! };
}

/** The list of texts under this name; empty if there is none. */
export function parseTexts(
  name: string,
  value: unknown,
  fail: (problem: string) => never,
): readonly string[] {
  if (value === undefined) return [];
  if (Array.isArray(value) && value.every((each) => typeof each === "string")) return value;
  return fail(`${name} is not a list of texts`);
}

export function allows({ publish, subscribe, read }: Rights, action: Action, topicOrFilter: string): boolean {
  const isMatch = (filter: string) => matches(filter, topicOrFilter);
  switch (action) {
    case "publish":
      return publish.some(isMatch);
    case "receive":
      return subscribe.some(isMatch) || read.some(isMatch);
    case "subscribe":
      return subscribe.some((filter) => covers(filter, topicOrFilter));
  }
}

/** Whether every topic that the narrow filter matches is one of the wide filter's. Says no where it is not obvious. */
export function covers(wide: string, narrow: string): boolean {
  const [allowed, wanted] = [wide.split("/"), narrow.split("/")];
  if (isReserved(narrow) && (allowed[0] === "#" || allowed[0] === "+")) return false;
  for (const [index, level] of allowed.entries()) {
    if (level === "#") return true; // Also of a level less: a/# covers a.
    const asked = wanted[index];
    if (asked === undefined || asked === "#") return false;
    if (level !== "+" && level !== asked) return false;
  }
  return allowed.length === wanted.length;
}

function parseFilters(list: string, value: unknown, fail: (problem: string) => never): readonly string[] {
  const filters = parseTexts(list, value, fail);
  for (const filter of filters) {
    if (checkFilter(filter) || isShared(filter)) fail(`${list} has a filter that is none`);
  }
  return filters;
}
