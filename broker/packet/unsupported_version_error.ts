import { PacketError } from "./packet_error.ts";
import { ReasonCode } from "./reason_code.ts";

/** A CONNECT in a version that is not spoken here; `encodeVersionRefusal` makes the answer that its sender reads. */
export class UnsupportedVersionError extends PacketError {
  override readonly name = "UnsupportedVersionError";

  constructor(readonly protocolName: string, readonly protocolLevel: number) {
    super(
      ReasonCode.unsupportedProtocolVersion,
      `Cannot accept protocol ${JSON.stringify(protocolName)} level ${protocolLevel} in CONNECT: ` +
        "it is not spoken here",
    );
  }
}
