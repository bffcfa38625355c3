import type { Link } from "../../broker/transport/transport.ts";

const READ_BYTES = 4 * 1024;

/** Writes to a link that the broker may close meanwhile. */
export async function write(link: Link, bytes: Uint8Array): Promise<void> {
  try {
    for (let sent = 0; sent < bytes.length;) sent += await link.write(bytes.subarray(sent));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

/** Reads until either side closes the link. */
export async function readAll(link: Link): Promise<void> {
  const buffer = new Uint8Array(READ_BYTES);
  try {
    while (await link.read(buffer) !== null);
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
