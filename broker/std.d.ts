// Types of the parts of @std that this project uses. On npm, @std comes as plain JavaScript ("deno-std"); from JSR it
// brings its own types, and then this file goes.

declare module "@std/assert" {
  export class AssertionError extends Error {}
  export function assert(condition: unknown, message?: string): asserts condition;
  export function assertEquals<T>(actual: T, expected: T, message?: string): void;
  export function equal(one: unknown, other: unknown): boolean;
  export function assertNotEquals<T>(actual: T, expected: T, message?: string): void;
  export function assertStrictEquals<T>(actual: unknown, expected: T, message?: string): asserts actual is T;
  export function assertExists<T>(actual: T, message?: string): asserts actual is NonNullable<T>;
  export function assertMatch(actual: string, expected: RegExp, message?: string): void;
  export function assertNotMatch(actual: string, expected: RegExp, message?: string): void;
  export function assertStringIncludes(actual: string, expected: string, message?: string): void;
  export function assertGreater<T>(actual: T, expected: T, message?: string): void;
  export function assertGreaterOrEqual<T>(actual: T, expected: T, message?: string): void;
  export function assertLess<T>(actual: T, expected: T, message?: string): void;
  export function assertLessOrEqual<T>(actual: T, expected: T, message?: string): void;
  export function assertThrows<E extends Error = Error>(
    action: () => unknown,
    // deno-lint-ignore no-explicit-any -- an error's constructor may take any arguments
    errorClass: abstract new (...args: any[]) => E,
    messageIncludes?: string,
    message?: string,
  ): E;
  export function assertRejects<E extends Error = Error>(
    action: () => PromiseLike<unknown>,
    // deno-lint-ignore no-explicit-any -- an error's constructor may take any arguments
    errorClass: abstract new (...args: any[]) => E,
    messageIncludes?: string,
    message?: string,
  ): Promise<E>;
  export function fail(message?: string): never;
}

declare module "@std/cli/parse-args" {
  export interface ParseOptions {
    string?: readonly string[];
    boolean?: readonly string[];
    alias?: Readonly<Record<string, string | readonly string[]>>;
    default?: Readonly<Record<string, unknown>>;
    collect?: readonly string[];
    stopEarly?: boolean;
    "--"?: boolean;
    unknown?: (arg: string, key?: string, value?: unknown) => unknown;
  }
  export function parseArgs(
    args: readonly string[],
    options?: ParseOptions,
  ): Record<string, unknown> & { _: (string | number)[] };
}

declare module "@std/encoding/base64" {
  export function encodeBase64(data: Uint8Array | ArrayBuffer | string): string;
  export function decodeBase64(text: string): Uint8Array<ArrayBuffer>;
}

declare module "@std/encoding/base64url" {
  export function encodeBase64Url(data: Uint8Array | ArrayBuffer | string): string;
  export function decodeBase64Url(text: string): Uint8Array<ArrayBuffer>;
}

declare module "@std/text/closest-string" {
  /** The member of the (non-empty) list nearest to the word in edits. */
  export function closestString(word: string, possible: readonly string[]): string;
}

declare module "@std/text/levenshtein-distance" {
  /** Edits of one letter between the two. */
  export function levenshteinDistance(left: string, right: string): number;
}

declare module "@std/toml" {
  export function parse(text: string): Record<string, unknown>;
  export function stringify(object: Record<string, unknown>): string;
}
