import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { claimDataFolder } from "../../broker/store/data_folder.ts";
import { SqliteStore } from "../../broker/store/sqlite_store.ts";
import { StoreError } from "../../broker/store/store.ts";
import { serveProcess } from "../support/serve_process.ts";

async function inFolder(run: (folder: string) => Promise<void> | void): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function modeOf(path: string): string {
  return (Deno.statSync(path).mode! & 0o777).toString(8);
}

Deno.test("the folder and all that is in it are for their owner only, whatever the umask", async () => {
  await inFolder(async (folder) => {
    const data = `${folder}/some/where`;
    await using process = serveProcess(data, "000");
    await process.prints("started");
    assertEquals([modeOf(`${folder}/some`), modeOf(data)], ["700", "700"]);
    const names = [...Deno.readDirSync(data)].map(({ name }) => name).sort();
    assertEquals(names, ["lock", "pregon.db", "pregon.db-shm", "pregon.db-wal"]);
    for (const name of names) assertEquals([name, modeOf(`${data}/${name}`)], [name, "600"]);
    assertEquals((await process.end()).code, 0);
  });
});

Deno.test("a second process on the same folder is refused in one line, and the first goes on", async () => {
  await inFolder(async (folder) => {
    await using first = serveProcess(folder);
    await first.prints("started");
    await using second = serveProcess(folder);
    const { code, text, stderr } = await second.outcome();
    assertEquals(code, 1);
    assertEquals(text, "");
    assertEquals(
      stderr,
      `Cannot use ${folder}: another Pregón is running on it; stop that one, or give another folder with --data\n`,
    );
    assertEquals((await first.end()).code, 0);
  });
});

Deno.test("the claim ends with the process, however that ends", async () => {
  await inFolder(async (folder) => {
    await using first = serveProcess(folder);
    await first.prints("started");
    await first.end("SIGKILL");
    await using second = serveProcess(folder);
    await second.prints("started");
    assertEquals((await second.end()).code, 0);
  });
});

Deno.test("a folder that cannot be made is refused in one line, with what to do", async () => {
  await inFolder(async (folder) => {
    Deno.writeTextFileSync(`${folder}/file`, "");
    const error = assertThrows(() => claimDataFolder(`${folder}/file/data`), StoreError);
    for (const words of [`${folder}/file/data`, "--data", "--memory"]) {
      assertStringIncludes(error.message, words);
    }
    assertEquals(error.message.includes("\n"), false);
    await using process = serveProcess(`${folder}/file/data`);
    const { code, stderr } = await process.outcome();
    assertEquals([code, stderr], [1, `${error.message}\n`]);
  });
});

Deno.test("a claim that fails half way does not keep the folder from the next", async () => {
  await inFolder((folder) => {
    Deno.mkdirSync(`${folder}/pregon.db`);
    assertThrows(() => claimDataFolder(folder), StoreError);
    Deno.removeSync(`${folder}/pregon.db`);
    claimDataFolder(folder).release();
    claimDataFolder(folder).release();
  });
});

Deno.test("two stores of one process cannot have the same folder either, one after the other can", async () => {
  await inFolder(async (folder) => {
    const first = new SqliteStore({ folder });
    assertThrows(() => new SqliteStore({ folder }), StoreError, "another Pregón is running on it");
    await first.close();
    await new SqliteStore({ folder }).close();
  });
});

Deno.test("a folder may be given in every way in which a path is written", async () => {
  await inFolder((folder) => {
    const relative = Deno.cwd().split("/").slice(1).map(() => "..").join("/") + folder;
    for (
      const path of [`${relative}/data`, `${relative}/slash/`, `${folder}//deep/er//`, `${folder}/data/.`]
    ) {
      claimDataFolder(path).release();
      assertEquals(Deno.statSync(`${path}/pregon.db`).isFile, true, path);
    }
    Deno.symlinkSync(`${folder}/data`, `${folder}/link`);
    claimDataFolder(`${folder}/link`).release();
    Deno.symlinkSync(`${folder}/nowhere`, `${folder}/dangling`);
    assertThrows(() => claimDataFolder(`${folder}/dangling`), StoreError);
  });
});
