import { decodeBase64 } from "./base64.ts";
import { saslprep } from "./saslprep.ts";
import { type Bytes, KEY_BYTES } from "./scram_keys.ts";

/** What a server says of an exchange that fails, as RFC 5802 words it (7, server-error-value). */
export type ScramErrorValue =
  | "invalid-encoding"
  | "extensions-not-supported"
  | "invalid-proof"
  | "channel-bindings-dont-match"
  | "unsupported-channel-binding-type"
  | "invalid-username-encoding"
  | "other-error";

/** The client's message is none that is allowed here. */
export class ScramError extends Error {
  override readonly name = "ScramError";

  constructor(readonly value: ScramErrorValue, message: string) {
    super(message);
  }
}

export interface ClientFirst {
  /** `n,,`: what the client says of channel binding and authorization; its last message must repeat it. */
  readonly gs2Header: string;
  /** The rest, as it is. */
  readonly bare: string;
  /** Prepared by `saslprep`. */
  readonly username: string;
  readonly nonce: string;
}

export interface ClientFinal {
  /** Without the proof, as it is. */
  readonly withoutProof: string;
  /** In base64, as the client wrote it. */
  readonly channelBinding: string;
  readonly nonce: string;
  readonly proof: Bytes;
}

/** No comma: it parts the attributes. */
const NONCE = /^[\x21-\x2b\x2d-\x7e]+$/;
/** An attribute that nobody has to understand. */
const EXTENSION = /^[A-Za-z]=[^,\0]+$/;

const encoder = new TextEncoder();
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads `n,,n=user,r=nonce`. */
export function parseClientFirst(bytes: Uint8Array | undefined): ClientFirst {
  const text = decodeText(bytes);
  const [flag, authorization, ...attributes] = text.split(",");
  if (authorization === undefined) throw invalid("the first message has no GS2 header");
  checkBinding(flag!);
  const bare = attributes.join(",");
  const [name, nonce, ...extensions] = attributes;
  if (name?.startsWith("m=")) throw new ScramError("extensions-not-supported", "m= asks for an extension");
  const username = parseName(valueOf("n", name));
  checkAuthorization(authorization, username);
  checkExtensions(extensions);
  return { gs2Header: `${flag},${authorization},`, bare, username, nonce: parseNonce(valueOf("r", nonce)) };
}

/** Reads `c=biws,r=nonce,p=proof`. */
export function parseClientFinal(bytes: Uint8Array | undefined): ClientFinal {
  const attributes = decodeText(bytes).split(",");
  const proof = decodeBase64(valueOf("p", attributes.pop()));
  const [binding, nonce, ...extensions] = attributes;
  const channelBinding = valueOf("c", binding);
  checkExtensions(extensions);
  if (proof?.length !== KEY_BYTES) throw invalid(`the proof is not base64 of ${KEY_BYTES} bytes`);
  return {
    withoutProof: attributes.join(","),
    channelBinding,
    nonce: parseNonce(valueOf("r", nonce)),
    proof,
  };
}

export function serverFirst(
  { nonce, salt, iterations }: { nonce: string; salt: Bytes; iterations: number },
): string {
  return `r=${nonce},s=${salt.toBase64()},i=${iterations}`;
}

/** What the client must repeat of its GS2 header in its last message. */
export function channelBindingOf(gs2Header: string): string {
  return encoder.encode(gs2Header).toBase64();
}

/** `y`: the client could bind to a channel and knows that we cannot. */
function checkBinding(flag: string): void {
  if (flag === "n" || flag === "y") return;
  if (!flag.startsWith("p=")) throw invalid("the GS2 header begins with none of n, y and p=");
  throw new ScramError("unsupported-channel-binding-type", "There is no channel binding here");
}

/** Nobody acts for another. */
function checkAuthorization(authorization: string, username: string): void {
  if (authorization === "") return;
  if (parseName(valueOf("a", authorization)) === username) return;
  throw new ScramError("other-error", "Nobody acts for another user here");
}

function checkExtensions(extensions: readonly string[]): void {
  for (const extension of extensions) {
    if (extension.startsWith("m=")) {
      throw new ScramError("extensions-not-supported", "m= asks for an extension");
    }
    if (!EXTENSION.test(extension)) throw invalid("an extension is not a letter, = and a value");
  }
}

function valueOf(letter: string, attribute: string | undefined): string {
  if (!attribute?.startsWith(`${letter}=`)) throw invalid(`the attribute ${letter} is not where it belongs`);
  return attribute.slice(2);
}

/** A comma is written =2C there, and an equals sign =3D. */
function parseName(written: string): string {
  const name = written.replaceAll(/=(2C|3D)/g, (_, code) => code === "2C" ? "," : "=");
  const isEscaped = !/=(?!2C|3D)/.test(written);
  const prepared = isEscaped && name !== "" ? saslprep(name) : undefined;
  if (prepared) return prepared;
  throw new ScramError("invalid-username-encoding", "The user name is not a name");
}

function parseNonce(nonce: string): string {
  if (NONCE.test(nonce)) return nonce;
  throw invalid("the nonce is not printable ASCII");
}

function decodeText(bytes: Uint8Array | undefined): string {
  if (!bytes) throw invalid("there is none");
  try {
    return utf8.decode(bytes);
  } catch {
    throw invalid("it is not UTF-8");
  }
}

function invalid(problem: string): ScramError {
  return new ScramError("invalid-encoding", `Cannot read the client's message: ${problem}`);
}
