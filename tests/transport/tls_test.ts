import { StreamLink } from "../../broker/transport/stream_link.ts";
import { TcpListener } from "../../broker/transport/tcp.ts";
import { TlsListener } from "../../broker/transport/tls.ts";
import type { Link, Listener } from "../../broker/transport/transport.ts";
import { testTransport } from "../contract/transport_contract.ts";
import { Authority } from "../support/certificates.ts";

const HOST = "127.0.0.1";
const authority = new Authority();
const identity = authority.issue({ name: "broker" });
globalThis.addEventListener("unload", () => authority[Symbol.dispose]());

async function connectTls(listener: Listener): Promise<Link> {
  const connection = await Deno.connectTls({
    hostname: HOST,
    port: listener.port,
    caCerts: [authority.certificate],
  });
  connection.handshake().catch(() => {});
  return new StreamLink(connection, { peer: "test", address: HOST });
}

testTransport({
  name: "tls",
  listen: () => new TlsListener(new TcpListener(HOST, 0, "mqtts"), identity),
  connect: connectTls,
});
