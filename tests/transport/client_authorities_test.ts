import { assertEquals, assertNotEquals } from "@std/assert";
import { X509Certificate } from "node:crypto";
import { ClientAuthorities } from "../../broker/transport/client_authorities.ts";
import { Authority } from "../support/certificates.ts";

const root = new Authority("Root");
const middle = new Authority("Middle", root);
const other = new Authority("Other");
const namesake = new Authority("Root");
const all = [root, middle, other, namesake];
globalThis.addEventListener("unload", () => all.forEach((each) => each[Symbol.dispose]()));

const ana = root.issue({ name: "ana" }).certificate;
const eva = middle.issue({ name: "eva" }).certificate;

function chain(...pems: readonly string[]): readonly X509Certificate[] {
  return pems.map((pem) => new X509Certificate(pem));
}

function trusting(...authorities: readonly Authority[]): ClientAuthorities {
  return new ClientAuthorities(authorities.map(({ certificate }) => certificate).join("\n"));
}

Deno.test("who vouches for a certificate is found, whether it issued it or an issuer of the issuer that was sent along", () => {
  const direct = trusting(other, root).pathOf(chain(ana));
  assertEquals(direct.length, 2);
  const [direct1, through] = [trusting(middle), trusting(other, root)].map((authorities) =>
    authorities.pathOf(chain(eva, middle.certificate))
  );
  assertEquals([direct1!.length, through!.length], [2, 3]);
  assertEquals(through!.slice(0, 2), direct1);
  assertEquals(trusting(root).pathOf(chain(ana, root.certificate)), direct);
  for (const [path, trusted] of [[direct, root], [through!, root], [through!, middle]] as const) {
    assertEquals(trusting(other, trusted).vouchFor(path), true);
    assertEquals(trusting(other).vouchFor(path), false);
  }
});

Deno.test("a certificate may stand for itself, and vouches for itself alone", () => {
  const { certificate } = other.selfSigned("gate");
  const path = new ClientAuthorities(certificate).pathOf(chain(certificate));
  assertEquals(path.length, 1);
  assertEquals(new ClientAuthorities(other.selfSigned("gate").certificate).vouchFor(path), false);
});

// Whoever has a certificate of one authority would stay for as long as any other is trusted.
Deno.test("nobody is vouched for by whose certificate they send along", () => {
  const both = trusting(root, other);
  assertEquals(both.vouchFor(both.pathOf(chain(ana, other.certificate))), true);
  assertEquals(trusting(other).vouchFor(both.pathOf(chain(ana, other.certificate))), false);
  assertEquals(both.pathOf(chain(eva, other.certificate)), []);
  assertEquals(both.pathOf(chain(eva, middle.certificate, other.certificate)).length, 3);
  // The same name is not the same key.
  const namesakes = trusting(namesake, root);
  assertEquals(trusting(root).vouchFor(namesakes.pathOf(chain(ana))), true);
  assertEquals(trusting(namesake).vouchFor(namesakes.pathOf(chain(ana))), false);
  assertEquals(trusting(namesake).pathOf(chain(ana, namesake.certificate)), []);
});

Deno.test("an authority is the same under a certificate that was renewed for its key", () => {
  const before = root.certificate;
  const path = new ClientAuthorities(before).pathOf(chain(ana));
  root.renew();
  assertNotEquals(root.certificate, before);
  assertEquals(trusting(root).vouchFor(path), true);
});

Deno.test("nobody vouches where nobody is trusted, or the chain is without its middle", () => {
  assertEquals(new ClientAuthorities(undefined).pathOf(chain(ana)), []);
  assertEquals(trusting(root).pathOf(chain(eva)), []);
  assertEquals(trusting(root).vouchFor([]), false);
});
