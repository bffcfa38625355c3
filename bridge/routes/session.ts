import { ANONYMOUS_NAME, type Credentials } from "../../broker/mod.ts";
import { cookieFor, forgottenCookie, readCookie } from "../access/session_cookie.ts";
import type { Bridge, BridgeContext, RouteHandler } from "../context.ts";
import { invalidBody, readJsonObject } from "../json_body.ts";
import { methods } from "../methods.ts";
import { authenticate, readCredentials, UNASKED } from "../middleware/identity.ts";
import { Problem } from "../middleware/problem.ts";
import { Parameters } from "../parameters.ts";

const RETRY_AFTER_SECONDS = "60";

const encoder = new TextEncoder();

/** `/session`: a cookie for credentials, since EventSource can show nothing else. */
export function sessionRoute(bridge: Bridge): RouteHandler {
  return methods({
    POST: (context) => logIn(bridge, context),
    DELETE: (context) => logOut(bridge, context),
  });
}

async function logIn(bridge: Bridge, context: BridgeContext): Promise<Response> {
  allowNoParameters(context);
  // Before the credentials are looked at: who gets no cookie should not show them.
  cookieFor(context, "");
  const identity = await authenticate(bridge, await credentialsOf(bridge, context));
  if (identity.name === ANONYMOUS_NAME) throw nameless();
  if (bridge.broker.memory.isOverloaded) {
    bridge.broker.counters.loginsRefused++;
    throw overloaded();
  }
  const before = readCookie(context);
  if (before !== undefined) await bridge.logins.close(before);
  const secret = await bridge.logins.open(identity);
  if (secret === undefined) throw overloaded();
  bridge.broker.log.debug("logged-in", { identity: identity.name });
  return new Response(JSON.stringify({ name: identity.name }) + "\n", {
    headers: {
      "content-type": "application/json",
      "cache-control": "no-store",
      "set-cookie": cookieFor(context, secret),
    },
  });
}

async function logOut(bridge: Bridge, context: BridgeContext): Promise<Response> {
  allowNoParameters(context);
  const secret = readCookie(context);
  if (secret !== undefined) await bridge.logins.close(secret);
  return new Response(null, {
    status: 204,
    headers: { "cache-control": "no-store", "set-cookie": forgottenCookie(context) },
  });
}

async function credentialsOf(bridge: Bridge, context: BridgeContext): Promise<Credentials> {
  const headers = context.env.headers;
  if (headers.has("authorization")) return readCredentials(bridge.broker, context);
  if (!headers.get("content-type")?.toLowerCase().startsWith("application/json")) throw nameless();
  const { username, password } = await readJsonObject(bridge, context, ["username", "password"]);
  if (typeof username !== "string") throw invalidBody("username is not a text", "username");
  if (typeof password !== "string") throw invalidBody("password is not a text", "password");
  const { peer, offer } = context.env.client;
  return { username, password: encoder.encode(password), clientId: undefined, peer, offer };
}

function allowNoParameters(context: BridgeContext): void {
  new Parameters(context.env.url.query).allowOnly([]);
}

function overloaded(): Problem {
  return new Problem("overloaded", "Cannot let one more in by cookie now", {
    headers: { "retry-after": RETRY_AFTER_SECONDS },
  });
}

function nameless(): Problem {
  return new Problem("unauthenticated", "Cannot log in without a name", {
    headers: { "www-authenticate": UNASKED },
    hint: 'send Authorization, or {"username", "password"} as application/json',
  });
}
