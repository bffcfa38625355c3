import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { parseCommandLine } from "../../broker/cli/command_line.ts";
import { SERVE_FLAGS } from "../../broker/cli/help.ts";
import { banner, optionSources } from "../../broker/cli/start.ts";
import { ConfigError, type OptionSources, resolveOptions } from "../../broker/config.ts";
import { ASKS_FOR_CERTIFICATES, EVERYBODY } from "../support/options.ts";

function bannerOf(flags: OptionSources["flags"]): string {
  const at = { mqtt: ["mqtt://127.0.0.1:1"], http: ["http://127.0.0.1:2"] };
  return banner(resolveOptions({ flags }), { ...at, version: "0" });
}

Deno.test("the examples are for what is open, and say what TLS needs", () => {
  const options = resolveOptions({});
  const open = banner(options, {
    mqtt: ["ws://[::]:1", "mqtts://0.0.0.0:8883", "unix:/run/mqtt"],
    http: ["https://[::]:8443"],
    version: "0",
  });
  for (
    const line of [
      "  MQTT  mqtts://0.0.0.0:8883\n",
      "  MQTT  unix:/run/mqtt\n",
      "  HTTP  https://[::]:8443\n",
      "  mosquitto_sub -h 127.0.0.1 -p 8883 --cafile CA.pem -t 'home/#' -v\n",
      "  curl --cacert CA.pem -N https://[::1]:8443/stream/home/%23\n",
    ]
  ) assertStringIncludes(open, line);
  const closed = banner(options, { mqtt: ["unix:/run/mqtt"], http: [], version: "0" });
  assert(!closed.includes("mosquitto_sub") && !closed.includes("curl"));
});

Deno.test("who opens the broker is told by which names HTTP answers, until they are given", () => {
  const opened = bannerOf({ host: "0.0.0.0", ...EVERYBODY });
  assertStringIncludes(opened, "Other machines can connect");
  assertStringIncludes(opened, "HTTP answers only as localhost, 127.0.0.1 or [::1]");
  assertStringIncludes(opened, "--http-allowed-hosts");
  const others: NonNullable<OptionSources["flags"]>[] = [
    {},
    { "mqtt-host": "0.0.0.0", ...EVERYBODY },
    { host: "0.0.0.0", ...EVERYBODY, "http-allowed-hosts": "broker.local" },
  ];
  for (const flags of others) assert(!bannerOf(flags).includes("--http-allowed-hosts"));
});

Deno.test("who opens the broker is told what others need to come in", () => {
  const host = "0.0.0.0";
  const open = bannerOf({ host, ...EVERYBODY });
  assertStringIncludes(open, "may read and publish everything without a password");
  const ways = [
    [{ "auth-password-file": "users" }, "mosquitto_sub -u USER -P PASSWORD", "curl -u USER "],
    [{ "auth-hook-url": "http://x/" }, "mosquitto_sub -u USER -P PASSWORD", "curl -u USER "],
    [{ "auth-jwt-keys": "k" }, "mosquitto_sub -u '' -P TOKEN", "curl -H 'Authorization: Bearer TOKEN' "],
    [{ "auth-jwt-keys": "k", "auth-jwt-field": "username" }, "mosquitto_sub -u TOKEN ", "curl -H "],
  ] as const;
  for (const [flags, mqtt, http] of ways) {
    const guarded = bannerOf({ host, ...flags });
    assertStringIncludes(guarded, "with what shows who they are, which travels as it is");
    assertStringIncludes(guarded.replace("-h 127.0.0.1 -p 1 ", ""), mqtt);
    assertStringIncludes(guarded, http);
  }
  assert(!open.includes("-u USER"));
  const ruled = bannerOf({ host, ...EVERYBODY, "auth-acl-file": "acl.toml" });
  assertStringIncludes(ruled, "may do what acl.toml allows everybody without a password");
  const unruled = { host, ...EVERYBODY, "auth-password-file": "users" };
  assertStringIncludes(bannerOf(unruled), "may do nothing without a password");
  const free = bannerOf({ ...unruled, "auth-allow-everything": "true" });
  assertStringIncludes(free, "may read and publish everything without a password");
});

Deno.test("what others need, and what the examples show, is what the listener offers", () => {
  const flags = { host: "0.0.0.0", "auth-password-file": "users", "auth-jwt-keys": "k", ...EVERYBODY };
  const closed = { ...flags, "mqtt-port-methods": "scram", "http-port-methods": "jwt" };
  const guarded = bannerOf(closed);
  assertStringIncludes(guarded, "Other machines can connect with what shows who they are");
  assert(!guarded.includes("mosquitto_sub"), "It knows no SCRAM");
  assertStringIncludes(guarded, "curl -H 'Authorization: Bearer TOKEN' -N http://127.0.0.1:2/stream");
  const half = bannerOf({
    ...flags,
    "mqtt-port-methods": "password-file",
    "http-port-methods": "jwt,anonymous",
  });
  assertStringIncludes(half, "may do nothing without a password at http.port\n");
  assertStringIncludes(half, "-p 1 -u USER -P PASSWORD -t 'home/#'");
  assertStringIncludes(half, "curl -N http://127.0.0.1:2/stream");
  const byCertificate = resolveOptions({
    flags: { ...ASKS_FOR_CERTIFICATES, "auth-certificate-name": "cn" },
  });
  const certified = banner(byCertificate, {
    mqtt: ["mqtt://127.0.0.1:1", "mqtts://127.0.0.1:8883"],
    http: ["http://127.0.0.1:2"],
    version: "0",
  });
  assertStringIncludes(certified, "-p 8883 --cafile CA.pem --cert CERTIFICATE.pem --key KEY.pem -t");
  assert(!certified.includes("curl"), "Nobody comes in by HTTP");
});

Deno.test("who has not said who may come in is told to, before they open the broker", () => {
  assertStringIncludes(
    bannerOf({}),
    "say who may come in (--auth-password-file) and what they may do (--auth-acl-file), then --host 0.0.0.0",
  );
  assertStringIncludes(
    bannerOf({ "auth-password-file": "users" }),
    "Only this machine can connect. To open it to others: --host 0.0.0.0",
  );
});

Deno.test("--memory beside a flag that wants something kept is refused, whichever comes first", async () => {
  const contrary = [["--data", "x"], ["--durability", "normal"]];
  for (const flags of contrary) {
    for (const args of [["--memory", ...flags], [...flags, "--memory"]]) {
      await assertRejects(
        () => optionSources(parseCommandLine(args, SERVE_FLAGS)),
        ConfigError,
        `Cannot use --memory with ${flags.join(" ")}: give one of them`,
      );
    }
  }
  for (const args of [["--memory"], ["--memory", "--durability", "memory"]]) {
    const { flags } = await optionSources(parseCommandLine(args, SERVE_FLAGS));
    assertEquals(flags, { durability: "memory" });
  }
});
