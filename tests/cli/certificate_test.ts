import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Certificate } from "../../broker/cli/certificate.ts";
import { ConfigError } from "../../broker/config.ts";
import { Log } from "../../broker/core/log.ts";
import type { TlsIdentity } from "../../broker/transport/tls.ts";
import { checkIdentity } from "../../broker/transport/tls_identity.ts";
import { Authority } from "../support/certificates.ts";
import { eventually } from "../support/eventually.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";

const authority = new Authority();
globalThis.addEventListener("unload", () => authority[Symbol.dispose]());
const first = authority.issue({ name: "first" });
const second = authority.issue({ name: "second" });

const LOOK_MS = 2_000;
const DAY_MS = 24 * 3600 * 1000;

/** A certificate in files of its own, that is watched on a clock which the test moves. */
async function start(certificate = first) {
  const folder = Deno.makeTempDirSync({ dir: authority.folder });
  const keys = { certificate: "tls.certificate", key: "tls.key", clientAuthorities: "mqtt.client-ca" };
  const files = {
    certificate: `${folder}/cert.pem`,
    key: `${folder}/key.pem`,
    clientAuthorities: undefined,
    keys,
  };
  const write = (pem: { readonly certificate?: string; readonly key?: string }) => {
    if (pem.certificate !== undefined) Deno.writeTextFileSync(files.certificate, pem.certificate);
    if (pem.key !== undefined) Deno.writeTextFileSync(files.key, pem.key, { mode: 0o600 });
  };
  write(certificate);
  const clock = new SimulatedClock();
  clock.advance(Date.now() - clock.now());
  const lines: string[] = [];
  const log = new Log("info", (line) => lines.push(line.slice(25)));
  const loaded = await Certificate.load({ name: "mqtt", files, log, clock });
  const presented: TlsIdentity[] = [];
  loaded.onChange((identity) => presented.push(identity));
  /** Lets it look at the files, and waits until it has. */
  const look = async (count = 1) => {
    for (let done = 0; done < count; done++) {
      clock.advance(LOOK_MS);
      await eventually(() => assertEquals(clock.timerCount, 1));
    }
  };
  return { certificate: loaded, files, write, clock, lines, presented, look };
}

Deno.test("a changed certificate is shown once it stays the same for two looks", async () => {
  const { certificate, write, presented, look, lines } = await start();
  certificate.watch();
  await look(3);
  assertEquals([presented.length, lines], [0, []]);
  write(second);
  await look();
  assertEquals(presented.length, 0);
  await look();
  assertEquals(presented.map(({ key }) => key), [second.key]);
  assertStringIncludes(lines[0]!, "info  certificate-changed name=mqtt expires=");
  await look(3);
  assertEquals([presented.length, lines.length], [1, 1]);
  certificate.close();
});

Deno.test("half of a change is not used: the certificate waits for its key", async () => {
  const { certificate, write, presented, look, lines } = await start();
  certificate.watch();
  write({ certificate: second.certificate });
  await look();
  write({ key: second.key });
  await look(2);
  assertEquals([presented.length, lines.filter((line) => line.includes("refused"))], [1, []]);
  certificate.close();
});

Deno.test("one that cannot be used is refused once with the reason, and the old one stays until it is right", async () => {
  const { certificate, files, write, presented, look, lines } = await start();
  certificate.watch();
  write({ key: second.key });
  await look(5);
  assertEquals([presented.length, lines.length], [0, 1]);
  assertEquals(
    lines[0],
    `error certificate-refused name=mqtt error="Cannot use ${files.key}: it is not the key of ${files.certificate}, CN=first (key tls.key)"`,
  );
  Deno.removeSync(files.certificate);
  await look(5);
  assertEquals([presented.length, lines.length], [0, 2]);
  assertStringIncludes(lines[1]!, `Cannot read ${files.certificate}: No such file or directory`);
  write(second);
  await look(2);
  assertEquals([presented.length, certificate.identity.key], [1, second.key]);
  certificate.close();
});

