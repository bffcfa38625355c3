import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { Credentials } from "../../broker/auth/authenticator.ts";
import { Broker } from "../../broker/broker.ts";
import { Server } from "../../broker/server.ts";
import { StreamLink } from "../../broker/transport/stream_link.ts";
import { TcpListener } from "../../broker/transport/tcp.ts";
import { type TlsIdentity, TlsListener, type TlsOptions } from "../../broker/transport/tls.ts";
import type { TlsLink } from "../../broker/transport/tls_link.ts";
import { type Link, LinkError, type Listener } from "../../broker/transport/transport.ts";
import { WebSocketListener } from "../../broker/transport/websocket.ts";
import { testTransport } from "../contract/transport_contract.ts";
import { Authority, type Certificate } from "../support/certificates.ts";
import { within } from "../support/eventually.ts";
import { RawClient } from "../support/raw_client.ts";
import { WebSocketClientLink } from "../support/websocket_client.ts";

const HOST = "127.0.0.1";
const authority = new Authority();
const stranger = new Authority("Somebody else");
globalThis.addEventListener("unload", () => [authority, stranger].forEach((each) => each[Symbol.dispose]()));

const identity: TlsIdentity = {
  ...authority.issue({ name: "broker" }),
  clientAuthorities: authority.certificate,
};
const ana = authority.issue({ name: "ana", names: ["DNS:ana.example.org", "URI:urn:dev:7"] });
const nameless = authority.issue({ name: "gate", names: [] });
const rogue = stranger.issue({ name: "ana" });

function listen(options: TlsOptions = {}): TlsListener {
  return new TlsListener(new TcpListener(HOST, 0, "mqtts"), identity, options);
}

interface ClientOptions {
  readonly shows?: Certificate | undefined;
  readonly protocols?: string[];
}

async function connectTls({ port }: Listener, { shows, protocols }: ClientOptions = {}): Promise<Link> {
  const connection = await Deno.connectTls({
    hostname: HOST,
    port,
    caCerts: [authority.certificate],
    ...(shows && { cert: shows.certificate, key: shows.key }),
    ...(protocols && { alpnProtocols: protocols }),
  });
  connection.handshake().catch(() => {});
  return new StreamLink(connection, { peer: "test", address: HOST });
}

testTransport({ name: "tls", listen, connect: connectTls });

/** The far end of a new link, once it is open. */
async function openLink(
  listener: TlsListener,
  options: ClientOptions = {},
): Promise<[near: Link, far: TlsLink]> {
  const accepting = listener.accept();
  const near = await connectTls(listener, options);
  const far = await within(accepting, () => "no link");
  assert(far);
  try {
    await within(far.open(), () => "no handshake");
  } catch (error) {
    far.close();
    near.close();
    throw error;
  }
  return [near, far];
}

Deno.test("a certificate that holds is what the client proved to be, by subject, names and fingerprint", async () => {
  for (const clientCertificates of ["request", "require"] as const) {
    const listener = listen({ clientCertificates });
    for (
      const [shows, subject, names] of [
        [ana, "ana", ["DNS:ana.example.org", "URI:urn:dev:7"]],
        [nameless, "gate", []],
      ] as const
    ) {
      const [near, far] = await openLink(listener, { shows });
      assertEquals(far.certificate?.subject, subject);
      assertEquals(far.certificate?.names, names);
      assertEquals(far.certificate?.fingerprint, await fingerprintOf(shows.certificate));
      near.close();
      far.close();
    }
    listener.close();
  }
});

Deno.test("whoever says who a client is sees its certificate, over WebSocket too", async () => {
  const seen: (Credentials["certificate"])[] = [];
  const authenticate = ({ certificate }: Credentials) => {
    seen.push(certificate);
    return { granted: true, identity: { name: certificate?.subject ?? "nobody", can: () => true } } as const;
  };
  const broker = new Broker({ authenticators: [{ name: "certificates", authenticate }] });
  const server = new Server(broker, { sysIntervalSeconds: 0 });
  const plain = listen({ clientCertificates: "request" });
  const inner = listen({ clientCertificates: "request" });
  server.listen(plain);
  server.listen(new WebSocketListener(inner));
  for (const shows of [ana, undefined]) {
    const links = [
      await connectTls(plain, { shows }),
      new WebSocketClientLink(await connectTls(inner, { shows })),
    ];
    for (const link of links) {
      const client: RawClient = new RawClient(link, () => client.ping());
      await client.connect();
      client.cut();
    }
  }
  assertEquals(seen.map((certificate) => certificate?.subject), ["ana", "ana", undefined, undefined]);
  assertEquals(seen[0]?.fingerprint, await fingerprintOf(ana.certificate));
  await server.close();
  await broker.close();
});

