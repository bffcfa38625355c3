import { assertEquals } from "@std/assert";
import { runWell, type ToolOptions, ToolProcess } from "./tool_process.ts";

/** Seconds after which curl gives up by itself, whatever becomes of the test. */
const GIVE_UP_SECONDS = "60";

export interface CurlAnswer {
  readonly status: number;
  /** Names in lower case; the values of each. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly text: string;
}

/** Runs curl to its end, which must be a good one, whatever the status. */
export async function curl(args: readonly string[], options: ToolOptions = {}): Promise<CurlAnswer> {
  const about = "%{stderr}%{http_code} %{header_json}";
  const { stdout, text, stderr } = await runWell("curl", [...baseArgs(), "-w", about, ...args], options);
  const [, status, headers] = /^(\d+) (.*)$/s.exec(stderr)!;
  return { status: Number(status), headers: JSON.parse(headers!), body: stdout, text };
}

/** Runs curl as `curl` does, and expects the status. */
export async function curlText(
  status: number,
  args: readonly string[],
  options: ToolOptions = {},
): Promise<string> {
  const answer = await curl(args, options);
  assertEquals(answer.status, status, answer.text.slice(0, 500));
  return answer.text;
}

/** Starts `curl -N`, which prints what comes when it comes. */
export function curlStream(args: readonly string[]): ToolProcess {
  return new ToolProcess("curl", [...baseArgs(), "-N", ...args]);
}

/** Without the user's `.curlrc` and proxy. */
function baseArgs(): readonly string[] {
  return ["-q", "-sS", "--noproxy", "*", "--max-time", GIVE_UP_SECONDS];
}
