import { assert, assertEquals, assertRejects } from "@std/assert";
import { StreamLink } from "../../broker/transport/stream_link.ts";
import { connectTcp, TcpListener } from "../../broker/transport/tcp.ts";
import { TlsListener } from "../../broker/transport/tls.ts";
import { openTls } from "../../broker/transport/tls_client.ts";
import type { TlsLink } from "../../broker/transport/tls_link.ts";
import { type Link, LinkError } from "../../broker/transport/transport.ts";
import { WebSocketListener } from "../../broker/transport/websocket.ts";
import { Authority, type Certificate } from "../support/certificates.ts";
import { within } from "../support/eventually.ts";
import { RawClient } from "../support/raw_client.ts";
import { startBroker } from "../support/start_broker.ts";
import { usersOf } from "../support/users.ts";
import { testVersions } from "../support/versions.ts";
import { WebSocketClientLink } from "../support/websocket_client.ts";

const HOST = "127.0.0.1";
const staying = new Authority("Staying");
const leaving = new Authority("Leaving");
const middle = new Authority("Middle", leaving);
const all = [staying, leaving, middle];
globalThis.addEventListener("unload", () => all.forEach((each) => each[Symbol.dispose]()));

const server = staying.issue({ name: "broker" });
const eva = staying.issue({ name: "eva" });
const ana = leaving.issue({ name: "ana" });
const through = middle.issue({ name: "bob" });
const bob = { ...through, certificate: through.certificate + middle.certificate };

function identity(...trusted: readonly Authority[]) {
  return { ...server, clientAuthorities: trusted.map(({ certificate }) => certificate).join("\n") };
}

function listen(clientCertificates: "request" | "require" = "require"): TlsListener {
  return new TlsListener(new TcpListener(HOST, 0, "mqtts"), identity(staying, leaving), {
    clientCertificates,
  });
}

async function connect({ port }: TlsListener, shows?: Certificate): Promise<Link> {
  const connection = await Deno.connectTls({
    hostname: HOST,
    port,
    caCerts: [staying.certificate],
    ...(shows && { cert: shows.certificate, key: shows.key }),
  });
  connection.handshake().catch(() => {});
  return new StreamLink(connection, { peer: "test", address: HOST });
}

async function open(listener: TlsListener, shows: Certificate): Promise<[near: Link, far: TlsLink]> {
  const near = await connect(listener, shows);
  const far = await within(listener.accept(), () => "no link");
  await within(far!.open(), () => "no handshake");
  return [near, far!];
}

Deno.test("a certificate is gone when nobody is trusted any more who vouches for it, and only then", async () => {
  const listener = listen();
  const links: Link[] = [];
  const far: TlsLink[] = [];
  for (const shows of [eva, ana, bob]) {
    const [near, link] = await open(listener, shows);
    links.push(near, link);
    far.push(link);
  }
  const gone = () => far.map(({ certificate }) => certificate!.isGone);
  assertEquals(gone(), [false, false, false]);
  listener.present(identity(leaving, staying));
  assertEquals(gone(), [false, false, false]);
  leaving.renew();
  listener.present(identity(leaving, staying));
  assertEquals(gone(), [false, false, false]);
  listener.present(identity(middle, staying));
  assertEquals(gone(), [false, true, false]);
  listener.present(identity(staying));
  assertEquals(gone(), [false, true, true]);
  listener.present({ ...identity(staying), ...staying.issue({ name: "renewed" }) });
  assertEquals(gone(), [false, true, true]);
  const near = await connect(listener, ana);
  const refused = await listener.accept();
  await assertRejects(() => within(refused!.open(), () => "no handshake"), LinkError, "does not hold");
  for (const link of [...links, near, refused!]) link.close();
  listener.close();
});

Deno.test("a handshake that began before its issuer was taken away comes to nothing", async () => {
  const listener = listen("request");
  const plain = await connectTcp(HOST, listener.port);
  const far = (await listener.accept())!;
  const opening = assertRejects(() => far.open(), LinkError, "its issuer is trusted no more");
  await new Promise((resolve) => setTimeout(resolve, 0));
  listener.present(identity(staying));
  const near = openTls(plain, {
    host: HOST,
    authorities: [staying.certificate],
    certificate: ana.certificate,
    key: ana.key,
    checksHost: true,
    protocols: [],
  });
  await near.open();
  await opening;
  for (const link of [near, far]) link.close();
  listener.close();
});

testVersions(
  "who came in with a certificate whose issuer is trusted no more is cut off, and the others stay",
  async (version) => {
    const users = await usersOf({ ben: "1" });
    await using test = startBroker({ users, certificate: "cn", allowAnonymous: true });
    const plain = listen();
    const inner = listen();
    // By the certificate if it is asked about at all.
    test.server.listen(plain);
    test.server.listen(new WebSocketListener(inner));
    const gate = listen();
    test.server.listen(gate, { offer: new Set(["password-file", "anonymous"]) });
    const watcher = await test.connect({ version });
    await watcher.subscribe(["#", 0]);
    const clientOf = (link: Link) => new RawClient(link, () => test.settle());
    const will = { topic: "will", payload: "x" };
    const byName = clientOf(await connect(plain, ana));
    await byName.connect({ version, clientId: "ana", will });
    await byName.subscribe(["news", 0]);
    const byWebSocket = clientOf(new WebSocketClientLink(await connect(inner, bob)));
    await byWebSocket.connect({ version, clientId: "bob", will });
    const byPassword = clientOf(await connect(gate, ana));
    await byPassword.connect({ version, clientId: "ben", username: "ben", password: "1" });
    const nameless = clientOf(await connect(gate, bob));
    const staysIn = clientOf(await connect(plain, eva));
    await staysIn.connect({ version, clientId: "eva" });
    for (const listener of [plain, inner, gate]) listener.present(identity(staying));
    test.broker.identitiesChanged();
    // At once they may do nothing, and soon they are not there.
    byName.sendPublish("a", "by ana");
    await byName.ping();
    await watcher.publish("news", "for ana?");
    await watcher.takePublish({ topic: "news", payload: "for ana?" });
    test.clock.advance(1000);
    for (const client of [byName, byWebSocket, byPassword]) await client.expectEnded(0x87);
    await nameless.expectClosed();
    await staysIn.publish("a", "by eva");
    await watcher.takePublish({ topic: "a", payload: "by eva" });
    await watcher.expectNothing();
    assertEquals(test.broker.counters.closes.revoked, 4);
    assert(test.log.some((line) => line.includes("reason=revoked")), test.log.join("\n"));
    staysIn.cut();
  },
);
