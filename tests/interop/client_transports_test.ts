import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { type Client, ClientError, connect, type ConnectOptions } from "../../broker/client/mod.ts";
import { Authority } from "../support/certificates.ts";
import { eventually, within } from "../support/eventually.ts";
import { mosquittoPub } from "./support/mosquitto.ts";
import { freePort, Mosquitto } from "./support/mosquitto_broker.ts";
import { requireTool } from "./support/outside_tool.ts";
import { HOST } from "./support/start_mqtt.ts";
import { TOOL_PATIENCE_MS } from "./support/tool_process.ts";

const test = requireTool("mosquitto", "mosquitto_pub", "mosquitto_sub", "openssl");
const decoder = new TextDecoder();

/** Mosquitto's broker with a listener for everything that it has. */
class ManyDoors implements AsyncDisposable {
  readonly authority = new Authority();
  readonly mqtts = freePort();
  /** Demands certificates. */
  readonly strict = freePort();
  readonly ws = freePort();
  readonly wss = freePort();
  mosquitto!: Mosquitto;

  static async start(): Promise<ManyDoors> {
    const doors = new ManyDoors();
    const { authority, mqtts, strict, ws, wss } = doors;
    const file = authority.issueFiles({ name: "broker" });
    const tls = [
      `cafile ${authority.path("ca.pem")}`,
      `certfile ${authority.path(`${file}.pem`)}`,
      `keyfile ${authority.path(`${file}.key`)}`,
    ];
    doors.mosquitto = await Mosquitto.start({
      options: [
        ...[`listener ${mqtts} ${HOST}`, ...tls],
        ...[`listener ${strict} ${HOST}`, ...tls, "require_certificate true"],
        ...[`listener ${ws} ${HOST}`, "protocol websockets"],
        ...[`listener ${wss} ${HOST}`, "protocol websockets", ...tls],
        ...[`listener 0 ${doors.socket}`],
      ],
    });
    // The first listener is there; the others come in their own time.
    for (const port of [mqtts, strict, ws, wss]) {
      await eventually(async () => (await Deno.connect({ hostname: HOST, port })).close(), TOOL_PATIENCE_MS);
    }
    return doors;
  }

  get ca(): string {
    return this.authority.certificate;
  }

  get socket(): string {
    return this.authority.path("mosquitto.sock");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.mosquitto[Symbol.asyncDispose]();
    this.authority[Symbol.dispose]();
  }
}

async function receives(client: Client, topic: string, publish: () => Promise<unknown>): Promise<string> {
  const messages = await client.subscribe(topic, { qos: 1 });
  await publish();
  for await (const { payload } of messages) return decoder.decode(payload);
  throw new Error("The subscription ended");
}

test("our client meets mosquitto's over everything that its broker offers", async () => {
  await using doors = await ManyDoors.start();
  const { ca, mosquitto, authority } = doors;
  const ana = authority.issue({ name: "ana" });
  const ways: Record<string, ConnectOptions> = {
    mqtts: { url: `mqtts://localhost:${doors.mqtts}`, tls: { ca } },
    strict: { port: doors.strict, tls: { ca, cert: ana.certificate, key: ana.key } },
    ws: { url: `ws://localhost:${doors.ws}/mqtt` },
    wss: { url: `wss://localhost:${doors.wss}/mqtt`, tls: { ca } },
    unix: { url: `unix:${doors.socket}` },
  };
  await using witness = await connect({ port: mosquitto.mqttPort });
  for (const [name, way] of Object.entries(ways)) {
    for (const version of [4, 5] as const) {
      await using client = await connect({ ...way, version });
      // Out of its WebSockets mosquitto sends 4 KiB each 100 ms, to whatever client.
      const short = "größe ".repeat(1_000);
      const publish = () => mosquittoPub(mosquitto, ["-t", `${name}/in`, "-m", short, "-q", "1"]);
      assertEquals(await receives(client, `${name}/in`, publish), short, name);
      // Larger than a frame, a record and a chunk.
      const long = "größe ".repeat(40_000);
      const seen = await receives(
        witness,
        `${name}/out`,
        () => client.publish(`${name}/out`, long, { qos: 2 }),
      );
      assert(seen === long, `${name}: ${seen.length} of ${long.length}`);
      await witness.unsubscribe(`${name}/out`);
    }
  }
});

test("what mosquitto's broker does not accept is said, and nothing hangs", async () => {
  await using doors = await ManyDoors.start();
  using stranger = new Authority("Somebody else");
  const { ca } = doors;
  const rogue = stranger.issue({ name: "ana" });
  const cases: [options: ConnectOptions, words: RegExp][] = [
    // What was sent to somebody who goes away may be answered by a reset, which may overtake the reason.
    [
      { port: doors.strict, tls: { ca } },
      /it demands a (?:certificate of its clients|client's certificate)$/,
    ],
    [
      { port: doors.strict, tls: { ca, cert: rogue.certificate, key: rogue.key } },
      /it does not accept (?:this|the) client's certificate$/,
    ],
    [{ port: doors.mqtts, tls: { ca: stranger.certificate } }, /issued by nobody who is trusted here$/],
    [{ port: doors.mqtts, tls: { ca, servername: "other.example" } }, /, not for other\.example$/],
    [{ port: doors.mosquitto.mqttPort, tls: { ca } }, /: the TLS handshake failed: /],
    [{ port: doors.mqtts }, /^The broker closed the connection|^Connection lost: /],
    [{ port: doors.mosquitto.mqttPort, webSocket: true }, /^Cannot connect to /],
  ];
  for (const [options, words] of cases) {
    const error = await assertRejects(
      () => within(connect(options), () => `it hangs: ${words}`),
      ClientError,
    );
    assertMatch(error.message, words);
  }
});
