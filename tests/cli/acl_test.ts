import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { runAcl } from "../../broker/cli/acl.ts";
import { ACL_FLAGS } from "../../broker/cli/acl_flags.ts";
import { parseCommandLine, UsageError } from "../../broker/cli/command_line.ts";
import { readRules } from "../../broker/cli/rules.ts";
import { StartError } from "../../broker/cli/start.ts";
import { DEFAULT_LIMITS } from "../../broker/core/limits.ts";
import { eventually } from "../support/eventually.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

const RULES = `[groups]
staff = ["ana"]

[[rule]]
allow = "all"
topics = ["#", "$SYS/#"]
groups = ["staff", "guests"]

[[rule]]
deny = "publish"
retain = true
topics = "#"

[[rule]]
allow = ["publish", "read"]
topics = ["home/%u/#", "dev/%c"]
methods = ["password-file", "anonymous"]
`;

async function withFile(
  text: string,
  action: (file: string, folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/acl.toml`;
  try {
    await Deno.writeTextFile(file, text);
    await action(file, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function acl(...args: string[]): Promise<[code: number, ...lines: string[]]> {
  const lines: string[] = [];
  const line = parseCommandLine(args, ACL_FLAGS);
  const code = await runAcl(line, (text) => lines.push(text));
  return [code, ...lines];
}

Deno.test("acl explain says which rule decides, and by its exit code what it decides", async () => {
  await withFile(RULES, async (file) => {
    const cases: [args: string, code: number, why: string][] = [
      ["--user ana -t a --publish --retain", 0, `Allowed: rule 1, line 4 of ${file}, allows it`],
      ["--user bob -g guests -t # --subscribe", 0, `Allowed: rule 1, line 4 of ${file}, allows it`],
      ["--user bob -t $share/g/home/bob/# --subscribe", 0, `Allowed: rule 3, line 14 of ${file}, allows it`],
      ["--user bob -t home/bob/x --publish --retain", 1, `Denied: rule 2, line 9 of ${file}, denies it`],
      ["--user bob -t home/bob/x --read", 0, `Allowed: rule 3, line 14 of ${file}, allows it`],
      ["--user bob -t home/# --subscribe", 1, `Denied: no rule of ${file} is about it`],
      ["--user bob --method jwt -t home/bob/x --read", 1, `Denied: no rule of ${file} is about it`],
      ["-t dev/c --read", 1, `Denied: no rule of ${file} is about it`],
      ["-i c -t dev/c --read", 0, `Allowed: rule 3, line 14 of ${file}, allows it`],
      ["-t home/anonymous/x --read", 1, `Denied: no rule of ${file} is about it`],
      [
        "--user ana -t $SYS/a --publish",
        1,
        "Denied: topics that begin with $ belong to the broker, whatever rules say",
      ],
    ];
    for (const [args, code, why] of cases) {
      assertEquals(await acl("explain", file, ...args.split(" ")), [code, why], args);
    }
  });
});

Deno.test("acl check counts what there is, and names groups that are not in the file", async () => {
  await withFile(RULES, async (file) => {
    assertEquals(await acl("check", file), [
      0,
      `${file} can be used: 3 rules, 5 topics, 1 group`,
      'Line 4: the group "guests" is not in [groups], so a token must name it',
    ]);
  });
});

Deno.test("the file is that of the options, if none is given", async () => {
  await withFile(RULES, async (file, folder) => {
    const config = `${folder}/pregon.toml`;
    await Deno.writeTextFile(config, `[auth]\nacl-file = ${JSON.stringify(file)}\n`);
    assertEquals((await acl("check", "--config", config))[0], 0);
    assertEquals((await acl("explain", "--config", config, "-u", "ana", "-t", "a", "--read"))[0], 0);
  });
});

Deno.test("what cannot be asked is said in one line", async () => {
  await withFile(RULES, async (file) => {
    const cases: [args: string[], problem: string][] = [
      [[], "Say what to do: pregon acl check FILE, or pregon acl explain --topic TOPIC --publish"],
      [["chekc"], 'Unknown command acl "chekc": did you mean check?'],
      [["check", file, "-u", "ana"], "Cannot use --user with acl check: it is for acl explain"],
      [["explain", file, "-t", "a"], "Say what is asked: one of --publish, --subscribe and --read"],
      [
        ["explain", file, "-t", "a", "--read", "--publish"],
        "Say what is asked: one of --publish, --subscribe and --read",
      ],
      [["explain", file, "--read"], "Say which topic: --topic TOPIC"],
      [["explain", file, "-t", "a", "--read", "-r"], "Cannot use --retain without --publish"],
      [
        ["explain", file, "-t", "a/#", "--read"],
        'Cannot use topic "a/#": wildcards are only allowed in filters',
      ],
      [["explain", file, "-t", "#/a", "--subscribe"], 'Cannot use filter "#/a": # must be the last level'],
      [
        ["explain", file, "-t", "a", "--read", "-u", "a", "--method", "jtw"],
        'Unknown method "jtw": did you mean jwt?',
      ],
      [["explain", file, "-t", "a", "--read", "--method", "jwt"], "Cannot use --method jwt without --user"],
      [
        ["explain", file, "-t", "a", "--read", "-u", "ana", "--method", "anonymous"],
        "Cannot use --method anonymous with --user",
      ],
    ];
    for (const [args, problem] of cases) {
      assertEquals((await assertRejects(() => acl(...args), UsageError)).message, problem);
    }
  });
});

Deno.test("a file that is not there, is too long, or is no text, is said to be so", async () => {
  await withFile(RULES, async (file) => {
    const messageOf = async (name: string, limits = DEFAULT_LIMITS) =>
      (await assertRejects(() => readRules(name, limits), StartError)).message;
    assertEquals(await messageOf(`${file}x`), `Cannot read ${file}x: No such file or directory`);
    const short = { ...DEFAULT_LIMITS, aclFileBytesMax: RULES.length - 1 };
    assertMatch(await messageOf(file, short), /longer than the \d+ bytes/);
    assertEquals((await readRules(file, { ...short, aclFileBytesMax: RULES.length })).list.length, 3);
    // What never ends is not read to its end.
    assertMatch(await messageOf("/dev/zero", short), /longer than the \d+ bytes/);
    await Deno.writeFile(file, Uint8Array.of(0x23, 0xe9, 0x0a));
    assertEquals(await messageOf(file), `Cannot use ${file}: it is not UTF-8`);
  });
});

/** The program with these rules, on two free ports. */
function serve(file: string) {
  const permissions = ["--allow-net", "--allow-read", "--allow-env"];
  const args = ["--memory", "--mqtt-port", "0", "--http-port", "0", "--auth-acl-file", file];
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--config", `${ROOT}deno.json`, ...permissions, `${ROOT}main.ts`, ...args],
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const said = { stdout: "", stderr: "" };
  const read = async (name: "stdout" | "stderr") => {
    for await (const text of process[name].pipeThrough(new TextDecoderStream())) said[name] += text;
  };
  const done = Promise.all([read("stdout"), read("stderr"), process.status]);
  return { process, said, done };
}

const PATIENCE_MS = 20_000;

// Mosquitto CVE-2018-12551, CVE-2017-7652: a reload that went wrong left no rules at all.
Deno.test("SIGHUP reads the rules again; a file that cannot be used changes nothing and is said to be so", async () => {
  await withFile('[[rule]]\nallow = "all"\ntopics = "#"\n', async (file) => {
    const { process, said, done } = serve(file);
    try {
      const port = await eventually(() => /http:\/\/127\.0\.0\.1:(\d+)\n/.exec(said.stdout)![1], PATIENCE_MS);
      const url = `http://127.0.0.1:${port}/topics/a`;
      const status = async (init?: RequestInit) => {
        const response = await fetch(url, init);
        await response.body?.cancel();
        return response.status;
      };
      assertEquals(await status({ method: "PUT", body: "x" }), 201);
      await Deno.writeTextFile(file, '[[rule]]\nallow = "publish"\ntopics = "#"\n');
      process.kill("SIGHUP");
      await eventually(() => assertStringIncludes(said.stderr, "reloaded name=acl"), PATIENCE_MS);
      assertEquals([await status(), await status({ method: "POST", body: "x" })], [401, 200]);
      for (const text of ["", '[[rule]]\nallow = "all"\ntopcis = "#"\n']) {
        said.stderr = "";
        await Deno.writeTextFile(file, text);
        process.kill("SIGHUP");
        await eventually(
          () => assertMatch(said.stderr, /reload-refused name=acl error="Cannot use /),
          PATIENCE_MS,
        );
        assertEquals([await status(), await status({ method: "POST", body: "x" })], [401, 200]);
      }
      await Deno.remove(file);
      said.stderr = "";
      process.kill("SIGHUP");
      await eventually(
        () => assertMatch(said.stderr, /reload-refused name=acl error="Cannot read /),
        PATIENCE_MS,
      );
      assertEquals(await status(), 401);
    } finally {
      process.kill("SIGTERM");
      await done;
    }
    // Nor does it start with one.
    await Deno.writeTextFile(file, "");
    const again = serve(file);
    assertEquals((await again.done)[2].code, 2);
    assertMatch(again.said.stderr, /^Cannot use .*acl\.toml: it has no rule[^\n]* \(key auth\.acl-file\)\n$/);
  });
});
