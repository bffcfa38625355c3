import { assert, assertEquals, assertThrows } from "@std/assert";
import { ConfigError, type OptionSources, printOptions, resolveOptions } from "../broker/config.ts";
import { EVERYBODY, saidBy } from "./support/options.ts";

const TLS = { "tls-certificate": "c.pem", "tls-key": "k.pem" };

type Flags = NonNullable<OptionSources["flags"]>;

function messageOf(flags: Flags, file?: string): string {
  const sources = { flags, ...(file !== undefined && { file: { name: "pregon.toml", text: file } }) };
  return assertThrows(() => resolveOptions(sources), ConfigError).message;
}

Deno.test("one certificate is for MQTT and HTTPS, unless one of them has its own", () => {
  const files = (flags: Flags) => {
    const { mqtt, http } = resolveOptions({ flags });
    return [mqtt.files, http.files];
  };
  const keys = { certificate: "tls.certificate", key: "tls.key", clientAuthorities: "mqtt.client-ca" };
  const shared = { certificate: "c.pem", key: "k.pem", clientAuthorities: undefined, keys };
  const ownKeys = { ...keys, certificate: "http.tls-certificate", key: "http.tls-key" };
  const ownFiles = { ...shared, certificate: "h.pem", key: "hk.pem", keys: ownKeys };
  assertEquals(files({}), [undefined, undefined]);
  assertEquals(files(TLS), [shared, shared]);
  const own = { "http-tls-certificate": "h.pem", "http-tls-key": "hk.pem" };
  assertEquals(files({ ...TLS, ...own }), [shared, ownFiles]);
  assertEquals(files(own), [undefined, ownFiles]);
});

Deno.test("a certificate without its key, a key without its certificate and TLS without both are refused", () => {
  assertEquals(
    messageOf({ "tls-certificate": "c.pem" }),
    'Cannot use "c.pem" for mqtt.tls-certificate from flag --tls-certificate: ' +
      "a certificate needs its key, and tls.key is not set",
  );
  assertEquals(
    messageOf({ "http-tls-key": "k.pem" }),
    'Cannot use "k.pem" for http.tls-key from flag --http-tls-key: ' +
      "a key needs its certificate, and tls.certificate is not set",
  );
  for (const port of ["mqtt.tls-port", "mqtt.websocket-tls-port", "http.tls-port"]) {
    const flag = port.replace(".", "-");
    assertEquals(
      messageOf({ [flag]: "8883" }),
      `Cannot use 8883 for ${port} from flag --${flag}: TLS needs a certificate and its key, tls.certificate and tls.key`,
    );
    resolveOptions({ flags: { [flag]: "8883", ...TLS } });
  }
});

Deno.test("whoever names issuers requires their certificates, unless something else is said", () => {
  const mode = (flags: Flags) =>
    resolveOptions({ flags: { ...TLS, "mqtt-tls-port": "8883", ...flags } }).mqtt;
  assertEquals(mode({}).clientCertificates, "off");
  const { clientCertificates, files } = mode({ "mqtt-client-ca": "ca.pem" });
  assertEquals([clientCertificates, files?.clientAuthorities], ["require", "ca.pem"]);
  const asked = { "mqtt-client-ca": "ca.pem", "mqtt-client-certificates": "request" };
  assertEquals(mode(asked).clientCertificates, "request");
  assertEquals(
    messageOf({ ...TLS, "mqtt-tls-port": "8883", "mqtt-client-certificates": "require" }),
    'Cannot use "require" for mqtt.client-certificates from flag --mqtt-client-certificates: ' +
      "mqtt.client-ca has to say whose certificates are meant",
  );
  assertEquals(
    messageOf({ "mqtt-client-ca": "ca.pem" }),
    'Cannot use "ca.pem" for mqtt.client-ca from flag --mqtt-client-ca: without mqtt.tls-port nobody shows a certificate',
  );
  assertEquals(
    messageOf({ "auth-certificate-name": "cn" }),
    'Cannot use "cn" for auth.certificate-name from flag --auth-certificate-name: without mqtt.client-ca nobody shows a certificate',
  );
});

Deno.test("one port for two things on one host is refused, naming both", () => {
  assertEquals(
    messageOf({ "mqtt-websocket-port": "8080" }),
    "Cannot use 8080 for http.port from its default: it is mqtt.websocket-port as well, from flag --mqtt-websocket-port",
  );
  assertEquals(
    messageOf({ ...TLS, "mqtt-tls-port": "1883" }, "[mqtt]\nport = 1883"),
    "Cannot use 1883 for mqtt.tls-port from flag --mqtt-tls-port: it is mqtt.port as well, from file pregon.toml",
  );
  assert(
    messageOf({ "http-port": "1883", "mqtt-host": "0.0.0.0", ...EVERYBODY }).includes("mqtt.port as well"),
  );
  const apart: Flags[] = [
    { "http-port": "1883", "http-host": "127.0.0.2" },
    { "http-port": "0", "mqtt-port": "0" },
    { "http-port": "1883", "mqtt-port": "off" },
    { "http-port": "off", "mqtt-port": "off", "mqtt-unix-socket": "/run/m" },
  ];
  for (const flags of apart) resolveOptions({ flags });
});

Deno.test("a broker that nobody can reach is refused", () => {
  assertEquals(
    messageOf({ "http-port": "off", "mqtt-port": "off" }),
    'Cannot use both "off" for mqtt.port from flag --mqtt-port and "off" for http.port from flag --http-port: ' +
      "every listener is off",
  );
});

Deno.test("a port may be off, and a mode is octal", () => {
  const { mqtt, http } = resolveOptions({
    flags: {
      "mqtt-port": "off",
      "http-port": "off",
      "mqtt-unix-socket": "/run/m",
      "mqtt-unix-socket-mode": "606",
    },
  });
  assertEquals([mqtt.port, http.port, mqtt.unixSocket, mqtt.unixSocketMode], ["off", "off", "/run/m", 0o606]);
  for (const mode of ["0o660", "8", "888", "66", "0660", ""]) {
    assert(messageOf({ "mqtt-unix-socket-mode": mode }).includes("three octal digits"), mode);
  }
});

Deno.test("a proxy is an address or a network without a host's bits", () => {
  const { mqtt, http } = resolveOptions({
    flags: { "mqtt-proxy-protocol-from": "10.0.0.0/8,::1", "http-trusted-proxies": "192.0.2.7" },
  });
  assertEquals([mqtt.proxyProtocolFrom, http.trustedProxies], [["10.0.0.0/8", "::1"], ["192.0.2.7"]]);
  for (const network of ["10.0.0.1/8", "all", "10.0.0.0/40", "*"]) {
    assert(messageOf({ "mqtt-proxy-protocol-from": network }).includes("mqtt.proxy-protocol-from"), network);
  }
});

Deno.test("what transports there are is printed as a file that says the same", () => {
  const flags = {
    ...TLS,
    "mqtt-tls-port": "8883",
    "mqtt-port": "off",
    "mqtt-client-ca": "ca.pem",
    "http-tls-port": "0",
  };
  const text = printOptions({ flags });
  const again = resolveOptions({ file: { name: "printed.toml", text } });
  assertEquals(again.mqtt.files?.keys.key, "mqtt.tls-key"); // Of whom it is, is said by now.
  assertEquals(saidBy(again), saidBy(resolveOptions({ flags })));
});
