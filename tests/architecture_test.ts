import { assertEquals } from "@std/assert";
import {
  cycles,
  type Import,
  importsOf,
  importsOfAll,
  type Sources,
  stripped,
} from "./support/module_graph.ts";

/**
 * Who may import whom. A key is a file, or a folder with all below it; the longest that fits counts. An entry names a
 * folder, a file or a library; `type` before it allows its types only. A folder may always import from itself.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  "broker/packet/": [],
  "broker/topic/": [],
  "broker/transport/": [
    "broker/core/limits.ts",
    "broker/core/errors.ts",
    "broker/core/clock.ts",
    "broker/core/ip_address.ts",
    "type broker/core/byte_budget.ts",
    // Deno's own TLS asks no client for a certificate.
    "node:crypto",
    "node:stream",
    "node:tls",
  ],
  // Counters are plain numbers that the router counts in; it sees their shape only.
  "broker/core/": ["broker/packet/", "broker/topic/", "type broker/metrics/counters.ts"],
  "broker/auth/": ["broker/core/", "broker/topic/", "type broker/packet/"],
  // Its records travel as bytes, and properties are kept as the packets have them.
  "broker/store/": ["broker/core/", "broker/topic/", "broker/packet/", "node:sqlite"],
  "broker/cluster/": ["broker/core/", "broker/topic/", "type broker/packet/"],
  "broker/metrics/": ["broker/core/", "broker/topic/", "type broker/packet/"],
  // It publishes what it counts, through the broker that it is given.
  "broker/metrics/sys_topics.ts": [
    "broker/core/",
    "broker/topic/",
    "type broker/packet/",
    "type broker/broker.ts",
  ],
  "broker/session/": [
    "broker/core/",
    "broker/packet/",
    "broker/topic/",
    "type broker/store/journal.ts",
    "type broker/metrics/counters.ts",
  ],
  // It puts back what the store has kept, wherever that belongs.
  "broker/restoration.ts": [
    "broker/core/",
    "broker/packet/",
    "broker/session/",
    "type broker/store/",
    "broker/topic/",
  ],
  "broker/retained_messages.ts": ["broker/core/", "type broker/session/"],
  "broker/broker.ts": [
    "broker/restoration.ts",
    "broker/retained_messages.ts",
    "broker/auth/",
    "broker/cluster/",
    "broker/core/",
    "broker/metrics/",
    "broker/packet/",
    "broker/session/",
    "broker/store/",
    "broker/topic/",
  ],
  "broker/connection/": [
    "broker/broker.ts",
    "broker/session/",
    "broker/core/",
    "broker/packet/",
    "broker/topic/",
    "broker/transport/",
    "type broker/auth/",
  ],
  // It makes what all connections share, and owns the clockwork of `$SYS`.
  "broker/server.ts": [
    "broker/connection/",
    "broker/transport/",
    "broker/broker.ts",
    "broker/config.ts",
    "broker/core/",
    "broker/packet/",
    "broker/metrics/",
  ],
  "broker/config.ts": ["broker/config_schema.ts", "broker/config_checks.ts", "broker/core/", "@std/"],
  "broker/config_checks.ts": ["type broker/config_schema.ts"],
  "broker/config_schema.ts": ["broker/core/", "broker/topic/"],
  "broker/client/": [
    "broker/packet/",
    "broker/transport/",
    "broker/core/limits.ts",
    "broker/core/errors.ts",
    "broker/core/clock.ts",
    "broker/core/byte_budget.ts",
    "broker/topic/",
  ],
  // It writes the password file, and reads it for the broker.
  "broker/cli/": [
    "broker/auth/",
    "broker/client/",
    "broker/config.ts",
    "broker/config_schema.ts",
    "broker/topic/",
    "type broker/packet/",
    // It opens what the options say, and reads certificates again.
    "broker/transport/",
    "broker/core/clock.ts",
    "broker/core/ip_address.ts",
    "type broker/core/",
    "@std/",
  ],
  "broker/mod.ts": [
    "broker/broker.ts",
    "type broker/retained_messages.ts",
    "broker/core/",
    "broker/topic/",
    "type broker/auth/",
    "type broker/packet/",
    "type broker/transport/transport.ts",
    "broker/transport/websocket_handshake.ts",
    "broker/store/store.ts",
    "type broker/store/",
  ],
  "broker/std.d.ts": [],
  "bridge/": ["broker/mod.ts", "hono", "@std/"],
  // The composition root: the only file that knows both sides.
  "main.ts": [
    "bridge/mod.ts",
    "broker/mod.ts",
    "broker/server.ts",
    "broker/config.ts",
    "broker/config_schema.ts",
    "broker/store/stores.ts",
    "broker/transport/",
    "broker/cli/",
    "broker/client/",
    "@std/",
    "deno.json",
  ],
};

/** Folders that outsiders enter by their `mod.ts` only. */
const DOORS = ["broker/", "broker/packet/", "bridge/"];

