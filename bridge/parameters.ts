import { closestString } from "@std/text/closest-string";
import type { MeteredLimit } from "../broker/mod.ts";
import { parseDurationSeconds } from "./duration.ts";
import { Problem } from "./middleware/problem.ts";
import { percentDecode } from "./raw_url.ts";

interface Parameter {
  readonly name: string;
  /** As it was sent. */
  readonly raw: string;
}

/** What a number may be. */
export interface Range {
  readonly min: number;
  readonly max: number;
  /** Where the most that it may be comes from. */
  readonly limit?: MeteredLimit;
}
/** Most requests have none. */
const NONE: readonly Parameter[] = [];

/** The parameters of a URL, read strictly: what is not understood is refused, never ignored. */
export class Parameters {
  readonly #parameters: readonly Parameter[];

  /** @param query what stands behind the `?` */
  constructor(query: string) {
    this.#parameters = query === "" ? NONE : query.split("&").filter((part) => part !== "").map((part) => {
      const mark = part.indexOf("=");
      const name = decodeParameter(mark === -1 ? part : part.slice(0, mark), "a parameter name");
      return { name, raw: mark === -1 ? "" : part.slice(mark + 1) };
    });
  }

  /** Refuses every name that is not listed, and every repeated one but `filter` and `user.<key>`. */
  allowOnly(names: readonly string[]): void {
    if (this.#parameters.length === 0) return;
    const seen = new Set<string>();
    for (const { name } of this.#parameters) {
      if (name.startsWith("_")) continue; // Cache busters.
      const listed = name.startsWith("user.") ? "user." : name;
      if (!names.includes(listed)) throw unknownName("unknown-parameter", name, names);
      if (seen.has(name) && name !== "filter" && listed !== "user.") {
        throw new Problem("duplicate-parameter", `Cannot take "${name}" twice`, { param: name });
      }
      seen.add(name);
    }
  }

  get isEmpty(): boolean {
    return this.#parameters.length === 0;
  }

  has(name: string): boolean {
    return this.#parameters.some((parameter) => parameter.name === name);
  }

  /** Every value of the name, as it was sent. */
  rawAll(name: string): string[] {
    return this.#parameters.filter((parameter) => parameter.name === name).map(({ raw }) => raw);
  }

  text(name: string): string | undefined {
    const parameter = this.#parameters.find((parameter) => parameter.name === name);
    return parameter && decodeParameter(parameter.raw, name);
  }

  /** The parameters whose name has the prefix, without it, in the order they were sent. */
  prefixed(prefix: string): [name: string, value: string][] {
    return this.#parameters.filter(({ name }) => name.startsWith(prefix))
      .map(({ name, raw }) => [name.slice(prefix.length), decodeParameter(raw, name)]);
  }

  flag(name: string): boolean {
    return this.choice(name, ["0", "1"], "0") === "1";
  }

  choice<const Choice extends string>(name: string, choices: readonly Choice[], otherwise: Choice): Choice {
    const text = this.text(name);
    return text === undefined ? otherwise : readChoice(name, text, choices);
  }

  integer(name: string, range: Range): number | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : readInteger(name, text, range);
  }

  seconds(name: string, range: Range): number | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : readSeconds(name, text, range);
  }
}

export function readChoice<const Choice extends string>(
  name: string,
  text: string,
  choices: readonly Choice[],
): Choice {
  const choice = choices.find((choice) => choice === text);
  if (choice === undefined) throw notAllowed(name, text, `it is one of ${choices.join(", ")}`);
  return choice;
}

export function readInteger(name: string, text: string, { min, max, limit }: Range): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (!(value >= min && value <= max)) {
    throw notAllowed(
      name,
      text,
      `it is a whole number from ${min} to ${max}`,
      value > max ? limit : undefined,
    );
  }
  return value;
}

export function readSeconds(name: string, text: string, { min, max, limit }: Range): number {
  const seconds = parseDurationSeconds(text) ?? NaN;
  if (!(seconds >= min && seconds <= max)) {
    const allowed = `it is a time from ${min} to ${max} seconds, such as 30, 30s, 10m or 2h`;
    throw notAllowed(name, text, allowed, seconds > max ? limit : undefined);
  }
  return seconds;
}

/** A value that the parameter or header does not take. */
export function notAllowed(name: string, text: string, allowed: string, limit?: MeteredLimit): Problem {
  return new Problem("invalid-parameter", `Cannot take "${text.slice(0, 80)}" as ${name}: ${allowed}`, {
    param: name,
    limit,
  });
}

/** Refuses a name, and says which one may have been meant. */
export function unknownName(
  code: "unknown-parameter" | "unknown-header",
  name: string,
  names: readonly string[],
): Problem {
  const known = names.map((known) => known === "user." ? "user.<key>" : known);
  const closest = known.length > 0 ? closestString(name, known) : "";
  // The closest of a few names is often far off; one that begins alike is a likely slip.
  const likely = closest.replace(/^mqtt-/, "")[0] === name.replace(/^mqtt-/, "")[0];
  const hint = likely ? `did you mean "${closest}"?` : `known here: ${known.join(", ") || "none"}`;
  return new Problem(code, `Cannot take "${name.slice(0, 80)}": it is not known here`, { param: name, hint });
}

function decodeParameter(raw: string, name: string): string {
  return percentDecode(raw.replaceAll("+", " "), name);
}
