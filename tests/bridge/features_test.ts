import { assertEquals } from "@std/assert";
import type { Features } from "../../broker/mod.ts";
import { startBridge } from "./support.ts";

const CASES: readonly (readonly [
  what: string,
  features: Partial<Features>,
  path: string,
  init: RequestInit,
  expected: readonly [status: number, problem: string, reasonCode: number],
])[] = [
  ["a POST above", { maximumQos: 1 }, "/topics/a?qos=2", { method: "POST", body: "x" }, [
    403,
    "qos-not-supported",
    0x9b,
  ]],
  ["retain=1", { retainAvailable: false }, "/topics/a?retain=1", { method: "POST", body: "x" }, [
    403,
    "retain-not-supported",
    0x9a,
  ]],
  ["PUT", { retainAvailable: false }, "/topics/a", { method: "PUT", body: "x" }, [
    403,
    "retain-not-supported",
    0x9a,
  ]],
  ["DELETE", { retainAvailable: false }, "/topics/a", { method: "DELETE" }, [
    403,
    "retain-not-supported",
    0x9a,
  ]],
  ["a stream", { wildcardSubscriptionsAvailable: false }, "/stream/a/%23", {}, [
    403,
    "wildcards-not-supported",
    0xa2,
  ]],
  ["a stream's HEAD", { wildcardSubscriptionsAvailable: false }, "/stream?filter=b&filter=a/+", {
    method: "HEAD",
  }, [403, "", 0]],
  ["a list", { wildcardSubscriptionsAvailable: false }, "/topics/+", {}, [
    403,
    "wildcards-not-supported",
    0xa2,
  ]],
  ["deep=1", { wildcardSubscriptionsAvailable: false }, "/topics/a?deep=1", {}, [
    403,
    "wildcards-not-supported",
    0xa2,
  ]],
  ["a shared stream", { sharedSubscriptionsAvailable: false }, "/stream/$share/g/a", {}, [
    403,
    "sharing-not-supported",
    0x9e,
  ]],
];

for (const [what, features, path, init, [status, code, reasonCode]] of CASES) {
  Deno.test(`${what} is refused where it is not offered: ${Object.keys(features)}`, async () => {
    const { request } = startBridge({ features });
    const response = await request(path, init);
    assertEquals(response.status, status);
    assertEquals(response.headers.get("content-type"), "application/problem+json");
    if (init.method === "HEAD") return;
    const problem = await response.json();
    assertEquals([problem.type, problem.mqtt_reason_code], [`/problems/${code}`, reasonCode]);
    assertEquals((await request(problem.type)).status, 200);
  });
}

Deno.test("what is offered works as ever beside what is not", async () => {
  const { broker, request, stream } = startBridge({
    features: { maximumQos: 1, retainAvailable: false, wildcardSubscriptionsAvailable: false },
  });
  const reader = await stream("/stream/a?qos=2");
  assertEquals((await reader.json("ready")).filters, [{ filter: "a", qos: 1 }]);
  assertEquals((await request("/topics/a?qos=1", { method: "POST", body: "x" })).status, 200);
  await reader.until("live");
  assertEquals((await reader.json()).payload, "x");
  await reader.cancel();
  assertEquals((await request("/topics/a")).status, 404);
  assertEquals(broker.counters.refusals["retain-not-supported"], 0);
  const limits = await (await request("/limits")).json();
  assertEquals([limits.maximum_qos, limits.retain_available], [1, false]);
});

Deno.test("a refusal for want of a feature comes before the body, and is counted", async () => {
  const { broker, request } = startBridge({ features: { maximumQos: 0 } });
  const body = new ReadableStream({ pull: () => new Promise(() => {}) }); // It never comes.
  const response = await request("/topics/a?qos=1", { method: "POST", body });
  assertEquals(response.status, 403);
  await response.body?.cancel();
  assertEquals(broker.counters.refusals["qos-not-supported"], 1);
});

Deno.test("pfi=1 means text over HTTP whether or not MQTT is asked for it", async () => {
  for (const checkPayloadFormat of [false, true]) {
    const { broker, request } = startBridge({ features: { checkPayloadFormat } });
    const init = { method: "POST", body: new Uint8Array([0xc3, 0x28]) };
    assertEquals((await request("/topics/a?pfi=1", init)).status, 422);
    assertEquals((await request("/topics/a", init)).status, 200);
    assertEquals(broker.sequence, 1);
  }
});