/** Whoever may go past a door, as `MAY_IMPORT` has it: it puts the parts together. */
const COMPOSITION_ROOT = "main.ts";

/** Types that may be named without going through the door: they cost nothing and nothing hides in them. */
const OPEN_TYPES = ["broker/packet/types.ts"];

const LINES_MAX = 400;

/** What a path in the README looks like. A `/` or `$` before it makes it a topic or a URL. */
const README_PATH =
  /(?<![\w./:$-])(?:(?:broker|bridge|tests|\.ci)\/[\w./-]*\w\/?|(?:main|\w+_test)\.ts|deno\.(?:json|lock)|LICENSE\b)/g;

// Put together so that this file does not find itself.
const TODO_WITHOUT_ISSUE = new RegExp("\\bTO" + "DO\\b(?!\\(#\\d+\\))");
const TYPE_IGNORED = new RegExp("@ts-" + "(?:ignore|nocheck|expect-error)");
const CONSOLE = /\bconsole\./;
const ANY = /(?::\s*|<\s*|\bas\s+|[|&]\s*|,\s*)any\b(?=\s*(?:[;,)\]>|&=[{]|$))/m;

/** Programs that write to a terminal. */
const WRITES_OUTPUT = ["main.ts", "broker/cli/"];

function forbiddenImports(imports: readonly Import[]): string[] {
  return imports.filter((found) => !isAllowed(found)).map(({ from, to, isTypeOnly }) =>
    `${from} imports ${isTypeOnly ? "types of " : ""}${to}`
  );
}

function isAllowed({ from, to, isTypeOnly }: Import): boolean {
  const row =
    Object.keys(MAY_IMPORT).filter((key) => covers(key, from)).sort((a, b) => b.length - a.length)[0];
  if (row === undefined) return false;
  if (row.endsWith("/") && covers(row, to)) return true;
  return MAY_IMPORT[row]!.some((entry) =>
    entry.startsWith("type ") ? isTypeOnly && covers(entry.slice(5), to) : covers(entry, to)
  );
}

function covers(entry: string, path: string): boolean {
  return entry.endsWith("/") ? path.startsWith(entry) : path === entry || path.startsWith(`${entry}/`);
}

function passedDoors(imports: readonly Import[]): string[] {
  const passes = imports.filter(({ from, to, isTypeOnly }) => {
    if (from === COMPOSITION_ROOT || (isTypeOnly && OPEN_TYPES.includes(to))) return false;
    return DOORS.some((door) => to.startsWith(door) && !from.startsWith(door) && to !== `${door}mod.ts`);
  });
  return passes.map(({ from, to }) => `${from} enters by ${to}`);
}

/** No cycle when the program runs; types may go round inside one folder, as in a class and its handlers. */
function forbiddenCycles(imports: readonly Import[]): string[] {
  const atRunTime = cycles(imports.filter((found) => !found.isTypeOnly));
  const ofTypes = cycles(imports).filter((members) => new Set(members.map(topFolder)).size > 1);
  return [...atRunTime, ...ofTypes].map((members) => members.join(" <-> "));
}

