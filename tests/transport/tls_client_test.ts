import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { connectTcp, TcpListener } from "../../broker/transport/tcp.ts";
import {
  checkTlsTrust,
  openTls,
  TlsError,
  type TlsProblem,
  type TlsTrust,
} from "../../broker/transport/tls_client.ts";
import { IdentityError } from "../../broker/transport/tls_identity.ts";
import type { TlsLink } from "../../broker/transport/tls_link.ts";
import { TlsListener, type TlsOptions } from "../../broker/transport/tls.ts";
import type { Link, Listener } from "../../broker/transport/transport.ts";
import { testTransport } from "../contract/transport_contract.ts";
import { Authority, type Certificate } from "../support/certificates.ts";
import { within } from "../support/eventually.ts";
import { OpeningLink } from "../support/opening_link.ts";

const HOST = "127.0.0.1";
const authority = new Authority();
const stranger = new Authority("Somebody else");
globalThis.addEventListener("unload", () => [authority, stranger].forEach((each) => each[Symbol.dispose]()));

const broker = authority.issue({ name: "broker" });
const ana = authority.issue({ name: "ana" });
const rogue = stranger.issue({ name: "ana" });

const TRUST: TlsTrust = {
  host: HOST,
  authorities: [authority.certificate],
  checksHost: true,
  protocols: ["mqtt"],
};

function listen(options: TlsOptions = {}, { certificate, key }: Certificate = broker): TlsListener {
  const identity = { certificate, key, clientAuthorities: authority.certificate };
  return new TlsListener(new TcpListener(HOST, 0, "mqtts"), identity, options);
}

async function openClient({ port }: Listener, trust: Partial<TlsTrust> = {}): Promise<TlsLink> {
  return openTls(await connectTcp(HOST, port), { ...TRUST, ...trust });
}

testTransport({
  name: "tls on both sides",
  listen,
  connect: async (listener) => new OpeningLink(await openClient(listener)),
});

interface Meeting {
  readonly trust?: Partial<TlsTrust>;
  readonly options?: TlsOptions;
  readonly shown?: Certificate;
}

/** Both ends, open; rejects with what keeps the client from it. */
async function meet({ trust, options, shown }: Meeting): Promise<[near: TlsLink, far: TlsLink]> {
  const listener = listen(options, shown);
  const accepting = listener.accept();
  const near = await openClient(listener, trust);
  const far = (await within(accepting, () => "no link"))!;
  listener.close();
  const [opened] = await within(Promise.allSettled([open(near), open(far)]), () => "no end of handshakes");
  if (opened.status === "fulfilled") return [near, far];
  far.close();
  throw opened.reason;
}

async function open(link: TlsLink): Promise<void> {
  try {
    await link.open();
  } catch (error) {
    link.close();
    throw error;
  }
}

async function assertMeet(meeting: Meeting): Promise<void> {
  const links = await meet(meeting);
  const [near, far] = links;
  await near.write(Uint8Array.of(7));
  const buffer = new Uint8Array(4);
  assertEquals([await within(far.read(buffer), () => "nothing came"), buffer[0]], [1, 7]);
  for (const link of links) link.close();
}

async function assertProblem(meeting: Meeting, problem: TlsProblem, message: string): Promise<void> {
  const error = await assertRejects(() => meet(meeting), TlsError);
  assertEquals([error.problem, error.message], [problem, message]);
}

Deno.test("a server is believed whom an authority vouches for that is trusted, and nobody else", async () => {
  await assertMeet({});
  await assertMeet({ trust: { authorities: [stranger.certificate, authority.certificate] } });
  await assertMeet({ trust: { authorities: [`${stranger.certificate}\n${authority.certificate}`] } });
  for (const authorities of [[stranger.certificate], undefined]) {
    for (const checksHost of [true, false]) {
      const words = "its certificate was issued by nobody who is trusted here";
      await assertProblem({ trust: { authorities, checksHost } }, "untrusted", words);
    }
  }
});

Deno.test("a certificate that vouches for itself is believed if it is trusted itself", async () => {
  const own = authority.selfSigned("localhost");
  await assertMeet({ shown: own, trust: { authorities: [own.certificate] } });
  const words = "its certificate was issued by nobody who is trusted here";
  await assertProblem({ shown: own }, "untrusted", words);
});

