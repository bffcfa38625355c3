import { decodeBase64 } from "@std/encoding/base64";
import {
  type Action,
  ANONYMOUS_NAME,
  type Broker,
  type Credentials,
  type Grant,
  type Identity,
  isOffered,
} from "../../broker/mod.ts";
import { forgottenCookie, readCookie } from "../access/session_cookie.ts";
import type { Client } from "../client_address.ts";
import type { Bridge, BridgeContext, RouteHandler } from "../context.ts";
import { names } from "../negotiate.ts";
import { Parameters } from "../parameters.ts";
import { isForeign } from "./origin.ts";
import { Problem } from "./problem.ts";

const NOT_AUTHORIZED = 0x87;
const RETRY_AFTER_SECONDS = "5";
const BASIC = 'Basic realm="Pregon", charset="UTF-8"';
const BEARER = 'Bearer realm="Pregon"';
/** A scheme that no browser knows: at Basic it would ask its user, in the place of the page, which waits. */
export const UNASKED = 'Session realm="Pregon"';
const CHALLENGE = { "www-authenticate": BASIC };
/** What Bearer takes besides letters and digits (RFC 6750, 2.1). */
const BEARER_TOKEN = /^bearer +([\w.~+/-]+=*)$/i;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Finds out who asks, by the same authenticators that MQTT uses, and leaves the identity in the context. */
export function identified(bridge: Bridge, handler: RouteHandler): RouteHandler {
  const allowed = new Set(bridge.options.allowedOrigins);
  const handle = (context: BridgeContext, identity: Identity): ReturnType<RouteHandler> => {
    context.env.identity = identity;
    return handler(context);
  };
  return (context) => {
    const identity = identityOfToken(bridge, context) ??
      identityOfCookie(bridge, context, allowed) ??
      authenticate(bridge, readCredentials(bridge.broker, context));
    if (!(identity instanceof Promise)) return handle(context, identity);
    return identity.then((later) => handle(context, later));
  };
}

/** Who is asked for a password shows it: a listener asks for nothing that it does not offer. */
export function askForWhatIsOffered({ broker: { door } }: Bridge) {
  return (context: BridgeContext, headers: Headers): void => {
    const { offer } = context.env.client;
    if (!offer || door.takesPasswords(offer) || !headers.get("www-authenticate")?.startsWith(BASIC)) return;
    headers.set("www-authenticate", door.takesTokens(offer) ? BEARER : UNASKED);
  };
}

/** Who has these credentials; throws why they are not let in. */
export function authenticate(
  { broker }: Bridge,
  credentials: Credentials,
): Identity | Promise<Identity> {
  const grant = broker.authenticate(credentials);
  if (!(grant instanceof Promise)) return identityOf(broker, grant, credentials);
  return grant.then((later) => identityOf(broker, later, credentials));
}

function identityOf(broker: Broker, grant: Grant, credentials: Credentials): Identity {
  if (grant.granted) return grant.identity;
  const { peer, offer } = credentials;
  broker.log.info("http-refused", { peer, reason: grant.reason, offered: offer && [...offer].join() });
  throw refusal(broker, grant, credentials);
}

/** A stream token goes before all else: whoever puts it into a URL means it, and browsers add cookies unasked. */
function identityOfToken(bridge: Bridge, context: BridgeContext): Promise<Identity> | undefined {
  const { query } = context.env.url;
  if (query === "") return undefined;
  const token = /token|%/i.test(query) ? new Parameters(query).text("token") : undefined;
  if (token === undefined) return undefined;
  const { method } = context.env;
  const headers = context.env.headers;
  if (!["GET", "HEAD"].includes(method) || !names(headers.get("accept"), "text/event-stream")) {
    throw new Problem(
      "invalid-parameter",
      "Cannot take a token here: it is for streams of Server-Sent Events",
      {
        param: "token",
        hint: "send Accept: text/event-stream, as EventSource does; or credentials in Authorization",
      },
    );
  }
  return bearerOf(bridge, context, token);
}

async function bearerOf(bridge: Bridge, context: BridgeContext, token: string): Promise<Identity> {
  const identity = await bridge.streamTokens.find(token);
  if (identity && isOffered(context.env.client.offer, identity.issuerMethod)) return identity;
  throw new Problem("stream-token-over", "Cannot let you in with this stream token", {
    param: "token",
    headers: { "www-authenticate": UNASKED },
  });
}

/** Credentials in the header go before the cookie, which a browser adds unasked; so foreign pages must not use it. */
function identityOfCookie(
  bridge: Bridge,
  context: BridgeContext,
  allowed: ReadonlySet<string>,
): Promise<Identity> | undefined {
  const headers = context.env.headers;
  const secret = headers.has("authorization") ? undefined : readCookie(context);
  if (secret === undefined) return undefined;
  const origin = headers.get("origin");
  const isDowngrade = context.env.client.isSecure && origin?.startsWith("http:") && !allowed.has(origin);
  if (isDowngrade || isForeign(context, allowed)) {
    throw new Problem("cross-origin", `Cannot take the cookie on behalf of ${origin ?? "another site"}`, {
      param: "Origin",
    });
  }
  return loggedIn(bridge, context, secret);
}

