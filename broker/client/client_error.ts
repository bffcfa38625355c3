import { type PacketError, ReasonCode, type UserProperties } from "../packet/mod.ts";

/** Whatever the broker or the network did to a client; the message is for people, in one line. */
export class ClientError extends Error {
  override readonly name: string = "ClientError";
}

/** There is no way to the broker. */
export class ConnectError extends ClientError {
  override readonly name = "ConnectError";
}

/** What is asked for is more than the broker said it takes. Nothing was sent, and the connection goes on. */
export class LimitError extends ClientError {
  override readonly name = "LimitError";
}

/** What a broker may say beside a reason code, in MQTT 5.0. */
export interface ReasonDetails {
  readonly reasonString?: string | undefined;
  /** Another server to use. */
  readonly serverReference?: string | undefined;
  readonly userProperties?: UserProperties;
}

/** What a broker says of the end of a connection. */
export interface ClosingReason extends ReasonDetails {
  readonly reasonCode: number;
}

/** The connection ended before what was asked for was done. */
export class ClosedError extends ClientError {
  override readonly name = "ClosedError";
  /** Of the broker's DISCONNECT or refusal; undefined when it said nothing, as always before MQTT 5.0. */
  readonly reasonCode: number | undefined;
  readonly reasonString: string | undefined;
  readonly serverReference: string | undefined;

  constructor(
    message: string,
    { reason, ...options }: ErrorOptions & { readonly reason?: ClosingReason } = {},
  ) {
    super(message, options);
    this.reasonCode = reason?.reasonCode;
    this.reasonString = reason?.reasonString;
    this.serverReference = reason?.serverReference;
  }
}

/** The broker said no: to a connection, a message or a subscription. */
export class RefusedError extends ClientError {
  override readonly name = "RefusedError";
  /** The reason in words: `not authorized`. */
  readonly reason: string;
  readonly reasonString: string | undefined;
  readonly serverReference: string | undefined;
  readonly userProperties: UserProperties;

  /**
   * @param what begins the message: `Connection`
   * @param reasonCode of MQTT 5.0, whatever version was spoken
   */
  constructor(what: string, readonly reasonCode: number, details: ReasonDetails = {}) {
    super(`${what} refused: ${describeReason(reasonCode, details)}`);
    this.reason = reasonWords(reasonCode);
    this.reasonString = details.reasonString;
    this.serverReference = details.serverReference;
    this.userProperties = details.userProperties ?? [];
  }
}

/** What a broker's DISCONNECT means to whoever still waits for something. */
export function closedByDisconnect(reason: ClosingReason): ClosedError {
  const { reasonCode, reasonString, serverReference } = reason;
  const isPlain = reasonCode === ReasonCode.success && !reasonString && !serverReference;
  const why = isPlain ? "" : `: ${describeReason(reasonCode, reason)}`;
  return new ClosedError(`The broker closed the connection${why}`, { reason });
}

/** The broker sent what it must not. */
export function closedByProtocol(error: Pick<PacketError, "message">): ClosedError {
  return new ClosedError(`The broker broke the protocol: ${error.message}`, { cause: error });
}

/** `badUserNameOrPassword` as `bad user name or password`. */
export function reasonWords(reasonCode: number): string {
  // The one failure that SUBACK of MQTT 3.1.1 knows says just that.
  if (reasonCode === ReasonCode.unspecifiedError) return "the broker gives no reason";
  if (reasonCode === ReasonCode.success) return "normal end";
  const found = Object.entries(ReasonCode).find(([, code]) => code === reasonCode);
  if (!found) return `reason code 0x${reasonCode.toString(16).padStart(2, "0")}`;
  return found[0].replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** In one line: `use another server (maintenance; try b.example.org)`. */
function describeReason(reasonCode: number, { reasonString, serverReference }: ReasonDetails): string {
  const isUnspecified = reasonCode === ReasonCode.unspecifiedError && reasonString;
  const words = isUnspecified ? "unspecified error" : reasonWords(reasonCode);
  const details = [reasonString, serverReference && `try ${serverReference}`].filter((detail) => detail);
  // The broker's words must not steer the terminal that they are shown on.
  return details.length === 0 ? words : `${words} (${details.join("; ").replaceAll(/\p{Cc}/gu, " ")})`;
}

/** Deno's message without the number that the operating system has for it. */
export function describeError(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/ \(os error \d+\)$/, "");
}
