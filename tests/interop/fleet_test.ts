import { assert, assertEquals, assertGreater } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { connectJs, type JsClient } from "./support/mqttjs.ts";
import { OpenBroker } from "./support/start_mqtt.ts";
import { TOOL_PATIENCE_MS } from "./support/tool_process.ts";

const SENSORS = ["alpha", "beta", "gamma"];
const READINGS = 200;
const WORKERS = 3;

/** A sensor of 5.0: its session and its last will wait for it to come back, its readings grow old. */
function connectSensor(broker: OpenBroker, name: string, willDelayInterval: number): Promise<JsClient> {
  return connectJs(broker, {
    protocolVersion: 5,
    clientId: name,
    clean: false,
    properties: { sessionExpiryInterval: 600 },
    will: {
      topic: `fleet/${name}/status`,
      payload: "offline" as never,
      qos: 1,
      retain: true,
      properties: { willDelayInterval, contentType: "text/plain" },
    },
  });
}

async function publishReadings({ mqtt }: JsClient, name: string, from: number, to: number): Promise<void> {
  const properties = { messageExpiryInterval: 600, userProperties: { unit: "°C", sensor: name } };
  const numbers = Array.from({ length: to - from }, (_, index) => from + index);
  await Promise.all(
    numbers.map((number) => mqtt.publishAsync(`fleet/${name}/reading`, `${number}`, { qos: 1, properties })),
  );
}

/** The readings of each sensor that a client received, in their order. */
function readingsOf(client: JsClient, name: string): number[] {
  return client.received.filter(({ topic }) => topic === `fleet/${name}/reading`).map(({ payload }) =>
    Number(payload)
  );
}

Deno.test("sensors of 5.0, workers that share their readings and a dashboard of 3.1.1 live through cuts", async () => {
  await using broker = new OpenBroker();
  await using clients = new AsyncDisposableStack();
  await using dashboard = await connectJs(broker, { protocolVersion: 4 });
  await dashboard.mqtt.subscribeAsync("fleet/#", { qos: 1 });
  const connectWorker = async (number: number) => {
    const worker = clients.use(await connectJs(broker, { protocolVersion: 5, clientId: `worker-${number}` }));
    await worker.mqtt.subscribeAsync("$share/work/fleet/+/reading", { qos: 1 });
    return worker;
  };
  const workers: JsClient[] = [];
  for (let number = 0; number < WORKERS; number++) workers.push(await connectWorker(number));
  // Beta's will waits long enough for it to come back, that of the others does not.
  const sensors = new Map<string, JsClient>();
  for (const name of SENSORS) {
    const sensor = clients.use(await connectSensor(broker, name, name === "beta" ? 600 : 1));
    await sensor.mqtt.publishAsync(`fleet/${name}/status`, "online", { qos: 1, retain: true });
    sensors.set(name, sensor);
  }

  await Promise.all(SENSORS.map((name) => publishReadings(sensors.get(name)!, name, 0, READINGS / 2)));
  workers[0]!.cut();
  for (const name of ["alpha", "beta"]) sensors.get(name)!.cut();
  await broker.connected(1 + WORKERS - 1 + 1);
  sensors.set("beta", clients.use(await connectSensor(broker, "beta", 600)));
  assertEquals(sensors.get("beta")!.sessionsPresent, [true]);
  const remaining = ["beta", "gamma"];
  await Promise.all(
    remaining.map((name) => publishReadings(sensors.get(name)!, name, READINGS / 2, READINGS)),
  );

  // The dashboard sees each reading once, in order, and who is gone for longer than its delay.
  const counts = { alpha: READINGS / 2, beta: READINGS, gamma: READINGS };
  await eventually(() => {
    for (const [name, count] of Object.entries(counts)) {
      assertEquals(readingsOf(dashboard, name).length, count);
    }
  }, TOOL_PATIENCE_MS);
  const statuses = () =>
    dashboard.received.filter(({ payload }) => payload === "offline").map(({ topic }) => topic);
  await eventually(() => assertEquals(statuses(), ["fleet/alpha/status"]), TOOL_PATIENCE_MS);
  for (const [name, count] of Object.entries(counts)) {
    assertEquals(readingsOf(dashboard, name), Array.from({ length: count }, (_, number) => number), name);
  }

  // The workers together have each reading; one more than once only if its first worker was cut before its PUBACK.
  await eventually(() => {
    for (const [name, count] of Object.entries(counts)) {
      assertEquals(new Set(workers.flatMap((worker) => readingsOf(worker, name))).size, count, name);
    }
  }, TOOL_PATIENCE_MS);
  const shares = workers.map(({ received }) => received.length);
  for (const share of shares) assertGreater(share, READINGS / 10, `${shares}`);
  const { properties } = workers[1]!.packetsOf("publish")[0]!;
  assertEquals(properties!.userProperties!.unit, "°C");
  assert(properties!.messageExpiryInterval! <= 600);

  // Who comes late has the state of the fleet, at either version.
  for (const protocolVersion of [4, 5] as const) {
    await using late = await connectJs(broker, { protocolVersion });
    await late.mqtt.subscribeAsync("fleet/+/status", { qos: 1 });
    await late.receives(SENSORS.length);
    const state = late.received.map(({ topic, payload, retain }) => [topic.split("/")[1], payload, retain]);
    assertEquals(state.toSorted(), [["alpha", "offline", true], ["beta", "online", true], [
      "gamma",
      "online",
      true,
    ]]);
  }
});
