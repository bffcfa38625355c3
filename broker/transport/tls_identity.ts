import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import type { TlsIdentity } from "./tls.ts";

/** Where the parts of an identity are, for messages. */
export interface IdentityFiles {
  readonly certificate: string;
  readonly key: string;
  readonly clientAuthorities?: string | undefined;
}

/** What an identity is made of. */
export type IdentityPart = keyof IdentityFiles;

/** The identity cannot be used; the message says which file is at fault, and why. */
export class IdentityError extends Error {
  override readonly name = "IdentityError";

  constructor(readonly part: IdentityPart, message: string) {
    super(message);
  }
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/**
 * Checks what TLS itself would only find out at a handshake: that there are certificates and a key, that they belong
 * together and that their time is now. Answers when the first of the chain to expire does.
 */
export function checkIdentity(identity: TlsIdentity, files: IdentityFiles, now: number): Date {
  const chain = certificatesIn(identity.certificate, files.certificate, "certificate");
  const key = privateKey(identity.key, files.key);
  const [leaf] = chain;
  if (!leaf!.checkPrivateKey(key)) {
    throw new IdentityError(
      "key",
      `Cannot use ${files.key}: it is not the key of ${files.certificate}, ${subjectOf(leaf!)}`,
    );
  }
  for (const certificate of chain) checkTime(certificate, files.certificate, now);
  if (identity.clientAuthorities !== undefined) {
    const file = files.clientAuthorities ?? "the client authorities";
    certificatesIn(identity.clientAuthorities, file, "clientAuthorities");
  }
  return new Date(Math.min(...chain.map(({ validTo }) => Date.parse(validTo))));
}

/** The certificates in a text of PEM; throws `IdentityError` if there are none. */
export function certificatesIn(text: string, file: string, part: IdentityPart): readonly X509Certificate[] {
  const blocks = text.match(CERTIFICATE) ?? [];
  if (blocks.length === 0) throw new IdentityError(part, `Cannot use ${file}: it has no certificate in PEM`);
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (error) {
      const problem = `its certificate ${index + 1} is none: ${wordsOf(error)}`;
      throw new IdentityError(part, `Cannot use ${file}: ${problem}`);
    }
  });
}

function privateKey(text: string, file: string): KeyObject {
  if (text.includes("ENCRYPTED")) {
    throw new IdentityError(
      "key",
      `Cannot use ${file}: the key is encrypted; openssl pkey -in ${file} writes one that is not`,
    );
  }
  try {
    return createPrivateKey(text);
  } catch {
    throw new IdentityError("key", `Cannot use ${file}: it has no private key in PEM`);
  }
}

function checkTime(certificate: X509Certificate, file: string, now: number): void {
  const { validFrom, validTo } = certificate;
  if (now > Date.parse(validTo)) {
    const problem = `${subjectOf(certificate)} expired on ${dayOf(validTo)}`;
    throw new IdentityError("certificate", `Cannot use ${file}: ${problem}`);
  }
  if (now < Date.parse(validFrom)) {
    throw new IdentityError(
      "certificate",
      `Cannot use ${file}: ${subjectOf(certificate)} only holds from ${dayOf(validFrom)} on`,
    );
  }
}

function subjectOf({ subject }: X509Certificate): string {
  return subject ? subject.replaceAll("\n", ", ") : "its certificate";
}

function dayOf(date: string): string {
  return new Date(date).toISOString().slice(0, 10);
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