/** `broker/connection` for everything below it; a file beside the folders stands for itself. */
function topFolder(path: string): string {
  return path.split("/").slice(0, 2).join("/");
}

function tooLong(sources: Sources): string[] {
  return Object.keys(sources).filter((path) => sources[path]!.trimEnd().split("\n").length > LINES_MAX);
}

function missingPaths(readme: string, exists: (path: string) => boolean): string[] {
  return [...new Set(readme.match(README_PATH) ?? [])].filter((path) => !exists(path));
}

function todosWithoutIssue(sources: Sources): string[] {
  return linesThat(sources, (line) => TODO_WITHOUT_ISSUE.test(line));
}

function forbiddenWords(sources: Sources): string[] {
  const own = Object.entries(sources).filter(([path]) =>
    /^(?:broker|bridge)\//.test(path) && !path.endsWith(".d.ts")
  );
  const code = own.map(([path, source]) => [path, stripped(source, { strings: true })] as const);
  const quiet = code.filter(([path]) => !WRITES_OUTPUT.some((entry) => covers(entry, path)));
  return [
    ...linesThat(Object.fromEntries(own), (line) => TYPE_IGNORED.test(line)),
    ...linesThat(Object.fromEntries(code), (line) => ANY.test(line)),
    ...linesThat(Object.fromEntries(quiet), (line) => CONSOLE.test(line)),
  ];
}

function linesThat(sources: Sources, isFound: (line: string) => boolean): string[] {
  return Object.entries(sources).flatMap(([path, source]) =>
    source.split("\n").flatMap((line, index) => isFound(line) ? [`${path}:${index + 1}`] : [])
  );
}

function readSources(paths: readonly string[]): Sources {
  const sources: Record<string, string> = {};
  const read = (path: string) => {
    if (Deno.statSync(path).isFile) {
      if (path.endsWith(".ts")) sources[path] = Deno.readTextFileSync(path);
    } else {
      for (const entry of Deno.readDirSync(path)) read(`${path}/${entry.name}`);
    }
  };
  for (const path of paths) read(path);
  return sources;
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}

const product = () => readSources(["main.ts", "broker", "bridge"]);
const everything = () => readSources(["main.ts", "broker", "bridge", "tests"]);

Deno.test("every import is one that the table allows", () => {
  assertEquals(forbiddenImports(importsOfAll(product())), []);
  assertEquals(
    forbiddenImports(importsOfAll({
      "broker/packet/x.ts": 'import { Message } from "../core/message.ts";',
      "broker/core/x.ts": 'import { Broker } from "../broker.ts";',
      "broker/core/y.ts": 'import { Counters } from "../metrics/counters.ts";',
      "broker/session/x.ts": 'import { z } from "zod";',
      "bridge/routes/x.ts": 'import type { Session } from "../../broker/session/session.ts";',
      "broker/transport/x.ts": 'export * from "../connection/connection.ts";',
      "broker/topic/x.ts": 'const late = await import("../packet/mod.ts");',
      "broker/new/x.ts": 'import "./y.ts";',
    })),
    [
      "broker/packet/x.ts imports broker/core/message.ts",
      "broker/core/x.ts imports broker/broker.ts",
      "broker/core/y.ts imports broker/metrics/counters.ts",
      "broker/session/x.ts imports zod",
      "bridge/routes/x.ts imports types of broker/session/session.ts",
      "broker/transport/x.ts imports broker/connection/connection.ts",
      "broker/topic/x.ts imports broker/packet/mod.ts",
      "broker/new/x.ts imports broker/new/y.ts",
    ],
  );
});

Deno.test("a folder with a door is entered by it", () => {
  assertEquals(passedDoors(importsOfAll(product())), []);
  assertEquals(
    passedDoors(importsOfAll({
      "broker/core/x.ts":
        'import type { QoS } from "../packet/types.ts";\nimport { encodePublish } from "../packet/publish.ts";',
      "bridge/app.ts": 'import { Broker } from "../broker/broker.ts";\nimport "../broker/mod.ts";',
      "broker/packet/x.ts": 'import { Reader } from "./reader.ts";',
      "main.ts": 'import { Server } from "./broker/server.ts";',
    })),
    ["broker/core/x.ts enters by broker/packet/publish.ts", "bridge/app.ts enters by broker/broker.ts"],
  );
});

