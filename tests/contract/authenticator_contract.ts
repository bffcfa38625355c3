import { assert, assertEquals } from "@std/assert";
import type {
  Authenticator,
  Credentials,
  EnhancedAuthenticator,
  Exchange,
  ExchangeStep,
} from "../../broker/auth/authenticator.ts";

export interface AuthenticatorUnderTest {
  readonly name: string;
  create(): Promise<Authenticator> | Authenticator;
  /** What it knows, and the name that this makes. */
  readonly known: readonly (readonly [Partial<Credentials>, string])[];
  /** What it refuses. */
  readonly refused: readonly Partial<Credentials>[];
  /** What is none of its business. */
  readonly foreign: readonly Partial<Credentials>[];
}

export interface EnhancedAuthenticatorUnderTest {
  readonly name: string;
  create(): Promise<EnhancedAuthenticator> | EnhancedAuthenticator;
  /** Plays the client's side; the answer is the step that ends it. */
  play(exchange: Exchange, isHonest: boolean): Promise<ExchangeStep>;
  readonly identityName: string;
}

const NOBODY: Credentials = { username: undefined, password: undefined, clientId: "c", peer: "test:1" };
const encoder = new TextEncoder();

/** The credentials of a CONNECT or of HTTP's Basic. */
export function credentialsOf(username: string | undefined, password?: string): Credentials {
  return { ...NOBODY, username, password: password === undefined ? undefined : encoder.encode(password) };
}

/** What every way to tell who somebody is must do, over MQTT and HTTP alike. */
export function testAuthenticator({ name, create, known, refused, foreign }: AuthenticatorUnderTest): void {
  const ways = [{ clientId: "c" }, { clientId: undefined }];

  Deno.test(`${name}: who is known is let in under one name, the same identity each time`, async () => {
    const authenticator = await create();
    for (const [credentials, identityName] of known) {
      const identities = await Promise.all(ways.map(async (way) => {
        const grant = await authenticator.authenticate({ ...NOBODY, ...credentials, ...way });
        assert(grant?.granted, JSON.stringify(credentials));
        assertEquals(grant.identity.name, identityName);
        assertEquals(typeof grant.identity.can("publish", "a"), "boolean");
        return grant.identity;
      }));
      assertEquals(identities[0], identities[1]);
    }
  });

  Deno.test(`${name}: who is not known is refused, and nobody else is asked`, async () => {
    const authenticator = await create();
    for (const way of ways) {
      for (const credentials of refused) {
        const grant = await authenticator.authenticate({ ...NOBODY, ...credentials, ...way });
        assertEquals(grant?.granted, false, JSON.stringify(credentials));
      }
    }
  });

  Deno.test(`${name}: what is not its business is left to others`, async () => {
    const authenticator = await create();
    for (const credentials of foreign) {
      assertEquals(await authenticator.authenticate({ ...NOBODY, ...credentials }), undefined);
    }
  });
}

/** What every method of enhanced authentication must do. */
export function testEnhancedAuthenticator(
  { name, create, play, identityName }: EnhancedAuthenticatorUnderTest,
): void {
  Deno.test(`${name}: an honest client is let in, and another one beside it is not`, async () => {
    const authenticator = await create();
    const [honest, other] = [authenticator.begin(NOBODY), authenticator.begin(NOBODY)];
    const [granted, refused] = await Promise.all([play(honest, true), play(other, false)]);
    assert(granted.step === "granted", JSON.stringify(granted));
    assertEquals(granted.identity.name, identityName);
    assertEquals(refused.step, "refused");
  });

  Deno.test(`${name}: nothing, nonsense and a flood of it are refused and throw nothing`, async () => {
    const authenticator = await create();
    const nonsense = [undefined, new Uint8Array(), Uint8Array.of(0xff, 0), new Uint8Array(65_000).fill(0x2c)];
    for (const data of nonsense) {
      assertEquals((await authenticator.begin(NOBODY).next(data)).step, "refused");
    }
  });
}
