/** One module names another. */
export interface Import {
  readonly from: string;
  /** A path from the root of the repository for a relative import, otherwise the bare name. */
  readonly to: string;
  /** Gone when the program runs. */
  readonly isTypeOnly: boolean;
}

/** Source by path from the root of the repository, such as `broker/mod.ts`. */
export type Sources = Readonly<Record<string, string>>;

const STATEMENT =
  /^(?:import|export)\s+(?<type>type\s+)?(?<names>[\w$*\s,]*(?:\{[^}]*\})?)\s*from\s*"(?<to>[^"]+)"/gm;
const BARE_STATEMENT = /^import\s*"(?<to>[^"]+)"/gm;
const CALL = /\bimport\(\s*"(?<to>[^"]+)"\s*\)/g;

/** The source without comments and template literals; with `strings`, without the text of other literals as well. */
export function stripped(source: string, { strings = false } = {}): string {
  // One pass, so that a quote in a comment and a slash in a string are what they are; a literal ends with its line.
  const pieces =
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|`(?:\\[\s\S]|[^`\\])*`|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g;
  return source.replace(pieces, (piece) => {
    const isString = piece.startsWith('"') || piece.startsWith("'");
    if (isString && !strings) return piece;
    return (isString ? '""' : "") + "\n".repeat(piece.split("\n").length - 1);
  });
}

/** What a module imports and re-exports, types included. */
export function importsOf(from: string, source: string): Import[] {
  const code = stripped(source);
  const imports: Import[] = [];
  for (const { groups } of code.matchAll(STATEMENT)) {
    const { type, names, to } = groups!;
    imports.push({
      from,
      to: resolve(from, to!),
      isTypeOnly: type !== undefined || hasOnlyTypes(names!),
    });
  }
  for (const pattern of [BARE_STATEMENT, CALL]) {
    for (const { groups } of code.matchAll(pattern)) {
      imports.push({ from, to: resolve(from, groups!.to!), isTypeOnly: false });
    }
  }
  return imports;
}

export function importsOfAll(sources: Sources): Import[] {
  return Object.entries(sources).flatMap(([path, source]) => importsOf(path, source));
}

/** Groups of modules that reach each other (Tarjan's strongly connected components), each sorted. */
export function cycles(imports: readonly Import[]): string[][] {
  const next = Map.groupBy(imports, (found) => found.from);
  const indexes = new Map<string, number>();
  const lows = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (path: string): number => {
    const index = indexes.size;
    indexes.set(path, index);
    lows.set(path, index);
    stack.push(path);
    for (const { to } of next.get(path) ?? []) {
      if (!indexes.has(to)) lows.set(path, Math.min(lows.get(path)!, visit(to)));
      else if (stack.includes(to)) lows.set(path, Math.min(lows.get(path)!, indexes.get(to)!));
    }
    const low = lows.get(path)!;
    if (low === index) {
      const members = stack.splice(stack.indexOf(path));
      const isOwnNeighbour = next.get(path)?.some(({ to }) => to === path);
      if (members.length > 1 || isOwnNeighbour) found.push(members.sort());
    }
    return low;
  };
  for (const path of next.keys()) if (!indexes.has(path)) visit(path);
  return found;
}

function hasOnlyTypes(names: string): boolean {
  const braces = /^\s*\{(?<names>[^}]*)\}\s*$/.exec(names);
  const parts = braces?.groups?.names?.split(",").map((name) => name.trim()).filter((name) => name !== "");
  return parts !== undefined && parts.every((name) => name.startsWith("type "));
}

function resolve(from: string, specifier: string): string {
  if (!specifier.startsWith(".")) return specifier;
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}
