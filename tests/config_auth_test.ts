import { assertEquals, assertStringIncludes } from "@std/assert";
import { printOptions, resolveOptions } from "../broker/config.ts";
import { ASKS_FOR_CERTIFICATES, EVERYBODY, fileOf, messageOf, NOBODY_NAMED } from "./support/options.ts";

Deno.test("with any way to say who one is nobody comes in without, unless that is said too", () => {
  const auth = (flags: Record<string, string>) => resolveOptions({ flags }).auth;
  assertEquals(auth({}), NOBODY_NAMED);
  const ways = {
    "auth-password-file": ["password-file", "u"],
    "auth-jwt-keys": ["jwt", "k"],
    "auth-jwt-jwks-url": ["jwt", "https://x/jwks"],
    "auth-hook-url": ["hook", "http://192.0.2.1/auth"],
    "auth-certificate-name": ["certificate", "cn"],
  } as const;
  for (const [flag, [method, value]] of Object.entries(ways)) {
    const needed: Record<string, string> = method === "certificate" ? ASKS_FOR_CERTIFICATES : {};
    const { methods, allowAnonymous } = auth({ ...needed, [flag]: value });
    assertEquals([methods, allowAnonymous], [[method], false], flag);
    const both = { ...needed, [flag]: value, "auth-allow-anonymous": "true" };
    assertEquals(auth(both).allowAnonymous, true);
    assertEquals(resolveOptions(fileOf(printOptions({ flags: both }))).auth, auth(both));
    assertStringIncludes(printOptions({ flags: { ...needed, [flag]: value } }), "allow-anonymous = false\n");
  }
  assertEquals(printOptions({}).includes("password-file"), false);
});

Deno.test("with any way to say who one is nobody may do what no rule allows, unless that is said too", () => {
  const flags = { "auth-password-file": "u" };
  const isOpen = (more: Record<string, string> = {}) =>
    resolveOptions({ flags: { ...flags, ...more } }).auth.isOpen;
  assertEquals([isOpen(), isOpen({ "auth-acl-file": "a" }), isOpen({ "auth-allow-everything": "true" })], [
    false,
    false,
    true,
  ]);
  assertEquals(resolveOptions({ flags: EVERYBODY }).auth.isOpen, true);
  assertEquals(resolveOptions({ flags: { "auth-acl-file": "a" } }).auth.isOpen, false);
  assertEquals(resolveOptions({ flags: { "auth-allow-everything": "false" } }).auth.isOpen, false);
  // What follows from other options does not stay when they change.
  const printed = fileOf(printOptions({}));
  assertEquals(resolveOptions({ ...printed, flags }).auth.isOpen, false);
  assertEquals(resolveOptions({ ...printed, flags }).auth.allowAnonymous, false);
  assertEquals(
    messageOf({ flags: { ...flags, "auth-acl-file": "a", "auth-allow-everything": "true" } }),
    "Cannot use true for auth.allow-everything from flag --auth-allow-everything beside auth.acl-file: " +
      "its rules say who may do what",
  );
});

Deno.test("methods are asked in their usual order, or in the one that is written", () => {
  const flags = {
    ...ASKS_FOR_CERTIFICATES,
    ...{ "auth-password-file": "u", "auth-hook-url": "http://x/", "auth-certificate-name": "san" },
  };
  assertEquals(resolveOptions({ flags }).auth.methods, ["certificate", "password-file", "hook"]);
  const methods = { "auth-methods": "hook,password-file,certificate" };
  assertEquals(resolveOptions({ flags: { ...flags, ...methods } }).auth.methods, [
    "hook",
    "password-file",
    "certificate",
  ]);
  const problem = (names: string) => messageOf({ flags: { ...flags, "auth-methods": names } });
  const from = (names: string[]) =>
    `Cannot use ${JSON.stringify(names)} for auth.methods from flag --auth-methods:`;
  assertEquals(problem("hook"), `${from(["hook"])} certificate is set up and left out`);
  const withTokens = ["jwt", "hook", "password-file", "certificate"];
  assertEquals(
    problem(withTokens.join()),
    `${from(withTokens)} jwt needs auth.jwt-keys or auth.jwt-secret or auth.jwt-jwks-url`,
  );
  const twice = ["hook", "hook", "password-file", "certificate"];
  assertEquals(problem(twice.join()), `${from(twice)} hook is there twice`);
  assertStringIncludes(
    problem("hok"),
    "it must be a list of certificate, jwt, password-file, hook, each once",
  );
});

// NanoMQ, EMQX and others were found open in numbers: who opens the broker must have said to whom.
Deno.test("as long as nobody said who may come in, only this machine may", () => {
  for (const host of ["0.0.0.0", "::", "192.0.2.7", "broker.local", "127.0.0.1.example.org"]) {
    for (const option of ["host", "mqtt-host", "http-host"]) {
      const message = messageOf({ flags: { [option]: host } });
      assertStringIncludes(message, `Cannot use ${JSON.stringify(host)} for `);
      assertStringIncludes(message, `from flag --${option}: everybody could come in; say who may with auth.`);
      assertStringIncludes(message, "or that all may with auth.allow-anonymous = true");
      assertEquals(resolveOptions({ flags: { [option]: host, ...EVERYBODY } }).auth.allowAnonymous, true);
      resolveOptions({ flags: { [option]: host, "auth-password-file": "u" } });
    }
  }
  for (const host of ["127.0.0.1", "127.1.2.3", "::1", "localhost"]) resolveOptions({ flags: { host } });
});

