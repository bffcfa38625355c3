import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { passwd } from "../../broker/cli/passwd.ts";
import type { Terminal } from "../../broker/cli/password_prompt.ts";
import { StartError } from "../../broker/cli/start.ts";
import { loadIdentities } from "../../broker/cli/identities.ts";
import { ConfigError, resolveOptions } from "../../broker/config.ts";
import type { UserTable } from "../../broker/auth/user_table.ts";
import { Log } from "../../broker/core/log.ts";
import { credentialsOf } from "../contract/authenticator_contract.ts";
import { passwordAuthenticator } from "../support/auth_tools.ts";
import { passwordFileOf } from "../support/users.ts";

const encoder = new TextEncoder();

/** An input that gives its chunks one by one, and remembers whether it showed what was typed. */
class ScriptedTerminal implements Terminal {
  isRaw = false;
  readonly wasRaw: boolean[] = [];
  readonly #chunks: string[];
  readonly #isTerminal: boolean;

  constructor(isTerminal: boolean, chunks: readonly string[]) {
    this.#isTerminal = isTerminal;
    this.#chunks = [...chunks];
  }

  isTerminal(): boolean {
    return this.#isTerminal;
  }

  setRaw(isRaw: boolean): void {
    this.isRaw = isRaw;
  }

  read(buffer: Uint8Array): Promise<number | null> {
    this.wasRaw.push(this.isRaw);
    const chunk = this.#chunks.shift();
    if (chunk === undefined) return Promise.resolve(null);
    return Promise.resolve(encoder.encodeInto(chunk, buffer).written);
  }
}

const pipe = (...chunks: string[]) => new ScriptedTerminal(false, chunks);
const keyboard = (...chunks: string[]) => new ScriptedTerminal(true, chunks);

