import { Authority } from "../support/certificates.ts";
import { requireTool } from "./support/outside_tool.ts";
import { HOST } from "./support/start_mqtt.ts";
import { RunningProgram } from "./support/start_program.ts";
import { runWell, ToolProcess } from "./support/tool_process.ts";

const test = requireTool("openssl", "mosquitto_sub", "mosquitto_pub");

test("whose issuer client-ca has no more is cut off, by SIGHUP and when the file changes, and the others stay", async () => {
  using staying = new Authority("Staying");
  using first = new Authority("First");
  using second = new Authority("Second");
  const trusted = staying.path("trusted.pem");
  const trust = (...authorities: readonly Authority[]) =>
    Deno.writeTextFileSync(trusted, authorities.map(({ certificate }) => certificate).join(""));
  trust(staying, first, second);
  const server = staying.issueFiles({ name: "broker" });
  await using program = await RunningProgram.start([
    ...["--tls-certificate", staying.path(`${server}.pem`), "--tls-key", staying.path(`${server}.key`)],
    ...["--mqtt-tls-port", "0", "--mqtt-client-ca", trusted, "--auth-certificate-name", "cn"],
    ...["--auth-allow-everything", "true"],
  ]);
  const argsFor = (authority: Authority, name: string) => {
    const file = authority.issueFiles({ name });
    const own = ["--cert", authority.path(`${file}.pem`), "--key", authority.path(`${file}.key`), "-i", name];
    return ["-h", HOST, "-p", String(program.port("mqtts")), "--cafile", staying.path("ca.pem"), ...own];
  };
  const subscribe = async (authority: Authority, name: string) => {
    const process = new ToolProcess("mosquitto_sub", [...argsFor(authority, name), "-t", "a", "-C", "1"]);
    await program.logs("connected", `clientId=${name}`);
    return process;
  };
  await using stays = await subscribe(staying, "ana");
  await using _first = await subscribe(first, "bob");
  await using _second = await subscribe(second, "eva");
  trust(staying, second);
  program.process.signal("SIGHUP");
  await program.logs("reloaded", "mqtt-certificate");
  await program.logs("connection-closed", "clientId=bob", "reason=revoked");
  await program.logs("link-refused", "handshake-failed"); // It comes back, and in vain.
  trust(staying);
  await program.logs("connection-closed", "clientId=eva", "reason=revoked");
  await runWell("mosquitto_pub", [...argsFor(staying, "pub"), "-t", "a", "-m", "21.5"]);
  await stays.prints("21.5");
});
