import { startBroker } from "../support/start_broker.ts";
import { testVersions } from "../support/versions.ts";

testVersions("[MQTT-3.12.4-1] [MQTT5-3.12.4-1] PINGREQ is answered with PINGRESP", async (version) => {
  await using test = startBroker();
  const client = await test.connect({ version });
  client.sendHex("c0 00", "c0 00");
  await client.expectHex("d0 00", "d0 00");
  await client.expectNothing();
});