async function withFolder(action: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await action(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function options(file: string, user = "ana") {
  return { file, user, isDeleting: false, iterations: 4096 };
}

/** The users whom the broker has with this file. */
async function loadUsers(file: string, log: Log): Promise<UserTable | undefined> {
  const { auth } = resolveOptions({ flags: { "auth-password-file": file } });
  return (await loadIdentities(auth, log)).users;
}

/** Whether the file lets the user in with this password. */
async function letsIn(file: string, user: string, password: string): Promise<boolean> {
  const users = await loadUsers(file, new Log("off", () => {}));
  const grant = await passwordAuthenticator(users!).authenticate(credentialsOf(user, password));
  return grant!.granted;
}

async function refusal(
  action: () => Promise<unknown>,
  kind: typeof StartError | typeof ConfigError = StartError,
): Promise<string> {
  return (await assertRejects<StartError | ConfigError>(action, kind)).message;
}

Deno.test("passwd makes a file for its owner's eyes only, which lets the user in", async () => {
  await withFolder(async (folder) => {
    const file = `${folder}/users`;
    assertEquals(
      await passwd(options(file), pipe("se", "cret\nnever read")),
      `Created ${file}: "ana" may come in`,
    );
    assertEquals((await Deno.stat(file)).mode! & 0o777, 0o600);
    assertEquals([await letsIn(file, "ana", "secret"), await letsIn(file, "ana", "x")], [true, false]);
    assertEquals((await Deno.readTextFile(file)).includes("secret"), false);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["users"]);
  });
});

Deno.test("passwd gives a user another password and leaves all else as it is", async () => {
  await withFolder(async (folder) => {
    const file = `${folder}/users`;
    const bob = await passwordFileOf({ bob: "2" });
    await Deno.writeTextFile(file, `# ours\n${await passwordFileOf({ ana: "1" })}${bob}`, { mode: 0o644 });
    assertEquals(await passwd(options(file), pipe("new")), `Changed ${file}: "ana" may come in`);
    assertEquals([await letsIn(file, "ana", "1"), await letsIn(file, "ana", "new")], [false, true]);
    assertEquals((await Deno.stat(file)).mode! & 0o777, 0o600);
    await passwd({ ...options(file), isDeleting: true }, pipe());
    assertEquals(await Deno.readTextFile(file), `# ours\n${bob}`);
    assertEquals(
      await refusal(() => passwd({ ...options(file), isDeleting: true }, pipe())),
      `Cannot remove "ana": not in ${file}`,
    );
  });
});

Deno.test("passwd asks twice at a terminal, shows nothing, and minds the keys that correct", async () => {
  await withFolder(async (folder) => {
    const file = `${folder}/users`;
    const typed = keyboard("nonsense\x15sé✓", "\x7f\x7f\x08\x08", "secrx\x7fet\r", "sec", "ret\r");
    await passwd(options(file), typed);
    assertEquals(typed.wasRaw, [true, true, true, true, true]);
    assertEquals(typed.isRaw, false);
    assert(await letsIn(file, "ana", "secret"));
    const pasted = keyboard("both\rboth\r");
    await passwd(options(file), pasted);
    assert(await letsIn(file, "ana", "both"));
  });
});

Deno.test("passwd changes nothing when it is interrupted, or when the password is none", async () => {
  await withFolder(async (folder) => {
    const file = `${folder}/users`;
    const inputs: (readonly [ScriptedTerminal, string])[] = [
      [keyboard("sec\x03"), "Nothing was changed"],
      [keyboard("secret\r", "\x04"), "Nothing was changed"],
      [keyboard("secret\r", "secreT\r"), "Cannot use the password: it was not the same the second time"],
      [keyboard("\r"), "Cannot use the password: it is empty"],
      [pipe(), "Cannot use the password: it is empty"],
      [pipe("\n"), "Cannot use the password: it is empty"],
      [pipe("a\u0007b\n"), "Cannot use the password: it has a character like a control"],
      [pipe(...Array(11).fill("x".repeat(100))), "Cannot use the password: it has more than 1024 bytes"],
    ];
    for (const [terminal, message] of inputs) {
      assertEquals(await refusal(() => passwd(options(file), terminal)), message);
      assertEquals(terminal.isRaw, false);
    }
    assertEquals([...Deno.readDirSync(folder)], []);
  });
});

Deno.test("passwd --scrypt keeps the password in another form, and lets the user in all the same", async () => {
  await withFolder(async (folder) => {
    const file = `${folder}/users`;
    await passwd({ ...options(file), iterations: undefined }, pipe("secret\n"));
    assertStringIncludes(await Deno.readTextFile(file), "ana:$scrypt$ln=15,r=8,p=3$");
    assertEquals([await letsIn(file, "ana", "secret"), await letsIn(file, "ana", "x")], [true, false]);
  });
});

Deno.test("passwd --batch adds and changes all that come line by line, and leaves the others", async () => {
  await withFolder(async (folder) => {
    const file = `${folder}/users`;
    const batch = { ...options(file), user: undefined };
    await passwd(options(file, "zoe"), pipe("1"));
    await passwd(options(file, "ana"), pipe("old"));
    assertEquals(
      await passwd(batch, pipe("ana:ne", "w\r\nbob:a:b\n\nse\u0301an: é \n")),
      `Changed ${file}: 3 users may come in`,
    );
    const names = (await Deno.readTextFile(file)).trimEnd().split("\n").map((line) => line.split(":")[0]);
    assertEquals(names, ["zoe", "ana", "bob", "séan"]);
    for (const [user, password] of [["zoe", "1"], ["ana", "new"], ["bob", "a:b"], ["séan", " é "]] as const) {
      assert(await letsIn(file, user, password), user);
    }
    assertEquals(await letsIn(file, "ana", "old"), false);
  });
});

Deno.test("one bad line of a batch changes nothing, and is told by its number only", async () => {
  await withFolder(async (folder) => {
    const file = `${folder}/users`;
    const batch = { ...options(file), user: undefined };
    const said = (number: number, problem: string) =>
      `Cannot use line ${number} of the input: ${problem}; nothing was changed`;
    const problems: [string, string][] = [
      ["a:1\ntopsecret\n", said(2, "there is no colon between a user and a password")],
      [":topsecret", said(1, "this is no name for a user")],
      ["#topsecret:x", said(1, "this is no name for a user")],
      ["broker:topsecret", said(1, "this is no name for a user")],
      ["a:1\n\na:topsecret", said(3, "the user was there before")],
      ["a:", said(1, "the password is empty")],
      ["a:topsecret\u0007", said(1, "the password has a character like a control")],
      [`a:${"x".repeat(1025)}`, said(1, "the password has more than 1024 bytes")],
      ["", "Cannot find a user in the input: it has no line user:password"],
      ["\n", "Cannot find a user in the input: it has no line user:password"],
    ];
    for (const [text, message] of problems) {
      const chunks = text.match(/[\s\S]{1,200}/g) ?? [];
      assertEquals(await refusal(() => passwd(batch, pipe(...chunks))), message);
    }
    assertEquals([...Deno.readDirSync(folder)], []);
  });
});

Deno.test("passwd leaves alone a file that the broker could not use, one that another passwd writes, and links", async () => {
  await withFolder(async (folder) => {
    const file = `${folder}/users`;
    await Deno.writeTextFile(file, "bob\n");
    assertEquals(
      await refusal(() => passwd(options(file), pipe("x"))),
      `Cannot use ${file}, line 1: there is no colon after a name`,
    );
    await Deno.writeTextFile(file, "");
    await Deno.writeTextFile(`${file}.new`, "theirs");
    assertEquals(
      await refusal(() => passwd(options(file), pipe("x"))),
      `Cannot write ${file}.new: File exists; another passwd is at work, or was killed and left it`,
    );
    assertEquals(await Deno.readTextFile(`${file}.new`), "theirs");
    await Deno.remove(`${file}.new`);
    await Deno.symlink(file, `${folder}/link`);
    await passwd(options(`${folder}/link`), pipe("x"));
    assert((await Deno.lstat(`${folder}/link`)).isSymlink);
    assert(await letsIn(file, "ana", "x"));
  });
});

// Mosquitto CVE-2018-12550: an empty file let everybody in.
Deno.test("a password file that is missing, empty or wrong lets the broker not start", async () => {
  await withFolder(async (folder) => {
    const file = `${folder}/users`;
    const log = new Log("off", () => {});
    assertEquals(
      await refusal(() => loadUsers(file, log), ConfigError),
      `Cannot read ${file}: No such file or directory (key auth.password-file)`,
    );
    for (const text of ["", "# ana:…\n\n"]) {
      await Deno.writeTextFile(file, text);
      assertEquals(
        await refusal(() => loadUsers(file, log), ConfigError),
        `Cannot use ${file}: it has no user; pregon passwd ${file} USER adds one (key auth.password-file)`,
      );
    }
    await Deno.writeTextFile(file, `${await passwordFileOf({ ana: "1" })}bob:secret\n`);
    assertEquals(
      await refusal(() => loadUsers(file, log), ConfigError),
      `Cannot use ${file}, line 2: what follows the name is none of SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>, ` +
        "$scrypt$ln=<n>,r=<n>,p=<n>$<salt>$<hash>, $7$<iterations>$<salt>$<hash> (key auth.password-file)",
    );
  });
});

// Mosquitto CVE-2017-9868: others could read what belongs to one.
Deno.test("a password file that others may read is warned of, with its mode", async () => {
  await withFolder(async (folder) => {
    const file = `${folder}/users`;
    await Deno.writeTextFile(file, await passwordFileOf({ ana: "1" }));
    for (const [mode, isOpen] of [[0o600, false], [0o400, false], [0o640, true], [0o602, true]] as const) {
      await Deno.chmod(file, mode);
      const lines: string[] = [];
      const log = new Log("info", (line) => lines.push(line.slice(25)));
      assertEquals((await loadUsers(file, log))!.size, 1);
      const line = `warn  password-file-open file=${file} mode=${mode.toString(8)} expected=600`;
      assertEquals(lines, isOpen ? [line] : []);
    }
  });
});
