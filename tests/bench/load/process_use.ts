/** Linux counts processor time in hundredths of a second, and memory in pages. */
const TICKS_PER_SECOND = 100;
const PAGE_KIBIBYTES = 4;
/** User and system time in /proc/PID/stat, counted behind the name, which may hold anything. */
const USER_FIELD = 11;
const SYSTEM_FIELD = 12;

/** Seconds that the process has used a processor; NaN where there is no /proc. */
export function processorSeconds(pid: number): number {
  const fields = readProc(`/proc/${pid}/stat`)?.split(") ").at(-1)?.split(" ");
  return (Number(fields?.[USER_FIELD]) + Number(fields?.[SYSTEM_FIELD])) / TICKS_PER_SECOND;
}

/** Memory of the process that is not swapped out; NaN where there is no /proc. */
export function residentKibibytes(pid: number): number {
  return Number(readProc(`/proc/${pid}/statm`)?.split(" ")[1]) * PAGE_KIBIBYTES;
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
  readonly #brokerPid: number;
  readonly #startedAt = performance.now();
  readonly #brokerSeconds: number;
  readonly #loadSeconds: number;

  constructor(brokerPid: number) {
    this.#brokerPid = brokerPid;
    this.#brokerSeconds = processorSeconds(brokerPid);
    this.#loadSeconds = processorSeconds(Deno.pid);
  }

  stop(): { readonly seconds: number; readonly brokerCores: number; readonly loadCores: number } {
    const seconds = (performance.now() - this.#startedAt) / 1000;
    return {
      seconds,
      brokerCores: (processorSeconds(this.#brokerPid) - this.#brokerSeconds) / seconds,
      loadCores: (processorSeconds(Deno.pid) - this.#loadSeconds) / seconds,
    };
  }
}