async function loggedIn(bridge: Bridge, context: BridgeContext, secret: string): Promise<Identity> {
  const login = await bridge.logins.find(secret);
  if (login && isOffered(context.env.client.offer, login.method)) return login;
  throw new Problem("session-over", "Cannot let you in with this cookie", {
    param: "Cookie",
    headers: { "www-authenticate": UNASKED, "set-cookie": forgottenCookie(context) },
  });
}

/** Throws what says that the identity may not do this; one who showed no name is asked for one. */
export function requireRight(identity: Identity, action: Action, topicOrFilter: string): void {
  if (!identity.can(action, topicOrFilter)) throw denied(identity, action, topicOrFilter);
}

export function denied(identity: Identity, action: Action, topicOrFilter: string): Problem {
  const detail = `Cannot ${action} ${JSON.stringify(topicOrFilter.slice(0, 80))} as ${identity.name}`;
  const isAnonymous = identity.name === ANONYMOUS_NAME;
  return new Problem(isAnonymous ? "unauthenticated" : "denied", detail, {
    mqttReasonCode: NOT_AUTHORIZED,
    ...(isAnonymous ? { headers: CHALLENGE } : {}),
  });
}

/** Of who shows nothing, nobody asks from where as a rule. */
class NoCredentials implements Credentials {
  readonly username = undefined;
  readonly password = undefined;
  readonly clientId = undefined;
  readonly offer: Credentials["offer"];
  readonly #client: Client;

  constructor(client: Client) {
    this.offer = client.offer;
    this.#client = client;
  }

  get peer(): string {
    return this.#client.peer;
  }
}

/** What the header Authorization shows; nothing without one. */
export function readCredentials({ door }: Broker, context: BridgeContext): Credentials {
  const client = context.env.client;
  const header = context.env.headers.get("authorization")?.trim();
  if (header === undefined) return new NoCredentials(client);
  const { peer, offer } = client;
  const nothing = { username: undefined, password: undefined, clientId: undefined, peer, offer };
  const takesTokens = door.takesTokens(offer);
  const [, token] = BEARER_TOKEN.exec(header) ?? [];
  if (token !== undefined && takesTokens) return { ...nothing, token };
  const [, encoded] = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header) ?? [];
  const bytes = encoded === undefined ? undefined : tryDecode(encoded);
  const colon = bytes?.indexOf(0x3a) ?? -1;
  if (!bytes || colon === -1) {
    const allowed = takesTokens ? "neither Basic nor Bearer" : "not Basic";
    throw badCredentials(`Cannot read the header Authorization: it is ${allowed}`);
  }
  try {
    const username = utf8.decode(bytes.subarray(0, colon));
    return { ...nothing, username, password: bytes.slice(colon + 1) };
  } catch {
    throw badCredentials("Cannot read the user name: it is not UTF-8");
  }
}

function tryDecode(encoded: string): Uint8Array | undefined {
  try {
    return decodeBase64(encoded);
  } catch {
    return undefined;
  }
}

function refusal(
  { door }: Broker,
  { reason, retrySeconds }: Grant & { readonly granted: false },
  { username, token, offer }: Credentials,
): Problem {
  switch (reason) {
    case "bad-credentials":
      return token === undefined
        ? badCredentials("The user name or password is not right")
        : badCredentials("The token is not right, or not any more", `${BEARER}, error="invalid_token"`);
    case "unavailable":
      return new Problem("unavailable", "Cannot check the credentials now", later(RETRY_AFTER_SECONDS));
    case "busy":
      return new Problem("overloaded", "Cannot check more passwords now", later(RETRY_AFTER_SECONDS));
    case "too-many-failures":
      return new Problem(
        reason,
        `Cannot look at more credentials from there for ${retrySeconds} seconds`,
        later(String(retrySeconds)),
      );
    case "not-authorized":
      return username === undefined
        ? new Problem("unauthenticated", "Cannot let you in without a name", {
          headers: { "www-authenticate": door.takesTokens(offer) ? `${BASIC}, ${BEARER}` : BASIC },
        })
        : new Problem("denied", "Cannot let you in", { mqttReasonCode: NOT_AUTHORIZED });
  }
}

function later(seconds: string): { readonly headers: Record<string, string> } {
  return { headers: { "retry-after": seconds } };
}

function badCredentials(detail: string, challenge = BASIC): Problem {
  return new Problem("bad-credentials", detail, {
    param: "Authorization",
    headers: { "www-authenticate": challenge },
  });
}
