import { assertEquals, assertMatch, assertNotMatch, assertRejects } from "@std/assert";
import { loadIdentities } from "../../broker/cli/identities.ts";
import { ConfigError, resolveOptions } from "../../broker/config.ts";
import { Log } from "../../broker/core/log.ts";
import { parse, SECRET } from "../support/tokens.ts";
import { passwordFileOf } from "../support/users.ts";

const OTHER_SECRET = SECRET.replace("less", "more");

/** A folder with a password file of ana and bob, and a file with a secret. */
async function withFiles(
  action: (files: {
    readonly users: string;
    readonly keys: string;
    readonly lines: string[];
    readonly load: () => ReturnType<typeof loadIdentities>;
  }) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const [users, keys] = [`${folder}/users`, `${folder}/keys`];
  const lines: string[] = [];
  const log = new Log("info", (line) => lines.push(line.slice(25)));
  const { auth } = resolveOptions({ flags: { "auth-password-file": users, "auth-jwt-keys": keys } });
  try {
    await Deno.writeTextFile(users, await passwordFileOf({ ana: "1", bob: "2" }), { mode: 0o600 });
    await Deno.writeTextFile(keys, SECRET, { mode: 0o600 });
    await action({ users, keys, lines, load: () => loadIdentities(auth, log) });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Counts how often a broker hears of a change. */
class Changes {
  count = 0;

  identitiesChanged(): void {
    this.count++;
  }
}

Deno.test("files that are read again change who is known, and the broker hears of it", async () => {
  await withFiles(async ({ users, keys, load }) => {
    const [identities, changes] = [await load(), new Changes()];
    const { users: table, tokens } = identities;
    const [ana, bob] = ["ana", "bob"].map((name) => table!.find(name)!.identity);
    const [key] = tokens!.keys.fitting("HS256", undefined);
    await Deno.writeTextFile(users, await passwordFileOf({ ana: "new", bob: "2" }));
    await Deno.writeTextFile(keys, OTHER_SECRET);
    await identities.reload(changes);
    assertEquals([ana!.ended(0), bob!.ended(0), key!.isGone, changes.count], ["revoked", undefined, true, 1]);
    assertEquals(table!.find("bob")!.identity, bob);
  });
});

// Mosquitto CVE-2017-7652, CVE-2018-12550, CVE-2018-12551: what could not be read again left the door open.
Deno.test("a file that cannot be used when it is read again changes nothing, not even what another one says", async () => {
  await withFiles(async ({ users, keys, load }) => {
    const [identities, changes] = [await load(), new Changes()];
    const usersText = await passwordFileOf({ zoe: "1" });
    const spoil: [string, string, string | undefined, string][] = [
      [usersText, keys, "too short", `Cannot use ${keys}: a secret has 9 bytes, and at least 32 are needed`],
      [usersText, keys, undefined, `Cannot read ${keys}: No such file or directory (key auth.jwt-keys)`],
      ["", keys, OTHER_SECRET, `Cannot use ${users}: it has no user; pregon passwd ${users} USER adds one`],
      ["zoe:topsecret", keys, OTHER_SECRET, `Cannot use ${users}, line 1: what follows the name is none of`],
      ["zoe\n", keys, OTHER_SECRET, `Cannot use ${users}, line 1: there is no colon after a name`],
    ];
    for (const [text, name, secret, message] of spoil) {
      await Deno.writeTextFile(users, text);
      if (secret === undefined) await Deno.remove(name);
      else await Deno.writeTextFile(name, secret);
      const error = await assertRejects(() => identities.reload(changes), ConfigError);
      assertEquals(error.message.slice(0, message.length), message);
      assertEquals(error.message.includes("topsecret"), false);
    }
    assertEquals(changes.count, 0);
    assertEquals(identities.users!.size, 2);
    const [key] = identities.tokens!.keys.fitting("HS256", undefined);
    assertEquals(key!.key.fingerprint, parse(SECRET)[0]!.fingerprint);
  });
});

Deno.test("a secret that others may read is warned of, and public keys are not", async () => {
  await withFiles(async ({ users, keys, lines, load }) => {
    await load();
    assertEquals(lines, []);
    await Deno.chmod(keys, 0o644);
    await load();
    assertEquals(lines, [`warn  key-file-open file=${keys} mode=644 expected=600`]);
    await Deno.writeTextFile(
      keys,
      JSON.stringify({ kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }),
    );
    await load();
    assertEquals(lines.length, 1);
    await Deno.writeFile(users, Uint8Array.of(0x61, 0x3a, 0xff));
    const { message } = await assertRejects(load, ConfigError);
    assertEquals(message, `Cannot use ${users}: it is not UTF-8 (key auth.password-file)`);
  });
});

Deno.test("a hook over plain HTTP on another machine is warned of, without what its URL hides", async () => {
  const linesOf = async (hookUrl: string) => {
    const lines: string[] = [];
    const { auth } = resolveOptions({ flags: { "auth-hook-url": hookUrl } });
    await loadIdentities(auth, new Log("info", (line) => lines.push(line.slice(25))));
    return lines;
  };
  for (const url of ["http://127.0.0.1:9/", "http://localhost/", "https://auth.example/"]) {
    assertEquals(await linesOf(url), [], url);
  }
  const [line, ...others] = await linesOf("http://auth.example/login?secret=s3cret");
  assertEquals(others, []);
  assertMatch(line!, /hook-url-open key=auth\.hook-url url="?http:\/\/auth\.example\//);
  assertNotMatch(line!, /s3cret/);
});
