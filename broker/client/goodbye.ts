import { type ConnectFields, type DisconnectPacket, isReasonOf, ReasonCode } from "../packet/mod.ts";
import type { CloseOptions } from "./call_options.ts";
import { LimitError } from "./client_error.ts";
import { refuseBefore5 } from "./connect_options.ts";
import type { Sender } from "./sender.ts";

/** The DISCONNECT of a client that is done; throws, and sends nothing, when it cannot be said. */
export function sayGoodbye(options: CloseOptions, request: ConnectFields, sender: Sender): void {
  const { reasonCode = ReasonCode.success, sessionExpirySeconds, reasonString, userProperties } = options;
  refuseBefore5(request.version, { ...options });
  if (sessionExpirySeconds && request.sessionExpirySeconds === 0) { // 3.14.2.2.2
    throw new TypeError(
      `Cannot set sessionExpirySeconds ${sessionExpirySeconds}: the session was to end with the connection`,
    );
  }
  const packet = { type: "disconnect", reasonCode, sessionExpirySeconds } as const;
  try {
    sender.send({ ...packet, reasonString, userProperties });
  } catch (error) {
    if (!(error instanceof LimitError)) throw error;
    sender.send(packet); // [MQTT5-3.14.2-3] [MQTT5-3.14.2-4]
  }
}

/** The DISCONNECT for a broker that broke the protocol. */
export function lastWords(reasonCode: number): DisconnectPacket {
  const isSayable = isReasonOf("disconnect", reasonCode);
  return { type: "disconnect", reasonCode: isSayable ? reasonCode : ReasonCode.protocolError };
}
