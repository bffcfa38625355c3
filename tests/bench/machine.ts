import { pathOf } from "../interop/support/outside_tool.ts";
import { runWell } from "../interop/support/tool_process.ts";
import { isPinned } from "./broker_process.ts";

/** On what it was measured: a figure says nothing without it. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly kernel: string;
  readonly deno: string;
  /** Broker and load had a core each. */
  readonly isPinned: boolean;
}

export async function thisMachine(): Promise<Machine> {
  return {
    processor: processorName(),
    cores: navigator.hardwareConcurrency,
    kernel: pathOf("uname") ? (await runWell("uname", ["-sr"])).text.trim() : Deno.build.os,
    deno: Deno.version.deno,
    isPinned: isPinned(),
  };
}

function processorName(): string {
  try {
    const [, name] = /^model name\s*: (.*)$/m.exec(Deno.readTextFileSync("/proc/cpuinfo")) ?? [];
    return name ?? Deno.build.arch;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return Deno.build.arch;
    throw error;
  }
}
