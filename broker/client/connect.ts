import { systemClock } from "../core/clock.ts";
import { connectTcp } from "../transport/tcp.ts";
import type { Link } from "../transport/transport.ts";
import type { Authentication, AuthenticationData } from "./authentication.ts";
import { Client } from "./client.ts";
import { ConnectError, describeError } from "./client_error.ts";
import type { ConnectOptions } from "./connect_options.ts";

/**
 * Connects to a broker. Rejects with `ConnectError` when there is no way to it, with `RefusedError` when it says no,
 * with `ClosedError` when it says nothing.
 */
export async function connect(options: ConnectOptions = {}): Promise<Client> {
  const data = options.authentication && await firstData(options.authentication, options.link);
  const link = options.link ?? await openLink(options);
  const client = openClient(link, options, data);
  await client.opened;
  return client;
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
  const { host = "127.0.0.1", port = 1883, connectTimeoutSeconds = 10, clock = systemClock } = options;
  const connecting = connectTcp(host, port);
  const timeout = Promise.withResolvers<never>();
  const cancel = clock.after(connectTimeoutSeconds * 1000, () => {
    connecting.then((link) => link.close(), () => {});
    timeout.reject(new Error(`no answer within ${connectTimeoutSeconds} s`));
  });
  try {
    return await Promise.race([connecting, timeout.promise]);
  } catch (error) {
    throw new ConnectError(`Cannot connect to ${host}:${port}: ${describeError(error)}`, { cause: error });
  } finally {
    cancel();
  }
}
