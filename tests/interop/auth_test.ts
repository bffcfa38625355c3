// deno-lint-ignore no-import-prefix -- in deno.json, `deno task start` would fetch it too
import type { MqttClient } from "npm:mqtt@^5.16.0";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Buffer } from "node:buffer";
import { eventually } from "../support/eventually.ts";
import { ScramClient, type ScramClientOptions } from "../support/scram_client.ts";
import { usersOf } from "../support/users.ts";
import { curl } from "./support/curl.ts";
import { mosquittoPub, mosquittoSub } from "./support/mosquitto.ts";
import { JsClient } from "./support/mqttjs.ts";
import { requireTool } from "./support/outside_tool.ts";
import { OpenEverything } from "./support/start_all.ts";
import { HOST, OpenBroker } from "./support/start_mqtt.ts";
import { run, TOOL_PATIENCE_MS } from "./support/tool_process.ts";

const METHOD = "SCRAM-SHA-256";

const withMosquitto = requireTool("mosquitto_pub", "mosquitto_sub");
const withCurl = requireTool("curl");

/** What MQTT.js is told to say of itself, and how it answers. */
function scramOptions(scram: ScramClient) {
  return {
    protocolVersion: 5 as const,
    properties: { authenticationMethod: METHOD, authenticationData: Buffer.from(scram.first()) },
  };
}

/** Has MQTT.js answer challenges, and keeps the data of the AUTH that says success. */
function answerBy(mqtt: MqttClient, scram: ScramClient): { final: Uint8Array | undefined } {
  const heard: { final: Uint8Array | undefined } = { final: undefined };
  mqtt.handleAuth = ({ reasonCode, properties }, callback) => {
    const data = new Uint8Array(properties!.authenticationData!);
    if (reasonCode === 0) {
      heard.final = data;
      return callback();
    }
    const authenticationData = Buffer.from(scram.final(data));
    callback(undefined, {
      cmd: "auth",
      reasonCode: 0x18,
      properties: { authenticationMethod: METHOD, authenticationData },
    });
  };
  return heard;
}

function openScram(broker: OpenBroker, options: ScramClientOptions): JsClient {
  const scram = new ScramClient(options);
  const client = new JsClient(broker, scramOptions(scram));
  answerBy(client.mqtt, scram);
  return client;
}

Deno.test("MQTT.js comes in by SCRAM-SHA-256, and authenticates again while it works", async () => {
  await using broker = new OpenBroker({ users: await usersOf({ user: "pencil" }) });
  await using client = await openScram(broker, {}).connected();
  await client.mqtt.subscribeAsync("a", { qos: 1 });
  const again = new ScramClient({ nonce: "another" });
  const heard = answerBy(client.mqtt, again);
  const { cmd, properties } = { cmd: "auth" as const, ...scramOptions(again) };
  client.mqtt["_sendPacket"]({ cmd, reasonCode: 0x19, properties });
  await client.mqtt.publishAsync("a", "meanwhile", { qos: 1 });
  await client.receives(1);
  await eventually(() => assert(again.trusts(heard.final!)), TOOL_PATIENCE_MS);
  assertEquals(client.payloads, ["meanwhile"]);
});

Deno.test("MQTT.js with another password than SCRAM expects is told so", async () => {
  await using broker = new OpenBroker({ users: await usersOf({ user: "pencil" }) });
  await using client = openScram(broker, { password: "wrong" });
  const codes: unknown[] = [];
  client.mqtt.on("packetreceive", (packet) => packet.cmd === "connack" && codes.push(packet.reasonCode));
  await eventually(() => assertEquals(codes, [0x86]), TOOL_PATIENCE_MS);
  await client.closed();
});

withMosquitto(
  "mosquitto's clients come in with the right password, and are told of a wrong one",
  async () => {
    await using broker = new OpenBroker({ users: await usersOf({ user: "pencil" }) });
    const login = ["-u", "user", "-P", "pencil"];
    for (const version of ["mqttv31", "mqttv311", "mqttv5"]) {
      await using sub = mosquittoSub(broker, ["-V", version, ...login, "-t", "a", "-C", "1"]);
      await broker.subscribed(1);
      await mosquittoPub(broker, ["-V", version, ...login, "-t", "a", "-m", version]);
      assertEquals((await sub.outcome()).lines, [version]);
      for (
        const wrong of [["-u", "user", "-P", "pencils"], ["-u", "nobody", "-P", "pencil"], ["-u", "user"], []]
      ) {
        const args = ["-h", HOST, "-p", `${broker.mqttPort}`, "-V", version, ...wrong, "-t", "a", "-m", "x"];
        const { code, stderr } = await run("mosquitto_pub", args);
        assert(code !== 0, `${version} ${wrong}`);
        assertStringIncludes(
          stderr.toLowerCase(),
          wrong.length > 0 ? "bad user name or password" : "not authori",
        );
      }
      await broker.subscribed(0);
    }
  },
);

withCurl("curl -u comes in with the right password, and is asked for it otherwise", async () => {
  await using everything = new OpenEverything({
    users: await usersOf({ user: "pencil", señor: "contraseña" }),
  });
  const url = `${everything.url}/topics/a`;
  for (const login of ["user:pencil", "señor:contraseña"]) {
    assertEquals((await curl(["-u", login, "-d", "on", url])).status, 200, login);
  }
  for (const login of [["-u", "user:wrong"], ["-u", "user:"], ["-u", ":"], []]) {
    const answer = await curl([...login, "-d", "on", url]);
    assertEquals(answer.status, 401, login.join(" "));
    assertEquals(answer.headers["www-authenticate"], ['Basic realm="Pregon", charset="UTF-8"']);
  }
  assertEquals(everything.broker.counters.messagesReceived, 2);
});
