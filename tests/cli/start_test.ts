import { assert, assertStringIncludes } from "@std/assert";
import { banner } from "../../broker/cli/start.ts";
import { type OptionSources, resolveOptions } from "../../broker/config.ts";

function bannerOf(flags: OptionSources["flags"]): string {
  return banner(resolveOptions({ flags }), { mqttPort: 1, httpPort: 2, version: "0" });
}

Deno.test("who opens the broker is told by which names HTTP answers, until they are given", () => {
  const opened = bannerOf({ host: "0.0.0.0" });
  assertStringIncludes(opened, "Other machines can connect");
  assertStringIncludes(opened, "HTTP answers only as localhost, 127.0.0.1 or [::1]");
  assertStringIncludes(opened, "--http-allowed-hosts");
  const others: NonNullable<OptionSources["flags"]>[] = [
    {},
    { "mqtt-host": "0.0.0.0" },
    { host: "0.0.0.0", "http-allowed-hosts": "broker.local" },
  ];
  for (const flags of others) assert(!bannerOf(flags).includes("--http-allowed-hosts"));
});

Deno.test("who opens the broker is told whether others need a password", () => {
  const users = { "auth-password-file": "users" };
  assertStringIncludes(bannerOf({ host: "0.0.0.0" }), "may read and publish everything without a password");
  const ruled = bannerOf({ host: "0.0.0.0", "auth-acl-file": "acl.toml" });
  assertStringIncludes(ruled, "may do what acl.toml allows everybody without a password");
  const guarded = bannerOf({ host: "0.0.0.0", ...users });
  assertStringIncludes(guarded, "with a user name and password, which travel as they are");
  assertStringIncludes(guarded, "-u USER -P PASSWORD");
  assert(!bannerOf({}).includes("-u USER"));
});
