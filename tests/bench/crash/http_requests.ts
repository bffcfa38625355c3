/** Whether a request ended without its answer because the broker is not there, or no longer. */
export function isRequestCut(error: unknown): boolean {
  // All that fetch says of a connection that was refused or cut.
  return error instanceof TypeError || error instanceof Deno.errors.Http ||
    error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.Interrupted;
}