Deno.test("a certificate must be for the host, by name or by address, unless that is not checked", async () => {
  await assertMeet({ trust: { host: "localhost" } });
  const shown = authority.issue({ name: "localhost", names: ["DNS:b.example.org", "IP:10.0.0.7", "IP:::1"] });
  for (const host of ["b.example.org", "10.0.0.7", "::1"]) await assertMeet({ shown, trust: { host } });
  for (const host of ["localhost", HOST, "::2", "example.org"]) {
    const error = await assertRejects(() => meet({ shown, trust: { host } }), TlsError);
    assertEquals(error.problem, "other-name");
    assert(
      error.message.startsWith("its certificate is for DNS:b.example.org, IP Address:10.0.0.7"),
      error.message,
    );
    assert(error.message.endsWith(`, not for ${host}`), error.message);
    await assertMeet({ shown, trust: { host, checksHost: false } });
  }
  const many = authority.issue({
    name: "x",
    names: Array.from({ length: 9 }, (_, index) => `DNS:h${index}`),
  });
  const words = "its certificate is for DNS:h0, DNS:h1, DNS:h2, DNS:h3, DNS:h4 and others, not for 127.0.0.1";
  await assertProblem({ shown: many }, "other-name", words);
});

Deno.test("a certificate must be of its time, checked host or not", async () => {
  const shown = authority.issue({ name: "broker", days: -1 });
  for (const checksHost of [true, false]) {
    await assertProblem({ shown, trust: { checksHost } }, "expired", "its certificate has expired");
  }
});

Deno.test("a client shows its certificate", async () => {
  const options = { clientCertificates: "require" } as const;
  const links = await meet({ options, trust: ana });
  assertEquals(links[1].certificate?.subject, "ana");
  for (const link of links) link.close();
});

Deno.test("who speaks no TLS, or goes away, is told apart", async () => {
  const answers: [answer: string, problem: TlsProblem, message: string][] = [
    ["HTTP/1.1 400 Bad Request\r\n\r\n", "no-tls", "it does not speak TLS"],
    ["", "failed", "the TLS handshake failed: the peer went away"],
  ];
  for (const [answer, problem, message] of answers) {
    const listener = new TcpListener(HOST, 0);
    const near = await openClient(listener);
    const far = await listener.accept();
    const opening = near.open();
    opening.catch(() => {});
    await far!.read(new Uint8Array(2048));
    if (answer) await far!.write(new TextEncoder().encode(answer));
    far!.close();
    const error = await assertRejects(() => within(opening, () => "it goes on"), TlsError);
    assertEquals([error.problem, error.message], [problem, message]);
    near.close();
    listener.close();
  }
});

Deno.test("closing ends a client's handshake that goes nowhere", async () => {
  const listener = new TcpListener(HOST, 0);
  const near = await openClient(listener);
  const far: Link | null = await listener.accept();
  const opening = assertRejects(() => near.open(), Error);
  await far!.read(new Uint8Array(10));
  near.close();
  await within(opening, () => "it goes on");
  far!.close();
  listener.close();
});

Deno.test("the protocol of ALPN is named to the server", async () => {
  const links = await meet({ options: { protocols: ["h2", "mqtt"] } });
  assertEquals(links.map((link) => link.protocol), ["mqtt", "mqtt"]);
  for (const link of links) link.close();
  await assertRejects(() => meet({ options: { protocols: ["h2"] } }), TlsError);
});

Deno.test("what cannot be used of authorities, certificate and key is said before", () => {
  const now = Date.now();
  checkTlsTrust({ ...TRUST, ...ana }, now);
  const cases: [trust: Partial<TlsTrust>, words: string][] = [
    [{ authorities: [] }, "Cannot use tls.ca: it names nobody to trust"],
    [{ authorities: ["garbage"] }, "Cannot use tls.ca: it has no certificate in PEM"],
    [{ authorities: [authority.certificate, ""] }, "Cannot use tls.ca: it has no certificate in PEM"],
    [{ certificate: "x", key: ana.key }, "Cannot use tls.cert: it has no certificate in PEM"],
    [{ certificate: ana.certificate, key: "x" }, "Cannot use tls.key: it has no private key in PEM"],
    [
      { certificate: ana.certificate, key: rogue.key },
      "Cannot use tls.key: it is not the key of tls.cert, CN=ana",
    ],
  ];
  for (const [trust, words] of cases) {
    assertEquals(
      assertThrows(() => checkTlsTrust({ ...TRUST, ...trust }, now), IdentityError).message,
      words,
    );
  }
});
