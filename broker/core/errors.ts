/** A condition of ours does not hold: a defect in Pregón, never in its peer. Ends the connection that met it. */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

export function assert(
  condition: unknown,
  message = "A condition that must hold does not",
): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** A packet that is well formed but not allowed here and now; the connection answers with the reason and closes. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";

  /** @param reasonCode MQTT 5.0 reason code, 0x80 or above */
  constructor(readonly reasonCode: number, message: string) {
    super(message);
  }
}
