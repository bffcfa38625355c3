import { assertEquals, assertThrows } from "@std/assert";
import { PUB_FLAGS, pubOptions, SUB_FLAGS, subOptions } from "../../broker/cli/client_flags.ts";
import { parseCommandLine, UsageError } from "../../broker/cli/command_line.ts";

const pub = (...args: string[]) => pubOptions(parseCommandLine(["-n", ...args], PUB_FLAGS));
const sub = (...args: string[]) => subOptions(parseCommandLine(args, SUB_FLAGS));

/** What the flags say of the way to the broker. */
function wayOf(...args: string[]): object {
  const { host, port, tls, webSocket, unixSocket } = pub("-t", "a", ...args).connect;
  const way = Object.entries({ host, port, tls, webSocket, unixSocket });
  return Object.fromEntries(way.filter(([, value]) => value !== undefined));
}

Deno.test("the flags of TLS, WebSocket and Unix sockets mean what they mean to mosquitto", () => {
  const here = { host: "127.0.0.1" };
  const cases: [args: string, way: object][] = [
    ["", { ...here, port: 1883 }],
    ["--cafile ca.pem", { ...here, port: 8883, tls: true }],
    ["--capath certs", { ...here, port: 8883, tls: true }],
    ["--tls-use-os-certs -h b", { host: "b", port: 8883, tls: true }],
    ["--insecure -p 1", { ...here, port: 1, tls: true }],
    ["--tls-alpn mqtt", { ...here, port: 8883, tls: true }],
    ["--cert a.pem --key a.key", { ...here, port: 8883, tls: true }],
    ["-p 8883", { ...here, port: 8883, tls: true }],
    ["-p 8883 --no-tls", { ...here, port: 8883 }],
    ["--no-tls", { ...here, port: 1883 }],
    ["--ws", { ...here, port: 8080, webSocket: true }],
    ["--ws --cafile ca.pem", { ...here, port: 8443, tls: true, webSocket: true }],
    ["--ws -p 9001", { ...here, port: 9001, webSocket: true }],
    ["--unix /run/a.sock", { unixSocket: "/run/a.sock" }],
  ];
  for (const [args, way] of cases) assertEquals(wayOf(...args.split(" ").filter((arg) => arg)), way, args);
});

Deno.test("a URL says what lies between, and flags win over it", () => {
  const cases: [args: string, way: object][] = [
    ["mqtt://b/x", { host: "b", port: 1883 }],
    ["mqtt://b:8883/x", { host: "b", port: 8883 }],
    ["mqtt://b/x -p 8883", { host: "b", port: 8883, tls: true }],
    ["mqtt://b/x -p 8883 --no-tls", { host: "b", port: 8883 }],
    ["ws://b/x -p 8883", { host: "b", port: 8883, webSocket: { path: "/x" } }],
    ["mqtts://b/x", { host: "b", port: 8883, tls: true }],
    ["mqtts://b:1/x --cafile ca.pem", { host: "b", port: 1, tls: true }],
    ["mqtt://b/x --cafile ca.pem", { host: "b", port: 8883, tls: true }],
    ["ws://b", { host: "b", port: 80, webSocket: true }],
    ["ws://b/", { host: "b", port: 80, webSocket: true }],
    ["ws://b/mqtt?c=d", { host: "b", port: 80, webSocket: { path: "/mqtt?c=d" } }],
    ["wss://b:1/mqtt -h c -p 2", { host: "c", port: 2, tls: true, webSocket: { path: "/mqtt" } }],
    ["mqtts://b/x --ws", { host: "b", port: 8443, tls: true, webSocket: true }],
    ["unix:/run/a.sock", { unixSocket: "/run/a.sock" }],
    ["unix:/run/a.sock --unix /run/b.sock", { unixSocket: "/run/b.sock" }],
    ["mqtt://ana@b/x --unix /run/a.sock", { unixSocket: "/run/a.sock" }],
  ];
  for (const [args, way] of cases) assertEquals(wayOf("-L", ...args.split(" ")), way, args);
});

Deno.test("after mqtts:// stands the topic, after ws:// the path", () => {
  assertEquals(sub("-L", "mqtts://ana:p%40ss@b/a/+/#").filters, ["a/+/#"]);
  const options = sub("-L", "wss://ana:p%40ss@b/mqtt", "-t", "a/#");
  assertEquals(options.filters, ["a/#"]);
  assertEquals([options.connect.username, options.connect.password], ["ana", "p@ss"]);
  assertThrows(
    () => sub("-L", "ws://b/mqtt"),
    UsageError,
    "Cannot subscribe without a filter: add -t FILTER",
  );
  assertThrows(
    () => pub("-L", "unix:/run/a.sock"),
    UsageError,
    "Cannot publish without a topic: add -t TOPIC",
  );
});

Deno.test("what cannot go together is refused in one line", () => {
  const cases: [args: string, line: string][] = [
    ["--cert a.pem", "Cannot use --cert without --key FILE"],
    ["--key a.key", "Cannot use --key without --cert FILE"],
    ["--no-tls --cafile ca.pem", "Cannot use both --no-tls and --cafile"],
    ["--no-tls -L wss://b/mqtt", "Cannot use --no-tls: the URL says wss://"],
    ["--unix a --ws", "Cannot use --ws with a Unix socket: there is only MQTT as it is"],
    ["--unix a -p 1", "Cannot use --port with a Unix socket: there is only MQTT as it is"],
    ["-L unix:a --cafile ca.pem", "Cannot use --cafile with a Unix socket: there is only MQTT as it is"],
    ["-L https://b", "Cannot use https:// in a URL: mqtt://, mqtts://, ws://, wss:// and unix: are spoken"],
  ];
  for (const [args, line] of cases) {
    assertEquals(assertThrows(() => wayOf(...args.split(" ")), UsageError).message, line);
  }
});