Deno.test("imports go round nowhere, and types only inside a folder", () => {
  assertEquals(forbiddenCycles(importsOfAll(product())), []);
  assertEquals(
    forbiddenCycles(importsOfAll({
      "broker/core/a.ts": 'import { b } from "./b.ts";',
      "broker/core/b.ts": 'import { c } from "./c.ts";',
      "broker/core/c.ts": 'import { a } from "./a.ts";',
      "broker/core/alone.ts": 'import { a } from "./a.ts";',
      "broker/session/d.ts": 'import type { e } from "../store/e.ts";',
      "broker/store/e.ts": 'import { type d } from "../session/d.ts";',
      "broker/connection/f.ts": 'import { g } from "./handlers/g.ts";',
      "broker/connection/handlers/g.ts": 'import type { f } from "../f.ts";',
    })),
    [
      "broker/core/a.ts <-> broker/core/b.ts <-> broker/core/c.ts",
      "broker/session/d.ts <-> broker/store/e.ts",
    ],
  );
});

Deno.test("an import in a comment or a literal is none, and one over several lines is one", () => {
  const source = [
    '// import { a } from "./a.ts";',
    "/*",
    'import { b } from "./b.ts";',
    "*/",
    'const url = "http://x"; import_("./c.ts");',
    "const code = `",
    'import { d } from "./d.ts";`;',
    "import {",
    "  type E,",
    "  type F,",
    '} from "./e.ts";',
    'import { type G, h } from "./g.ts";',
    'export type * from "./i.ts";',
  ].join("\n");
  assertEquals(importsOf("x/y.ts", source), [
    { from: "x/y.ts", to: "x/e.ts", isTypeOnly: true },
    { from: "x/y.ts", to: "x/g.ts", isTypeOnly: false },
    { from: "x/y.ts", to: "x/i.ts", isTypeOnly: true },
  ]);
});

Deno.test("no file has more than 400 lines", () => {
  assertEquals(tooLong(everything()), []);
  assertEquals(tooLong({ "at_most.ts": "x\n".repeat(400), "more.ts": "x\n".repeat(401) }), ["more.ts"]);
});

Deno.test("every path that the README names exists", () => {
  assertEquals(exists("README.md"), true, "README.md does not exist");
  assertEquals(missingPaths(Deno.readTextFileSync("README.md"), exists), []);
  const readme =
    "See `broker/mod.ts`, `broker/gone.ts`, [tests](tests/) and gone_test.ts, `$SYS/broker/uptime` " +
    "and http://localhost/topics/tests/1 and bridge/.";
  assertEquals(missingPaths(readme, exists), ["broker/gone.ts", "gone_test.ts"]);
});

Deno.test("whatever is left to do names its issue", () => {
  assertEquals(todosWithoutIssue(everything()), []);
  const word = "TO" + "DO";
  const sources = { "x.ts": `// ${word}(#12) later\n// ${word} later\n// ${word}(me)\nTODOS` };
  assertEquals(todosWithoutIssue(sources), ["x.ts:2", "x.ts:3"]);
});

Deno.test("the product writes to no console and goes round no type", () => {
  assertEquals(forbiddenWords(product()), []);
  const sources = {
    "broker/x.ts": [
      "/** For any reason, console.log. */",
      'log.info("console.log any");',
      "console.log(1);",
      "let value: any;",
      "(value as any).run(/* any */);",
      "Record<string, any>",
      "const node = this.any ?? { any: 1 };",
      "// @ts-" + "ignore",
    ].join("\n"),
    "broker/cli/x.ts": "console.log(1);",
    "tests/x.ts": "console.log(1); let value: any;",
  };
  assertEquals(forbiddenWords(sources), [
    "broker/x.ts:8",
    "broker/x.ts:4",
    "broker/x.ts:5",
    "broker/x.ts:6",
    "broker/x.ts:3",
  ]);
});
