import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type AddressOptions, brokerAddress, describeAddress } from "../../broker/client/broker_address.ts";
import { type BrokerUrl, parseBrokerUrl } from "../../broker/client/broker_url.ts";
import { connect, ConnectError, UrlError } from "../../broker/client/mod.ts";

const refusal = (action: () => unknown) => assertThrows(action, TypeError).message;
const PLAIN = { unixSocket: undefined, tls: undefined, webSocket: undefined };

/** What is of interest of an address, in one line. */
function summary(options: AddressOptions): string {
  const { tls, webSocket, ...address } = brokerAddress(options);
  const layers = [
    tls && `tls(${tls.host}, ${tls.protocols.join(" ")})`,
    webSocket && `websocket(${webSocket.host}${webSocket.path})`,
  ];
  return [describeAddress({ ...PLAIN, ...address }), ...layers.filter((layer) => layer)].join(" ");
}

Deno.test("a URL is read as it stands", () => {
  const none: BrokerUrl = {
    scheme: "mqtt",
    host: "b",
    port: undefined,
    username: undefined,
    password: undefined,
    path: undefined,
  };
  const cases: [text: string, read: Partial<BrokerUrl>][] = [
    ["mqtt://b", {}],
    ["mqtt://b/", { host: "b" }],
    ["mqtt://b//a/../é?x@y%20", { host: "b", path: "/a/../é?x@y%20" }],
    ["mqtt://[::1]:1/a", { host: "::1", port: 1, path: "a" }],
    ["mqtt://ana@b", { host: "b", username: "ana" }],
    ["mqtt://ana:@b", { host: "b", username: "ana", password: "" }],
    ["mqtt://a@x:p:q@b", { host: "b", username: "a@x", password: "p:q" }],
    ["mqtts://ana:p%40ss@b:1/a/+/#", {
      scheme: "mqtts",
      host: "b",
      port: 1,
      username: "ana",
      password: "p@ss",
      path: "a/+/#",
    }],
    ["ws://b/mqtt?token=x%20y", { scheme: "ws", host: "b", path: "mqtt?token=x%20y" }],
    ["wss://b:9", { scheme: "wss", host: "b", port: 9 }],
    ["unix:/run/a b.sock", { scheme: "unix", host: "", path: "/run/a b.sock" }],
    ["unix:///run/a.sock", { scheme: "unix", host: "", path: "/run/a.sock" }],
    ["unix:a.sock", { scheme: "unix", host: "", path: "a.sock" }],
  ];
  for (const [text, read] of cases) assertEquals(parseBrokerUrl(text), { ...none, ...read });
  for (
    const text of [
      ...["b", "mqtt://", "mqtt://:1", "mqtt:///a", "mqtt://b:x", "mqtt://b:0", "mqtt://b:65536", "unix:"],
      ...["unix://run/a.sock", "ws://b/a#b", "ws://b/a b", "ws://b/é", "https://b", "mqtt://a:100%@b"],
    ]
  ) {
    assertThrows(() => parseBrokerUrl(text), UrlError);
  }
  assertEquals(
    refusal(() => parseBrokerUrl("http://b")),
    "Cannot use http:// in a URL: mqtt://, mqtts://, ws://, wss:// and unix: are spoken",
  );
});

Deno.test("no message about a URL repeats its password, nor what its path may hold", async () => {
  for (
    const text of [
      ...["mqtt://a:secret%@b", "http://a:secret@b", "mqtt://a:secret@b:99999", "mqtt//a:secret@b"],
      ...["ws://b/mqtt?token=secret#", "mqtt://b/secret", "unix://secret"],
    ]
  ) {
    const error = await assertRejects(() => connect({ url: text }), UrlError);
    assertEquals(error.message.includes("secret"), false, error.message);
  }
  const url = "ws://ana:secret@127.0.0.1:1/mqtt?token=secret";
  const error = await assertRejects(() => connect({ url }), ConnectError);
  assertEquals(error.message, "Cannot connect to 127.0.0.1:1: Connection refused");
});

