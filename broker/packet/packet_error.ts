/** Bytes that are no packet, or a packet that has no bytes; the peer's fault unless we were encoding. */
export class PacketError extends Error {
  override readonly name: string = "PacketError";

  /** @param reasonCode MQTT 5.0 reason code, 0x80 or above */
  constructor(readonly reasonCode: number, message: string) {
    super(message);
  }
}
