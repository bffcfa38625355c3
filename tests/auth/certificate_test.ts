import { CertificateAuthenticator } from "../../broker/auth/certificate.ts";
import type { ClientCertificate, Credentials } from "../../broker/auth/authenticator.ts";
import { credentialsOf, testAuthenticator } from "../contract/authenticator_contract.ts";

function shows(subject: string, names: readonly string[] = []): { readonly certificate: ClientCertificate } {
  return { certificate: { subject, names, fingerprint: "ab".repeat(32), isGone: false } };
}

const FOREIGN: Partial<Credentials>[] = [{}, credentialsOf("ana", "1"), { token: "x" }];

testAuthenticator({
  name: "certificate, by CN",
  create: () => new CertificateAuthenticator("cn"),
  known: [
    [shows("sensor-7"), "sensor-7"],
    [shows("sensor 7, hall", ["DNS:other"]), "sensor 7, hall"],
    // What a name says of itself is a part of it.
    [shows("x,CN=admin"), "x,CN=admin"],
    [{ ...shows("sensor-7"), username: "admin" }, "sensor-7"],
    [{ ...credentialsOf("admin", "1"), ...shows("sensor-7") }, "sensor-7"],
  ],
  refused: [
    shows(""),
    shows("", ["DNS:sensor-7"]),
    shows("anonymous"),
    shows("broker"),
    { ...credentialsOf("ana", "1"), ...shows("") },
  ],
  foreign: FOREIGN,
});

testAuthenticator({
  name: "certificate, by its first alternative name",
  create: () => new CertificateAuthenticator("san"),
  known: [
    [shows("x", ["sensor-7.local", "other"]), "sensor-7.local"],
    [shows("", ["DNS:sensor-7.local"]), "sensor-7.local"],
    [shows("", ["URI:urn:device:7"]), "urn:device:7"],
  ],
  refused: [shows("x"), shows("x", [""]), shows("x", ["DNS:broker"])],
  foreign: FOREIGN,
});