Deno.test("what says nothing of tokens where there are none, or of two places for their keys, is refused", () => {
  assertEquals(
    messageOf({ flags: { "auth-jwt-issuer": "me" } }),
    "Cannot use auth.jwt-issuer without auth.jwt-keys or auth.jwt-secret or auth.jwt-jwks-url: there are no tokens",
  );
  assertEquals(
    messageOf({ flags: { "auth-jwt-keys": "k", "auth-jwt-jwks-url": "https://x/" } }),
    "Cannot use both auth.jwt-keys and auth.jwt-jwks-url: give one of them",
  );
  // Keys that come over an open line are anybody's; `none` is no algorithm.
  for (const url of ["http://x/jwks", "ftp://x/", "https://u:p@x/", "x", ""]) {
    assertStringIncludes(messageOf({ flags: { "auth-jwt-jwks-url": url } }), "a URL with https");
  }
  for (const url of ["file:///etc/passwd", "ftp://x/", "http://u:p@x/", "x", ""]) {
    assertStringIncludes(messageOf({ flags: { "auth-hook-url": url } }), "a URL with http or https");
  }
  assertStringIncludes(
    messageOf({ flags: { "auth-jwt-keys": "k", "auth-jwt-algorithms": "none" } }),
    "a list of HS256",
  );
});

// A variable that the shell did not find must not open the door.
Deno.test("an empty name of a password file is refused, and so is a door that nobody could enter", () => {
  assertEquals(
    messageOf({ env: { PREGON_AUTH_PASSWORD_FILE: "" } }),
    'Cannot use "" for auth.password-file from variable PREGON_AUTH_PASSWORD_FILE: it must be the path of a file or folder',
  );
  assertEquals(
    messageOf(fileOf("[auth]\nallow-anonymous = false")),
    "Cannot use false for auth.allow-anonymous from file pregon.toml: without " +
      "auth.password-file (pregon passwd makes one), auth.jwt-keys, auth.jwt-secret, auth.jwt-jwks-url, " +
      "auth.hook-url or auth.certificate-name nobody could come in",
  );
  assertEquals(
    messageOf({ flags: { "auth-allow-anonymous": "no" } }),
    'Cannot use "no" for auth.allow-anonymous from flag --auth-allow-anonymous: it must be true or false',
  );
});

const SECRET = "zzsecretzz of at least 32 bytes!";

Deno.test("the secret of tokens comes by variable or file, is never shown, and what was shown is no secret", () => {
  assertEquals(SECRET.length, 32);
  const env = { PREGON_AUTH_JWT_SECRET: SECRET };
  for (const sources of [{ env }, fileOf(`[auth]\njwt-secret = "${SECRET}"\n`)]) {
    const { jwt, methods, allowAnonymous } = resolveOptions(sources).auth;
    assertEquals([jwt.secret, methods, allowAnonymous], [SECRET, ["jwt"], false]);
    const printed = printOptions(sources);
    assertStringIncludes(printed, '\njwt-secret = "…" # ');
    assertEquals(printed.includes("zzsecretzz"), false);
    assertStringIncludes(
      messageOf(fileOf(printed)),
      'Cannot use "…" for auth.jwt-secret from file pregon.toml',
    );
  }
  assertEquals(
    messageOf({ env, flags: { "auth-jwt-keys": "k" } }),
    "Cannot use both auth.jwt-keys and auth.jwt-secret: give one of them",
  );
  assertEquals(
    messageOf({ flags: { "auth-jwt-secret": SECRET } }),
    "Cannot use the flag --auth-jwt-secret: everybody on this machine can read it there; " +
      "use the variable PREGON_AUTH_JWT_SECRET, or auth.jwt-secret in the file",
  );
});

Deno.test("a secret that is short, a key or no text is refused, and nothing of it is shown", () => {
  const refusal = (source: string) =>
    `Cannot use "…" for auth.jwt-secret from ${source}: it must be a secret of at least 32 bytes, and no key in PEM or JSON`;
  for (
    const value of [
      "",
      SECRET.slice(1),
      `{"kty":"oct","k":"${SECRET}"}`,
      `-----BEGIN PUBLIC KEY-----${SECRET}`,
    ]
  ) {
    assertEquals(
      messageOf({ env: { PREGON_AUTH_JWT_SECRET: value } }),
      refusal("variable PREGON_AUTH_JWT_SECRET"),
    );
  }
  for (const value of ["7777777777777777", `["${SECRET}"]`, `{ ${"z".repeat(40)} = 1 }`, "true"]) {
    assertEquals(messageOf(fileOf(`[auth]\njwt-secret = ${value}\n`)), refusal("file pregon.toml"));
  }
});