Deno.test("an address has the port of what lies over it, unless one is given", () => {
  const cases: [options: AddressOptions, summary: string][] = [
    [{}, "127.0.0.1:1883"],
    [{ tls: true }, "127.0.0.1:8883 tls(127.0.0.1, mqtt)"],
    [{ webSocket: true }, "127.0.0.1:8080 websocket(127.0.0.1:8080/mqtt)"],
    [
      { webSocket: true, tls: true },
      "127.0.0.1:8443 tls(127.0.0.1, http/1.1) websocket(127.0.0.1:8443/mqtt)",
    ],
    [{ webSocket: { path: "/a?b" }, host: "::1", port: 9 }, "[::1]:9 websocket([::1]:9/a?b)"],
    [{ tls: { servername: "b", alpnProtocols: ["x"] } }, "127.0.0.1:8883 tls(b, x)"],
    [{ unixSocket: "/run/a.sock" }, "/run/a.sock"],
    [{ url: "mqtt://b" }, "b:1883"],
    [{ url: "mqtts://b" }, "b:8883 tls(b, mqtt)"],
    [{ url: "ws://b" }, "b:80 websocket(b:80/mqtt)"],
    [{ url: "wss://b/" }, "b:443 tls(b, http/1.1) websocket(b:443/mqtt)"],
    [{ url: "wss://b:1/a/b?c" }, "b:1 tls(b, http/1.1) websocket(b:1/a/b?c)"],
    [{ url: new URL("mqtts://b:2") }, "b:2 tls(b, mqtt)"],
    [{ url: "unix:/run/a.sock" }, "/run/a.sock"],
    // Options win over the URL.
    [{ url: "mqtts://b:2", host: "c", port: 3 }, "c:3 tls(c, mqtt)"],
    [{ url: "mqtt://b", tls: {} }, "b:8883 tls(b, mqtt)"],
    [{ url: "mqtts://b", webSocket: true }, "b:8443 tls(b, http/1.1) websocket(b:8443/mqtt)"],
    [{ url: "ws://b/mqtt", webSocket: { path: "/x" } }, "b:80 websocket(b:80/x)"],
    [{ url: "mqtt://b", unixSocket: "/run/a.sock" }, "/run/a.sock"],
  ];
  for (const [options, expected] of cases) assertEquals(summary(options), expected);
});

Deno.test("what cannot go together is refused rather than left out", () => {
  const cases: [options: AddressOptions, words: string][] = [
    [{ url: "mqtts://b", tls: false }, "Cannot do without TLS: the URL says mqtts://"],
    [{ url: "wss://b", webSocket: false }, "Cannot do without WebSocket: the URL says wss://"],
    [{ unixSocket: "a", tls: true }, "Cannot use TLS on a Unix socket: MQTT is spoken there as it is"],
    [
      { url: "unix:a", webSocket: true },
      "Cannot use WebSocket on a Unix socket: MQTT is spoken there as it is",
    ],
    [{ url: "mqtt://b/a" }, "Cannot use the path of the URL: a topic is given to publish and subscribe"],
    [{ tls: { cert: "x" } }, "Cannot use tls.cert without tls.key"],
    [{ tls: { key: "x" } }, "Cannot use tls.key without tls.cert"],
    [
      { webSocket: { path: "mqtt" } },
      "Cannot use webSocket.path: it must begin with / and be escaped as in a URL",
    ],
    [
      { webSocket: { path: "/a\r\nX: y" } },
      "Cannot use webSocket.path: it must begin with / and be escaped as in a URL",
    ],
    [{ webSocket: { headers: { Host: "x" } } }, 'Cannot use header "Host" in webSocket.headers'],
  ];
  for (const [options, words] of cases) assertEquals(refusal(() => brokerAddress(options)), words);
});
