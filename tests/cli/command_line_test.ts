import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { type Flag, parseCommandLine, UsageError, WORD_SEPARATOR } from "../../broker/cli/command_line.ts";
import { SERVE_FLAGS } from "../../broker/cli/help.ts";
import { PASSWD_FLAGS } from "../../broker/cli/passwd_flags.ts";
import { PUB_FLAGS, SUB_FLAGS } from "../../broker/cli/client_flags.ts";

const FLAGS: readonly Flag[] = [
  { name: "topic", short: "t", placeholder: "TOPIC", isRepeatable: true, help: "" },
  { name: "message", short: "m", placeholder: "MESSAGE", help: "" },
  { name: "port", short: "p", placeholder: "N", help: "" },
  { name: "retain", short: "r", help: "" },
  { name: "lines", short: "l", help: "" },
  {
    name: "pair",
    short: "D",
    placeholder: "WORDS",
    isRepeatable: true,
    wordCount: ([first]) => first === "long" ? 3 : 2,
    help: "",
  },
];

function parsed(...args: string[]): Record<string, readonly string[]> {
  return Object.fromEntries(parseCommandLine(args, FLAGS));
}

function refused(...args: string[]): string {
  return assertThrows(() => parseCommandLine(args, FLAGS), UsageError).message;
}

Deno.test("flags are read in every spelling", () => {
  assertEquals(parsed(), {});
  assertEquals(parsed("-m", "x", "-r"), { message: ["x"], retain: [] });
  assertEquals(parsed("--message", "x", "--retain"), { message: ["x"], retain: [] });
  assertEquals(parsed("--message=x=y"), { message: ["x=y"] });
  assertEquals(parsed("-p1883", "-rl"), { port: ["1883"], retain: [], lines: [] });
  assertEquals(parsed("--retain=false"), {});
});

Deno.test("a repeatable flag has all its values, and another one is refused with both", () => {
  assertEquals(parsed("-t", "a", "--topic", "b", "-t=c"), { topic: ["a", "b", "c"] });
  const refusal = 'Cannot use both "a" and "b" for --message: give one of them';
  assertEquals(refused("-m", "a", "-r", "--message=b"), refusal);
  assertEquals(refused("--message=a", "-m", "b", "-m", "c"), refusal);
  refused("-m", "a", "-m", "a");
  assertEquals(parsed("-r", "-r"), { retain: [] }, "A switch says the same twice");
});

Deno.test("a flag that is refused for its two values shows nothing that may be secret", () => {
  const secret = "zzsecretzz";
  const commands: (readonly [readonly Flag[], string, string])[] = [
    [PUB_FLAGS, "pw", secret],
    [SUB_FLAGS, "url", `mqtt://ana:${secret}@h/a`],
    [SERVE_FLAGS, "auth-hook-url", `https://h/who?key=${secret}`],
    [SERVE_FLAGS, "auth-jwt-jwks-url", `https://h/keys?key=${secret}`],
  ];
  for (const [flags, name, value] of commands) {
    const args = [`--${name}`, value, `--${name}`, value];
    const { message } = assertThrows(() => parseCommandLine(args, flags), UsageError);
    assertEquals([message.includes(secret), message.includes("\n")], [false, false], message);
    assertStringIncludes(message, `for --${name}`);
  }
});

Deno.test("a value is taken as it stands, whatever it looks like", () => {
  for (
    const value of [
      "-5",
      "--retain",
      "-",
      "--",
      "",
      "true",
      "1e3",
      "007",
      "two\nlines\n",
      "a=b",
      "$SYS/#",
      "é",
    ]
  ) {
    assertEquals(parsed("-m", value), { message: [value] }, value);
    assertEquals(
      parsed("-r", "-m", value, "-t", value),
      { message: [value], retain: [], topic: [value] },
      value,
    );
  }
});

Deno.test("a value of several words has as many as its first words say", () => {
  assertEquals(parsed("-D", "a", "-r", "--pair", "long", "b", "", "-r"), {
    pair: ["a\0-r", "long\0b\0"],
    retain: [],
  });
  assertEquals(refused("-D", "long", "a"), "Flag -D needs a value: -D WORDS");
  assertEquals(parsed("--pair=a"), { pair: ["a"] }, "Whoever reads it sees that a word is missing");
});

Deno.test("what is no flag is refused with what may have been meant", () => {
  assertEquals(refused("--mesage", "x"), "Unknown flag --mesage: did you mean --message?");
  assertEquals(refused("--mesage=x"), "Unknown flag --mesage: did you mean --message?");
  assertEquals(refused("-x"), "Unknown flag -x: --help lists them");
  assertEquals(refused("stray"), 'Unknown argument "stray": expected a flag');
  assertEquals(refused("-r", "true"), 'Unknown argument "true": expected a flag');
  assertEquals(refused("--", "-r"), 'Unknown argument "-r": expected a flag');
  assertEquals(refused("-m"), "Flag -m needs a value: -m MESSAGE");
  assertEquals(refused("--retain=maybe"), "Cannot use --retain=maybe: --retain takes no value");
  assertStringIncludes(refused("--__proto__=1"), "Unknown flag --__proto__");
  assertStringIncludes(refused("--constructor.name=1"), "Unknown flag --constructor.name");
});

Deno.test("arguments that are no flags are read by their place, as they stand, and no more than there are places", () => {
  const places = ["FILE", "USER"].map((name) => ({ name, isPositional: true, help: `Some ${name}` }));
  const both = (...args: string[]) => Object.fromEntries(parseCommandLine(args, [...places, ...FLAGS]));
  assertEquals(both("a", "b", "-r"), { FILE: ["a"], USER: ["b"], retain: [] });
  assertEquals(both("-r", "a", "-m", "x", "007"), { FILE: ["a"], USER: ["007"], message: ["x"], retain: [] });
  assertEquals(both("--", "a", "-r"), { FILE: ["a"], USER: ["-r"] });
  const refusal = (...args: string[]) => assertThrows(() => both(...args), UsageError).message;
  assertEquals(refusal("a"), "Missing USER: Some USER");
  assertEquals(refusal("a", "b", "c"), 'Unknown argument "c": expected a flag');
  assertEquals(refusal("a", "--mesage"), "Unknown flag --mesage: did you mean --message?");
});

Deno.test("each command's flags have names and letters of their own, that the parser can read", () => {
  const commands = [SERVE_FLAGS, PUB_FLAGS, SUB_FLAGS, PASSWD_FLAGS];
  for (const flags of commands.map((all) => all.filter((flag) => !flag.isPositional))) {
    const names = flags.flatMap(({ name, short }) => short ? [name, short] : [name]);
    assertEquals(new Set(names).size, names.length);
    for (const { name, short, placeholder, wordCount } of flags) {
      const words = placeholder ? Array<string>(wordCount?.([]) ?? 1).fill("value") : [];
      const values = placeholder ? [words.join(WORD_SEPARATOR)] : [];
      assertEquals([...parseCommandLine([`--${name}`, ...words], flags)], [[name, values]], name);
      if (short) assertEquals([...parseCommandLine([`-${short}`, ...words], flags)], [[name, values]], short);
    }
  }
});
