import { systemClock } from "../core/clock.ts";
import { checkTlsTrust, TlsError } from "../transport/tls_client.ts";
import { IdentityError } from "../transport/tls_identity.ts";
import { type Link, LinkError } from "../transport/transport.ts";
import { UpgradeError } from "../transport/websocket_request.ts";
import type { Authentication, AuthenticationData } from "./authentication.ts";
import {
  type BrokerAddress,
  brokerAddress,
  certificateHint,
  describeAddress,
  reach,
  readUrl,
} from "./broker_address.ts";
import { isTlsScheme } from "./broker_url.ts";
import { Client } from "./client.ts";
import { ConnectError, describeError } from "./client_error.ts";
import type { ConnectOptions } from "./connect_options.ts";

/**
 * Connects to a broker. Rejects with `ConnectError` when there is no way to it, with `RefusedError` when it says no,
 * with `ClosedError` when it says nothing.
 */
export async function connect(given: ConnectOptions = {}): Promise<Client> {
  const options = given.url === undefined ? given : withUrl(given, given.url);
  const data = options.authentication && await firstData(options.authentication, options.link);
  const link = options.link ?? await openLink(options);
  const client = openClient(link, options, data);
  await client.opened;
  return client;
}

/** What the URL says of others than the address. */
function withUrl(options: ConnectOptions, url: string | URL): ConnectOptions {
  const { username, password, scheme } = readUrl(url);
  return {
    ...options,
    username: options.username ?? username,
    password: options.password ?? password,
    tls: options.tls ?? isTlsScheme(scheme),
  };
}

/** An authentication that cannot begin must not leave the link open that it was given. */
async function firstData(
  authentication: Authentication,
  link: Link | undefined,
): Promise<AuthenticationData> {
  try {
    return await authentication.start();
  } catch (error) {
    link?.close();
    throw error;
  }
}

/** A CONNECT that cannot be said must not leave its link open. */
function openClient(link: Link, options: ConnectOptions, authenticationData: AuthenticationData): Client {
  try {
    return new Client(link, options, authenticationData);
  } catch (error) {
    link.close();
    throw error;
  }
}

async function openLink(options: ConnectOptions): Promise<Link> {
  const { connectTimeoutSeconds = 10, clock = systemClock } = options;
  const address = brokerAddress(options);
  checkTls(address, clock.now());
  const opening = new Opening(address);
  const timeout = Promise.withResolvers<never>();
  const cancel = clock.after(connectTimeoutSeconds * 1000, () => {
    timeout.reject(new Error(`no answer within ${connectTimeoutSeconds} s`));
  });
  try {
    return await Promise.race([opening.link, timeout.promise]);
  } catch (error) {
    opening.giveUp();
    // A server that wants a certificate may go away without a word, and the handshake above TLS hears nothing else.
    const isEnd = error instanceof LinkError && !(error instanceof TlsError) &&
      !(error instanceof UpgradeError);
    const why = `${describeError(error)}${isEnd ? certificateHint(options.tls) : ""}`;
    throw new ConnectError(`Cannot connect to ${describeAddress(address)}: ${why}`, { cause: error });
  } finally {
    cancel();
  }
}

function checkTls({ tls }: BrokerAddress, now: number): void {
  try {
    if (tls) checkTlsTrust(tls, now);
  } catch (error) {
    if (error instanceof IdentityError) throw new ConnectError(error.message, { cause: error });
    throw error;
  }
}

/** A link on its way: whatever it has come to, it leaves nothing behind when it is given up. */
class Opening {
  readonly link: Promise<Link>;
  #reached: Link | undefined;
  #isGivenUp = false;

  constructor(address: BrokerAddress) {
    this.link = this.#open(address);
  }

  giveUp(): void {
    this.#isGivenUp = true;
    this.#reached?.close();
    this.link.catch(() => {});
  }

  async #open(address: BrokerAddress): Promise<Link> {
    const link = await reach(address);
    this.#reached = link;
    if (this.#isGivenUp) link.close();
    await link.open?.();
    return link;
  }
}
