import { decodeBase64 } from "@std/encoding/base64";
import type { MiddlewareHandler } from "hono";
import type { Action, AuthRefusal, Credentials, Identity } from "../../broker/mod.ts";
import type { Bridge, BridgeEnv } from "../context.ts";
import { Problem } from "./problem.ts";

const NOT_AUTHORIZED = 0x87;
const RETRY_AFTER_SECONDS = "5";
const CHALLENGE = { "www-authenticate": 'Basic realm="Pregon", charset="UTF-8"' };

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Finds out who asks, by the same authenticators that MQTT uses, and leaves the identity in the context. */
export function identify({ broker, clients }: Bridge): MiddlewareHandler<BridgeEnv> {
  return async (context, next) => {
    const credentials = readCredentials(
      context.req.raw,
      clients.read(context.req.raw.headers, context.env?.info).peer,
    );
    const grant = await broker.authenticate(credentials);
    if (!grant.granted) {
      broker.log.info("http-refused", { peer: credentials.peer, reason: grant.reason });
      throw refusal(grant.reason, credentials);
    }
    context.set("identity", grant.identity);
    await next();
  };
}

/** Throws what says that the identity may not do this; one who showed no name is asked for one. */
export function requireRight(identity: Identity, action: Action, topicOrFilter: string): void {
  if (!identity.can(action, topicOrFilter)) throw denied(identity, action, topicOrFilter);
}

export function denied(identity: Identity, action: Action, topicOrFilter: string): Problem {
  const detail = `Cannot ${action} ${JSON.stringify(topicOrFilter.slice(0, 80))} as ${identity.name}`;
  const isAnonymous = identity.name === "anonymous";
  return new Problem(isAnonymous ? "unauthenticated" : "denied", detail, {
    mqttReasonCode: NOT_AUTHORIZED,
    ...(isAnonymous ? { headers: CHALLENGE } : {}),
  });
}

function readCredentials(request: Request, peer: string): Credentials {
  const header = request.headers.get("authorization");
  if (header === null) return { username: undefined, password: undefined, clientId: undefined, peer };
  const [, encoded] = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header.trim()) ?? [];
  const bytes = encoded === undefined ? undefined : tryDecode(encoded);
  const colon = bytes?.indexOf(0x3a) ?? -1;
  if (!bytes || colon === -1) throw badCredentials("Cannot read the header Authorization: it is not Basic");
  try {
    const username = utf8.decode(bytes.subarray(0, colon));
    return { username, password: bytes.slice(colon + 1), clientId: undefined, peer };
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

function refusal(reason: AuthRefusal, { username }: Credentials): Problem {
  if (reason === "bad-credentials") return badCredentials("The user name or password is not right");
  if (reason === "unavailable") {
    return new Problem("unavailable", "Cannot check the credentials now", {
      headers: { "retry-after": RETRY_AFTER_SECONDS },
    });
  }
  if (reason === "busy") {
    return new Problem("overloaded", "Cannot check more passwords now", {
      headers: { "retry-after": RETRY_AFTER_SECONDS },
    });
  }
  return username === undefined
    ? new Problem("unauthenticated", "Cannot let you in without a name", { headers: CHALLENGE })
    : new Problem("denied", "Cannot let you in", { mqttReasonCode: NOT_AUTHORIZED });
}

function badCredentials(detail: string): Problem {
  return new Problem("bad-credentials", detail, { param: "Authorization", headers: CHALLENGE });
}
