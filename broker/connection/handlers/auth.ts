import { ProtocolError } from "../../core/errors.ts";
import type { Identity } from "../../core/identity.ts";
import { type AuthPacket, ReasonCode } from "../../packet/mod.ts";
import type { Authentication } from "../authentication.ts";
import type { ConnectionPort } from "../connection_port.ts";

/** Goes on with an authentication, or begins one anew. The promise rejects with what ends the connection. */
export function handleAuth(connection: ConnectionPort, packet: AuthPacket): Promise<void> {
  const { authentication, clientId, peer } = connection;
  if (!authentication) throw refusal("it named no authentication method in CONNECT"); // [MQTT5-4.12.0-7]
  const { reasonCode, authenticationMethod, authenticationData } = packet;
  if (authenticationMethod !== authentication.method) { // [MQTT5-4.12.0-5] [MQTT5-4.12.1-1]
    const named = JSON.stringify(authenticationMethod ?? "");
    throw refusal(`the method is ${named}, and was "${authentication.method}" in CONNECT`);
  }
  switch (reasonCode) {
    case ReasonCode.continueAuthentication: // [MQTT5-4.12.0-3]
      return authentication.proceed(authenticationData);
    case ReasonCode.reauthenticate: // [MQTT5-4.12.1-1]
      return authentication.begin(authenticationData, {
        granted: (identity, data) => goOnAs(connection, authentication, { identity, data }),
        refused: (reason, { detail }) => end(connection, detail ?? reason),
      }, { username: undefined, password: undefined, clientId, peer });
    default:
      throw refusal(`reason code 0x${reasonCode.toString(16)} is for servers to say`);
  }
}

/**
 * The client goes on, perhaps with other rights, and what was published or subscribed as somebody goes on being theirs:
 * it must still be the same one. MQTT leaves that open.
 */
function goOnAs(
  connection: ConnectionPort,
  authentication: Authentication,
  { identity, data }: { readonly identity: Identity; readonly data: Uint8Array | undefined },
): void {
  const { broker, session, will, clientId } = connection;
  const { name } = session.identity;
  if (identity.name !== name) {
    return end(connection, `Cannot go on as "${identity.name}": the connection is of "${name}"`);
  }
  broker.sessions.changeIdentity(session, identity);
  will?.changeIdentity(identity);
  authentication.succeed(data);
  broker.log.debug("reauthenticated", { clientId, identity: name });
}

/** DISCONNECT says 0x87 whatever the reason: it has no other word for it. [MQTT5-4.12.1-2] */
function end(connection: ConnectionPort, detail: string): void {
  connection.close("refused", detail, ReasonCode.notAuthorized);
}

function refusal(why: string): ProtocolError {
  return new ProtocolError(ReasonCode.protocolError, `Cannot accept AUTH from this client: ${why}`);
}
