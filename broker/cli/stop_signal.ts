/** What a shell says of a program that a signal ended. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** Calls back at the first SIGINT or SIGTERM; the second ends the process at once. */
export function onStopSignal(stop: (signal: keyof typeof EXIT_CODES) => void): void {
  let isStopping = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      if (isStopping) Deno.exit(EXIT_CODES[signal]);
      isStopping = true;
      stop(signal);
    });
  }
}
