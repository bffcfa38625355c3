import { CertificateAuthenticator } from "../../broker/auth/certificate.ts";
import type { Certificate, Credentials } from "../../broker/auth/authenticator.ts";
import { credentialsOf, testAuthenticator } from "../contract/authenticator_contract.ts";

function shows(subject: string, names: readonly string[] = []): { readonly certificate: Certificate } {
  return { certificate: { subject, names, fingerprint: "AB:CD" } };
}

const FOREIGN: Partial<Credentials>[] = [{}, credentialsOf("ana", "1"), { token: "x" }];

testAuthenticator({
  name: "certificate, by CN",
  create: () => new CertificateAuthenticator("cn"),
  known: [
    [shows("CN=sensor-7"), "sensor-7"],
    [shows("CN=sensor-7,O=Acme, Inc"), "sensor-7"],
    [shows("C=DE\nO=Acme\nCN=sensor 7"), "sensor 7"],
    [shows("O=Acme+cn=sensor-7"), "sensor-7"],
    [shows("CN=a\\,b,O=Acme"), "a,b"],
    // What a value says of itself makes no attribute.
    [shows("O=x\\,CN=admin,CN=sensor-7"), "sensor-7"],
    [{ ...shows("CN=sensor-7"), username: "admin" }, "sensor-7"],
  ],
  refused: [
    shows(""),
    shows("O=Acme", ["sensor-7"]),
    shows("CN="),
    shows("CN=a,CN=b"),
    shows("CN=anonymous"),
    shows("CN=broker"),
    { ...credentialsOf("ana", "1"), ...shows("O=Acme") },
  ],
  foreign: FOREIGN,
});

testAuthenticator({
  name: "certificate, by its first alternative name",
  create: () => new CertificateAuthenticator("san"),
  known: [
    [shows("CN=x", ["sensor-7.local", "other"]), "sensor-7.local"],
    [shows("", ["DNS:sensor-7.local"]), "sensor-7.local"],
    [shows("", ["URI:urn:device:7"]), "urn:device:7"],
  ],
  refused: [shows("CN=x"), shows("CN=x", [""]), shows("CN=x", ["DNS:broker"])],
  foreign: FOREIGN,
});
