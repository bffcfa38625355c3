import { assert, assertStringIncludes } from "@std/assert";
import { banner } from "../../broker/cli/start.ts";
import { type OptionSources, resolveOptions } from "../../broker/config.ts";

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
  const guarded = bannerOf({ host: "0.0.0.0", ...users });
  assertStringIncludes(guarded, "with a user name and password, which travel as they are");
  assertStringIncludes(guarded, "-u USER -P PASSWORD");
  assert(!bannerOf({}).includes("-u USER"));
});
