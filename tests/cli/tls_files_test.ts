import { assertEquals, assertRejects } from "@std/assert";
import { SUB_FLAGS } from "../../broker/cli/client_flags.ts";
import { parseCommandLine } from "../../broker/cli/command_line.ts";
import { loadTls } from "../../broker/cli/tls_files.ts";
import { ClientError } from "../../broker/client/mod.ts";
import { Authority } from "../support/certificates.ts";

const load = (...args: string[]) => loadTls(parseCommandLine(args, SUB_FLAGS));

Deno.test("the files that the flags of TLS name are read, and nothing is trusted beside them", async () => {
  using authority = new Authority();
  const file = authority.issueFiles({ name: "ana" });
  const [cert, key] = [authority.path(`${file}.pem`), authority.path(`${file}.key`)];
  assertEquals(await load(), { checkServerName: true });
  assertEquals(await load("--cafile", authority.path("ca.pem")), {
    ca: [authority.certificate],
    checkServerName: true,
  });
  assertEquals(await load("--cert", cert, "--key", key, "--insecure", "--tls-alpn", "x"), {
    cert: authority.read(`${file}.pem`),
    key: authority.read(`${file}.key`),
    checkServerName: false,
    alpnProtocols: ["x"],
  });
});

Deno.test("of a folder the certificates count that openssl finds by their hash, as it does itself", async () => {
  using authority = new Authority();
  using other = new Authority("Another");
  const folder = authority.path("certs");
  Deno.mkdirSync(folder);
  Deno.writeTextFileSync(`${folder}/one.pem`, authority.certificate);
  Deno.writeTextFileSync(`${folder}/notes.txt`, "none");
  await assertRejects(
    () => load("--capath", folder),
    ClientError,
    `Cannot use ${folder}: it has no certificates by their hash, run openssl rehash on it`,
  );
  Deno.writeTextFileSync(`${folder}/two.pem`, other.certificate);
  const { success } = await new Deno.Command("openssl", { args: ["rehash", folder] }).output();
  assertEquals(success, true);
  const { ca } = await load("--capath", folder, "--cafile", authority.path("ca.pem"));
  assertEquals(new Set(ca), new Set([authority.certificate, other.certificate]));
  assertEquals(ca?.length, 3);
  await assertRejects(
    () => load("--capath", `${folder}/none`),
    ClientError,
    `Cannot read ${folder}/none: No such file or directory`,
  );
});

Deno.test("a file that cannot be used is named, and nothing of what it holds", async () => {
  using authority = new Authority();
  const [one, other] = [authority.issueFiles({ name: "one" }), authority.issueFiles({ name: "other" })];
  const path = (name: string) => authority.path(name);
  Deno.writeTextFileSync(
    path("secret.key"),
    "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n",
  );
  Deno.writeTextFileSync(path("locked.key"), "-----BEGIN ENCRYPTED PRIVATE KEY-----\nc2VjcmV0\n");
  const cert = ["--cert", path(`${one}.pem`)];
  const cases: [args: string[], line: string][] = [
    [["--cafile", path("none")], `Cannot read ${path("none")}: No such file or directory`],
    [["--cafile", path("secret.key")], `Cannot use ${path("secret.key")}: it has no certificate in PEM`],
    [[...cert, "--key", path("none")], `Cannot read ${path("none")}: No such file or directory`],
    [
      [...cert, "--key", path("secret.key")],
      `Cannot use ${path("secret.key")}: it has no private key in PEM`,
    ],
    [
      [...cert, "--key", path("locked.key")],
      `Cannot use ${path("locked.key")}: the key is encrypted; openssl pkey -in ${
        path("locked.key")
      } writes one that is not`,
    ],
    [
      [...cert, "--key", path(`${other}.key`)],
      `Cannot use ${path(`${other}.key`)}: it is not the key of ${path(`${one}.pem`)}, CN=one`,
    ],
  ];
  for (const [args, line] of cases) {
    assertEquals((await assertRejects(() => load(...args), ClientError)).message, line);
  }
});
