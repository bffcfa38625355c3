import { createHash, createHmac, pbkdf2Sync } from "node:crypto";

export interface ScramClientOptions {
  readonly user?: string;
  readonly password?: string;
  readonly nonce?: string;
  readonly gs2Header?: string;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The client's side of SCRAM-SHA-256, by Node's cryptography and not by ours. It believes all that it is told. */
export class ScramClient {
  readonly #password: string;
  readonly #gs2Header: string;
  readonly #bare: string;
  #serverKey = new Uint8Array();
  #authMessage = "";

  constructor(
    { user = "user", password = "pencil", nonce = "rOprNGfwEbeRWgbNEkqO", gs2Header = "n,," }:
      ScramClientOptions = {},
  ) {
    this.#password = password;
    this.#gs2Header = gs2Header;
    this.#bare = `n=${user.replaceAll("=", "=3D").replaceAll(",", "=2C")},r=${nonce}`;
  }

  first(): Uint8Array {
    return encoder.encode(this.#gs2Header + this.#bare);
  }

  /** Answers the server's challenge. */
  final(challenge: Uint8Array): Uint8Array {
    const text = decoder.decode(challenge);
    const [, nonce, salt, iterations] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(text)!;
    const salted = pbkdf2Sync(
      this.#password,
      Uint8Array.fromBase64(salt!),
      Number(iterations),
      32,
      "sha256",
    );
    const clientKey = hmac(salted, "Client Key");
    const storedKey = createHash("sha256").update(clientKey).digest();
    const withoutProof = `c=${btoa(this.#gs2Header)},r=${nonce}`;
    this.#serverKey = hmac(salted, "Server Key");
    this.#authMessage = `${this.#bare},${text},${withoutProof}`;
    const signature = hmac(storedKey, this.#authMessage);
    const proof = clientKey.map((byte, index) => byte ^ signature[index]!);
    return encoder.encode(`${withoutProof},p=${proof.toBase64()}`);
  }

  /** Whether the server's last word shows that it knows of the password. */
  trusts(serverFinal: Uint8Array): boolean {
    return decoder.decode(serverFinal) === `v=${hmac(this.#serverKey, this.#authMessage).toBase64()}`;
  }
}

function hmac(key: Uint8Array, text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHmac("sha256", key).update(text).digest());
}
