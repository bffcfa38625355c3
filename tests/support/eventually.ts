const RETRY_MS = 2;
const PATIENCE_MS = 2_000;

/** Repeats the check until it no longer throws; after two seconds, if nothing else is said, its last error is the test's. */
export async function eventually<Result>(
  check: () => Result | Promise<Result>,
  patienceMs = PATIENCE_MS,
): Promise<Result> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() >= deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** Waits for something that must come soon; says what did not. */
export async function within<Result>(
  promise: Promise<Result>,
  what: () => string,
  patienceMs = PATIENCE_MS,
): Promise<Result> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const patience = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Waited ${patienceMs} ms: ${what()}`)), patienceMs);
  });
  try {
    return await Promise.race([promise, patience]);
  } finally {
    clearTimeout(timer);
  }
}
