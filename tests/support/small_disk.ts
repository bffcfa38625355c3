import { assertEquals } from "@std/assert";
import { pathOf, type RegisterTest } from "../interop/support/outside_tool.ts";

const FILLER = "filler";

/** A file system of two megabytes, which a test can fill. */
export class SmallDisk implements AsyncDisposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async mount(): Promise<SmallDisk> {
    const folder = await Deno.makeTempDir();
    await run("mount", ["-t", "tmpfs", "-o", "size=2m,mode=700", "tmpfs", folder]);
    return new SmallDisk(folder);
  }

  get data(): string {
    return `${this.#folder}/data`;
  }

  /** Takes all the room that is left. */
  fill(): void {
    using file = Deno.openSync(`${this.#folder}/${FILLER}`, { create: true, append: true });
    for (let size = 64 * 1024; size >= 1;) {
      try {
        file.writeSync(new Uint8Array(size));
      } catch (error) {
        if ((error as { code?: string }).code !== "ENOSPC") throw error;
        size = Math.floor(size / 2);
      }
    }
  }

  /** Gives it back. */
  free(): void {
    Deno.removeSync(`${this.#folder}/${FILLER}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run("umount", [this.#folder]);
    await Deno.remove(this.#folder);
  }
}

/** Tests that mount a file system: that is root's to do. Others skip them by name; where root runs CI they must run. */
export function requireMount(): RegisterTest {
  const isSkipped = Deno.uid() !== 0 || (!canMount() && Deno.env.get("CI") !== "true");
  const prefix = isSkipped ? "skipped: nothing can be mounted by this user: " : "";
  return (name, action, options = {}) => {
    Deno.test({ ...options, name: prefix + name, ignore: isSkipped, fn: action });
  };
}

function canMount(): boolean {
  if (!pathOf("mount")) return false;
  const folder = Deno.makeTempDirSync();
  const tries = ["mount -t tmpfs -o size=64k tmpfs", "umount"].map((command) => {
    const [name, ...args] = command.split(" ");
    return new Deno.Command(name!, { args: [...args, folder], stderr: "null" }).outputSync().success;
  });
  Deno.removeSync(folder);
  return tries.every((isDone) => isDone);
}

async function run(command: string, args: readonly string[]): Promise<void> {
  const { code, stderr } = await new Deno.Command(command, { args: [...args] }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
}
