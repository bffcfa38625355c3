/** Registers a test that needs the tools. */
export type RegisterTest = (name: string, action: () => Promise<void>, options?: TestOptions) => void;

export type TestOptions = Pick<Deno.TestDefinition, "sanitizeOps" | "sanitizeResources" | "sanitizeExit">;

/**
 * Tests that run programs from outside this repository. Where one is not installed they are skipped by name; in CI
 * nothing is skipped, so they fail.
 */
export function requireTool(...tools: readonly string[]): RegisterTest {
  const missing = tools.filter((tool) => pathOf(tool) === undefined);
  const isSkipped = missing.length > 0 && Deno.env.get("CI") !== "true";
  const prefix = isSkipped
    ? `skipped: ${missing.join(", ")} ${missing.length > 1 ? "are" : "is"} not installed: `
    : "";
  return (name, action, options = {}) => {
    Deno.test({ ...options, name: prefix + name, ignore: isSkipped, fn: action });
  };
}

/** Where the shell would find the program. */
export function pathOf(tool: string): string | undefined {
  const paths = (Deno.env.get("PATH") ?? "").split(":").map((folder) => `${folder}/${tool}`);
  return paths.find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false; // Not there, or in a folder that is none of our business.
    }
  });
}
