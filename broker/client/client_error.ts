import { ReasonCode } from "../packet/mod.ts";

/** Whatever the broker or the network did to a client; the message is for people, in one line. */
export class ClientError extends Error {
  override readonly name: string = "ClientError";
}

/** There is no way to the broker. */
export class ConnectError extends ClientError {
  override readonly name = "ConnectError";
}

/** The connection ended before what was asked for was done. */
export class ClosedError extends ClientError {
  override readonly name = "ClosedError";
}

/** The broker said no, to a connection or to a subscription. */
export class RefusedError extends ClientError {
  override readonly name = "RefusedError";
  /** The reason in words: `not authorized`. */
  readonly reason: string;

  /**
   * @param what begins the message: `Connection`
   * @param reasonCode of MQTT 5.0, whatever version was spoken
   */
  constructor(what: string, readonly reasonCode: number) {
    const reason = reasonWords(reasonCode);
    super(`${what} refused: ${reason}`);
    this.reason = reason;
  }
}

/** `badUserNameOrPassword` as `bad user name or password`. */
export function reasonWords(reasonCode: number): string {
  // The one failure that SUBACK of MQTT 3.1.1 knows says just that.
  if (reasonCode === ReasonCode.unspecifiedError) return "the broker gives no reason";
  const found = Object.entries(ReasonCode).find(([, code]) => code === reasonCode);
  if (!found) return `reason code 0x${reasonCode.toString(16).padStart(2, "0")}`;
  return found[0].replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
