import { StreamLink } from "./stream_link.ts";
import type { Link, Listener } from "./transport.ts";

/** Links over a Unix socket: from this machine only, and from those only whom the socket's mode lets in. */
export class UnixListener implements Listener {
  readonly url: string;
  readonly port = 0;
  readonly #listener: Deno.UnixListener;
  #isClosed = false;

  private constructor(path: string, listener: Deno.UnixListener) {
    this.url = `unix:${path}`;
    this.#listener = listener;
  }

  /**
   * Rejects with `Deno.errors.AddrInUse` where somebody listens, or something else than a socket is. A socket on which
   * nobody listens any more is left from a broker that was killed: it goes.
   */
  static async open(path: string, mode: number): Promise<UnixListener> {
    await removeStale(path);
    const listener = Deno.listen({ transport: "unix", path });
    // Whoever was quicker than this waits to be accepted, and is one whom the process's umask lets in.
    if (Deno.build.os !== "windows") Deno.chmodSync(path, mode);
    return new UnixListener(path, listener);
  }

  async accept(): Promise<Link | null> {
    try {
      return unixLink(await this.#listener.accept());
    } catch (error) {
      if (this.#isClosed) return null;
      throw error;
    }
  }

  /** Deno takes the socket away with it. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#listener.close();
  }
}

/** Connects to a listener elsewhere on this machine. */
export async function connectUnix(path: string): Promise<Link> {
  return unixLink(await Deno.connect({ transport: "unix", path }));
}

function unixLink(connection: Deno.UnixConn): Link {
  return new StreamLink(connection, { peer: "local", address: undefined });
}

async function removeStale(path: string): Promise<void> {
  try {
    if (!(await Deno.lstat(path)).isSocket) {
      throw new Deno.errors.AddrInUse(`There is something at ${path} that is no socket`);
    }
    (await Deno.connect({ transport: "unix", path })).close();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    if (error instanceof Deno.errors.ConnectionRefused) return await Deno.remove(path);
    throw error;
  }
  throw new Deno.errors.AddrInUse(`Somebody listens on ${path}`);
}
