import type { RouteHandler } from "../context.ts";
import { methods } from "../methods.ts";
import { Problem, type ProblemCode, PROBLEMS } from "../middleware/problem.ts";

/** `/problems/{slug}`: the page that the `type` of a problem leads to. */
export function problemRoute(): RouteHandler {
  return methods({
    GET: (context) => {
      const slug = context.req.path.split("/")[2] ?? "";
      const text = slug === ""
        ? Object.keys(PROBLEMS).map((code) => pageOf(code as ProblemCode)).join("\n")
        : undefined;
      if (text === undefined && !Object.hasOwn(PROBLEMS, slug)) {
        throw new Problem("not-found", "There is no such problem", { hint: "GET /problems lists them" });
      }
      return new Response(text ?? pageOf(slug as ProblemCode), {
        headers: { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" },
      });
    },
  });
}

function pageOf(code: ProblemCode): string {
  const { status, title, help } = PROBLEMS[code];
  return `${code} (${status})\n\n${title}.\n${help}\n`;
}