Deno.test("asked for, it is read at once, or says why not and keeps what it had", async () => {
  const { certificate, files, write, presented } = await start();
  write(second);
  await certificate.reload();
  assertEquals(presented.map(({ key }) => key), [second.key]);
  write({ certificate: "nothing" });
  await assertRejects(
    () => certificate.reload(),
    ConfigError,
    `Cannot use ${files.certificate}: it has no certificate in PEM (key tls.certificate)`,
  );
  assertEquals([presented.length, certificate.identity.key], [1, second.key]);
});

Deno.test("whoever has 14 days left or more hears nothing, and then once a day", async () => {
  const { certificate, clock, lines, look } = await start(authority.issue({ name: "soon", days: 15 }));
  certificate.watch();
  clock.advance(0.9 * DAY_MS);
  await look();
  assertEquals(lines, []);
  clock.advance(0.2 * DAY_MS);
  await look(4);
  assertEquals(lines.length, 1);
  assertStringIncludes(lines[0]!, "warn  certificate-expires name=mqtt days=13 expires=");
  clock.advance(DAY_MS);
  await look(4);
  assertEquals(lines.length, 2);
  certificate.close();
});

Deno.test("what cannot be used does not start, and says which file is at fault", async () => {
  const { files, write } = await start();
  const now = Date.now();
  const init = {
    name: "mqtt",
    files,
    log: new Log("off", () => {}),
    clock: { now: () => now, after: () => () => {} },
  };
  const cases: [pem: Partial<typeof first>, message: string][] = [
    [{ certificate: "" }, `Cannot use ${files.certificate}: it has no certificate in PEM`],
    [{ certificate: first.key }, `Cannot use ${files.certificate}: it has no certificate in PEM`],
    [
      { certificate: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" },
      `Cannot use ${files.certificate}: its certificate 1 is none: `,
    ],
    [{ key: "nothing" }, `Cannot use ${files.key}: it has no private key in PEM`],
    [{ key: "-----BEGIN ENCRYPTED PRIVATE KEY-----" }, `Cannot use ${files.key}: the key is encrypted`],
    [
      { key: second.key },
      `Cannot use ${files.key}: it is not the key of ${files.certificate}, CN=first (key tls.key)`,
    ],
  ];
  for (const [pem, message] of cases) {
    write({ ...first, ...pem });
    await assertRejects(() => Certificate.load(init), ConfigError, message);
  }
  write(first);
  Deno.removeSync(files.key);
  await assertRejects(() => Certificate.load(init), ConfigError, `Cannot read ${files.key}: No such file`);
});

Deno.test("a certificate is of its time, with those of its issuers", () => {
  const files = { certificate: "cert.pem", key: "key.pem", clientAuthorities: "ca.pem" };
  const chain = { ...first, certificate: first.certificate + authority.certificate };
  const now = Date.now();
  // The authority's own is the first to go.
  assertEquals(checkIdentity(chain, files, now).getTime() < now + 3 * DAY_MS, true);
  const expired = [[chain, 3 * DAY_MS, "CN=Test authority expired on"], [
    first,
    61 * DAY_MS,
    "CN=first expired on",
  ]] as const;
  for (const [identity, later, words] of expired) {
    try {
      checkIdentity(identity, files, now + later);
      throw new Error("It was taken");
    } catch (error) {
      assertStringIncludes(String(error), words);
    }
  }
  try {
    checkIdentity(first, files, now - DAY_MS);
    throw new Error("It was taken");
  } catch (error) {
    assertStringIncludes(String(error), "CN=first only holds from");
  }
  try {
    checkIdentity({ ...first, clientAuthorities: "nobody" }, files, now);
    throw new Error("It was taken");
  } catch (error) {
    assertStringIncludes(String(error), "Cannot use ca.pem: it has no certificate in PEM");
  }
});

Deno.test("a key that others may read is warned of, at the start and when it is read again", async () => {
  const { certificate, files, lines } = await start();
  assertEquals(lines, []);
  await Deno.chmod(files.key, 0o640);
  await certificate.reload();
  assertEquals(lines, [`warn  tls-key-open file=${files.key} mode=640 expected=600`]);
});