Deno.test("a certificate of another issuer is refused, whether one is required or not", async () => {
  for (const clientCertificates of ["request", "require"] as const) {
    const listener = listen({ clientCertificates });
    const error = await assertRejects(() => openLink(listener, { shows: rogue }), LinkError);
    assertStringIncludes(error.message, "certificate");
    listener.close();
  }
});

Deno.test("no certificate is refused where one is required, and is none where it is only asked for", async () => {
  const requiring = listen({ clientCertificates: "require" });
  await assertRejects(() => openLink(requiring), LinkError, "certificate");
  requiring.close();
  for (const clientCertificates of ["request", "off"] as const) {
    const listener = listen({ clientCertificates });
    const [near, far] = await openLink(listener, clientCertificates === "off" ? { shows: ana } : {});
    assertEquals(far.certificate, undefined);
    near.close();
    far.close();
    listener.close();
  }
});

/** Connects by openssl, which keeps the session in a file; answers what the link said. */
async function openByOpenssl(listener: TlsListener, args: readonly string[]): Promise<string> {
  const accepting = listener.accept();
  const child = new Deno.Command("openssl", {
    args: ["s_client", "-connect", `${HOST}:${listener.port}`, "-ign_eof", ...args],
    cwd: authority.folder,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const link = await accepting;
  try {
    await within(link!.open(), () => "no handshake");
    // A session of TLS 1.3 comes behind the handshake.
    await link!.write(Uint8Array.of(1));
    return link!.certificate?.subject ?? "nobody";
  } catch (error) {
    if (!(error instanceof LinkError)) throw error;
    return error.message;
  } finally {
    link!.close();
    await child.status;
  }
}

// Deno says of each resumed session that its certificate holds, also of one that it was refused for.
Deno.test("whose certificate was refused does not come in by resuming the session, and who came in may", async () => {
  const files = { rogue: "rogue", ana: "ana" } as const;
  for (const [name, { certificate, key }] of Object.entries({ rogue, ana })) {
    Deno.writeTextFileSync(authority.path(`${name}.pem`), certificate);
    Deno.writeTextFileSync(authority.path(`${name}.key`), key);
  }
  for (const clientCertificates of ["request", "require"] as const) {
    const listener = listen({ clientCertificates });
    for (const version of ["-tls1_2", "-tls1_3"]) {
      for (const name of [files.rogue, files.ana]) {
        const session = `${name}${version}-${clientCertificates}`;
        const shown = ["-cert", `${name}.pem`, "-key", `${name}.key`, version];
        const first = await openByOpenssl(listener, [...shown, "-sess_out", session]);
        const again = await openByOpenssl(listener, [version, "-sess_in", session]);
        if (name === "ana") assertEquals([first, again], ["ana", "ana"]);
        else {assertStringIncludes(
            `${first} ${again}`,
            "handshake failed: the resumed session has no certificate",
          );}
      }
    }
    listener.close();
  }
});

Deno.test("another identity counts from the next handshake on, and who is connected stays so", async () => {
  const listener = listen();
  const [near, far] = await openLink(listener);
  const other = authority.issue({ name: "renewed" });
  assertEquals(await subjectShownBy(listener), "broker");
  listener.present(other);
  assertEquals(await subjectShownBy(listener), "renewed");
  await near.write(Uint8Array.of(7));
  const buffer = new Uint8Array(1);
  await far.read(buffer);
  assertEquals([...buffer], [7]);
  for (const link of [near, far]) link.close();
  listener.close();
});

Deno.test("clients connect without a break while identities change", async () => {
  const listener = listen();
  const identities = [identity, authority.issue({ name: "renewed" })];
  let isServing = true;
  const serving = (async () => {
    for (;;) {
      const link = await listener.accept();
      if (!link) return;
      link.open().then(() => link.write(Uint8Array.of(1))).finally(() => link.close());
    }
  })();
  const changing = (async () => {
    for (let count = 0; isServing; count++) {
      listener.present(identities[count % 2]!);
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  })();
  const client = async () => {
    for (let count = 0; count < 25; count++) {
      const link = await connectTls(listener);
      assertEquals(await link.read(new Uint8Array(1)), 1);
      link.close();
    }
  };
  await Promise.all([client(), client(), client(), client()]);
  isServing = false;
  await changing;
  listener.close();
  await serving;
});

Deno.test("the first protocol that both know is chosen", async () => {
  const listener = listen({ protocols: ["h2", "http/1.1"] });
  for (
    const [protocols, chosen] of [[["http/1.1", "h2"], "h2"], [["http/1.1"], "http/1.1"], [
      [],
      undefined,
    ]] as const
  ) {
    const [near, far] = await openLink(listener, { protocols: [...protocols] });
    assertEquals(far.protocol, chosen);
    near.close();
    far.close();
  }
  listener.close();
});

Deno.test("what is no handshake fails it, and an end in the middle of one as well", async () => {
  const listener = listen();
  for (const bytes of ["GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x00\xff", "\x10\x0d\x00\x04MQTT", ""]) {
    const accepting = listener.accept();
    const connection = await Deno.connect({ hostname: HOST, port: listener.port });
    await connection.write(Uint8Array.from(bytes, (letter) => letter.charCodeAt(0)));
    const link = await accepting;
    const opening = assertRejects(
      () => within(link!.open(), () => "it goes on"),
      LinkError,
      "handshake failed",
    );
    await connection.closeWrite();
    await opening;
    link!.close();
    connection.close();
  }
  listener.close();
});

Deno.test("a peer that vanishes without a good-bye is the end of reading", async () => {
  const listener = listen();
  const relay = Deno.listen({ hostname: HOST, port: 0 });
  const accepting = listener.accept();
  const relaying = (async () => {
    const client = await relay.accept();
    const server = await Deno.connect({ hostname: HOST, port: listener.port });
    client.readable.pipeTo(server.writable).catch(() => {});
    server.readable.pipeTo(client.writable).catch(() => {});
    return server;
  })();
  const { port } = relay.addr;
  const near = await connectTls({ port } as Listener);
  const server = await relaying;
  const far = await accepting;
  await far!.open!();
  await near.write(Uint8Array.of(1, 2, 3));
  assertEquals(await far!.read(new Uint8Array(10)), 3);
  server.close();
  assertEquals(await within(far!.read(new Uint8Array(10)), () => "no end"), null);
  for (const link of [near, far!]) link.close();
  relay.close();
  listener.close();
});

Deno.test("closing ends a handshake that goes nowhere", async () => {
  const listener = listen();
  const accepting = listener.accept();
  using _silent = await Deno.connect({ hostname: HOST, port: listener.port });
  const link = await accepting;
  const opening = assertRejects(() => within(link!.open(), () => "it goes on"), Error);
  link!.close();
  await opening;
  listener.close();
});

Deno.test("a peer that sends what nobody reads is not listened to", async () => {
  const listener = listen();
  const [near, far] = await openLink(listener);
  const chunk = new Uint8Array(64 * 1024);
  let written = 0;
  const writing = (async () => {
    for (;;) written += await near.write(chunk);
  })().catch(() => {});
  let before = -1;
  while (written !== before) {
    before = written;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert(written < 32 * 1024 * 1024, `${written} bytes were taken`);
  near.close();
  far.close();
  await writing;
  listener.close();
});

async function subjectShownBy(listener: TlsListener): Promise<string> {
  const accepting = listener.accept();
  const child = new Deno.Command("openssl", {
    args: ["s_client", "-connect", `${HOST}:${listener.port}`],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const link = await accepting;
  await link!.open();
  const { stdout } = await child.output();
  link!.close();
  return /^subject=CN ?= ?(.*)$/m.exec(new TextDecoder().decode(stdout))?.[1] ?? "nobody";
}

async function fingerprintOf(pem: string): Promise<string> {
  const base64 = pem.replaceAll(/-----[^-]+-----|\s/g, "");
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
