import type { Use } from "./options.ts";

/** Linux counts processor time in hundredths of a second, and memory in pages. */
const TICKS_PER_SECOND = 100;
const PAGE_KIBIBYTES = 4;
/** User and system time in /proc/PID/stat, counted behind the name, which may hold anything. */
const USER_FIELD = 11;
const SYSTEM_FIELD = 12;
const NANOSECONDS_PER_SECOND = 1e9;

/** Seconds that the process has used a processor; NaN where there is no /proc. */
export function processorSeconds(pid: number): number {
  const fields = readProc(`/proc/${pid}/stat`)?.split(") ").at(-1)?.split(" ");
  return (Number(fields?.[USER_FIELD]) + Number(fields?.[SYSTEM_FIELD])) / TICKS_PER_SECOND;
}

/** Seconds that its main thread has used a processor, and that it was ready but had none; NaN where there is no /proc. */
export function mainThreadSeconds(pid: number): { readonly ran: number; readonly waited: number } {
  const [ran, waited] = readProc(`/proc/${pid}/schedstat`)?.split(" ") ?? [];
  return { ran: Number(ran) / NANOSECONDS_PER_SECOND, waited: Number(waited) / NANOSECONDS_PER_SECOND };
}

/** Memory of the process that is not swapped out; NaN where there is no /proc. */
export function residentKibibytes(pid: number): number {
  return Number(readProc(`/proc/${pid}/statm`)?.split(" ")[1]) * PAGE_KIBIBYTES;
}

/** Open files that one process may have; Deno takes all that are allowed. */
export function descriptorsMax(): number {
  const [, hard] = /^Max open files\s+\d+\s+(\d+)/m.exec(readProc("/proc/self/limits") ?? "") ?? [];
  return Number(hard ?? 1024);
}

function readProc(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Measures what two processes use from now on. */
export class UseMeter {
  readonly #startedAt = performance.now();
  readonly #broker: ProcessMeter;
  readonly #load = new ProcessMeter(Deno.pid);

  constructor(brokerPid: number) {
    this.#broker = new ProcessMeter(brokerPid);
  }

  stop(): Use & { readonly seconds: number } {
    const seconds = (performance.now() - this.#startedAt) / 1000;
    const [broker, load] = [this.#broker.stop(seconds), this.#load.stop(seconds)];
    return {
      seconds,
      brokerCores: broker.cores,
      brokerBusy: broker.busy,
      brokerWaits: broker.waits,
      loadCores: load.cores,
      loadBusy: load.busy,
      loadWaits: load.waits,
    };
  }
}

class ProcessMeter {
  readonly #pid: number;
  readonly #usedBefore: number;
  readonly #before: ReturnType<typeof mainThreadSeconds>;

  constructor(pid: number) {
    this.#pid = pid;
    this.#usedBefore = processorSeconds(pid);
    this.#before = mainThreadSeconds(pid);
  }

  stop(seconds: number): { readonly cores: number; readonly busy: number; readonly waits: number } {
    const { ran, waited } = mainThreadSeconds(this.#pid);
    const waits = (waited - this.#before.waited) / seconds;
    return {
      cores: (processorSeconds(this.#pid) - this.#usedBefore) / seconds,
      busy: (ran - this.#before.ran) / seconds + waits,
      waits,
    };
  }
}
