import { LinkError } from "./transport.ts";

/** Why a WebSocket is closed (RFC 6455, 7.4.1). */
export const CloseCode = { normal: 1000, protocolError: 1002, unsupportedData: 1003, tooBig: 1009 } as const;

const CONTINUATION = 0x0;
const TEXT = 0x1;
const BINARY = 0x2;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;
const FINAL = 0x80;
const MASKED = 0x80;
/** Two bytes, eight more of length, four of mask. */
const HEADER_BYTES_MAX = 14;
const MASK_BYTES = 4;
const CONTROL_BYTES_MAX = 125;

/** A frame that must not be: the WebSocket is closed with the code. */
export class FrameError extends LinkError {
  constructor(readonly code: number, message: string) {
    super("frame-refused", message);
  }
}

/** A whole frame that says something of the connection itself. */
export interface ControlFrame {
  readonly kind: "ping" | "pong" | "close";
  readonly payload: Uint8Array;
}

/** The end that a frame comes from: a client masks all of its frames, a server none. */
export type FrameSender = "client" | "server";

/**
 * Takes the frames off what the other end sends, in the buffer where it came: what remains are the bytes of its packets.
 *
 *     before   | header | masked bytes | header | masked by|    n bytes came
 *     after    |       bytes        bytes|                      fewer stay; the rest of a header is kept here
 *
 * Nothing is put together: how packets are divided among frames means nothing, and a frame that claims any length takes
 * up no more than what came of it.
 */
export class FrameStripper {
  readonly #header = new Uint8Array(HEADER_BYTES_MAX);
  #headerBytes = 0;
  readonly #sender: FrameSender;
  readonly #mask = new Uint8Array(MASK_BYTES);
  /** Of the frame's bytes, how many came, and how many are to come. */
  #done = 0;
  #remaining = 0;
  /** The control frame that is not whole yet. */
  #control: { readonly kind: ControlFrame["kind"]; readonly payload: Uint8Array } | undefined;
  /** A message goes on in the next frame. */
  #isFragmented = false;

  constructor(sender: FrameSender) {
    this.#sender = sender;
  }

  /**
   * Answers how many bytes of payload now stand at the begin of the buffer, of the `count` that came. Control frames go
   * to `onControl`, before what stands behind them is looked at. Throws `FrameError`.
   */
  strip(buffer: Uint8Array, count: number, onControl: (frame: ControlFrame) => void): number {
    let kept = 0;
    for (let at = 0; at < count;) {
      if (this.#remaining === 0) {
        at += this.#takeHeader(buffer.subarray(at, count));
      } else {
        const part = Math.min(this.#remaining, count - at);
        const target = this.#control?.payload.subarray(this.#done) ?? buffer.subarray(kept);
        this.#take(buffer.subarray(at, at + part), target);
        if (!this.#control) kept += part;
        at += part;
      }
      if (this.#control && this.#remaining === 0) {
        const control = this.#control;
        this.#control = undefined;
        onControl(control);
        if (control.kind === "close") break;
      }
    }
    return kept;
  }

  #take(bytes: Uint8Array, target: Uint8Array): void {
    if (this.#sender === "client") applyMask(bytes, target, this.#mask, this.#done);
    else target.set(bytes);
    this.#done += bytes.length;
    this.#remaining -= bytes.length;
  }

  /** Answers how many of the bytes it took; the header may go on in the next ones. */
  #takeHeader(bytes: Uint8Array): number {
    for (const [index, byte] of bytes.entries()) {
      this.#header[this.#headerBytes++] = byte;
      if (this.#headerBytes < 2) continue;
      const first = this.#header[0]!;
      const second = this.#header[1]!;
      if (this.#headerBytes === 2) this.#check(first, second);
      if (this.#headerBytes < this.#headerLength(second)) continue;
      this.#headerBytes = 0;
      this.#begin(first & 0x0f, this.#length(second & 0x7f));
      return index + 1;
    }
    return bytes.length;
  }

  #check(first: number, second: number): void {
    const opcode = first & 0x0f;
    const isControl = opcode >= CLOSE;
    if ((first & 0x70) !== 0) throw refused("it has a reserved bit");
    if ((second & MASKED) === 0 && this.#sender === "client") throw refused("it is not masked");
    if ((second & MASKED) !== 0 && this.#sender === "server") throw refused("it is masked");
    if (opcode === TEXT) { // [MQTT-6.0.0-1] [MQTT5-6.0.0-1]
      throw new FrameError(
        CloseCode.unsupportedData,
        "Cannot accept a text frame: MQTT has binary frames only",
      );
    }
    if (![CONTINUATION, BINARY, CLOSE, PING, PONG].includes(opcode)) {
      throw refused(`its opcode 0x${opcode.toString(16)} is none`);
    }
    if (isControl && ((first & FINAL) === 0 || (second & 0x7f) > CONTROL_BYTES_MAX)) {
      throw refused("a control frame is whole and short");
    }
    if (isControl) return;
    if ((opcode === CONTINUATION) !== this.#isFragmented) throw refused("it does not follow the one before");
    this.#isFragmented = (first & FINAL) === 0; // [MQTT-6.0.0-2] [MQTT5-6.0.0-2]
  }

  #length(short: number): number {
    const view = new DataView(this.#header.buffer);
    const length = short === 126
      ? view.getUint16(2)
      : short === 127
      ? view.getUint32(2) * 2 ** 32 + view.getUint32(6)
      : short;
    if (length > Number.MAX_SAFE_INTEGER) {
      throw new FrameError(CloseCode.tooBig, "Cannot accept a frame that long");
    }
    if ((short === 126 && length < 126) || (short === 127 && length <= 0xffff)) {
      throw refused("its length is written too long");
    }
    const end = this.#headerLength(short);
    if (this.#sender === "client") this.#mask.set(this.#header.subarray(end - MASK_BYTES, end));
    return length;
  }

  /** Bytes of a header by its second byte, the mask included. */
  #headerLength(second: number): number {
    const short = second & 0x7f;
    const maskBytes = this.#sender === "client" ? MASK_BYTES : 0;
    return (short === 127 ? 10 : short === 126 ? 4 : 2) + maskBytes;
  }

  #begin(opcode: number, length: number): void {
    this.#done = 0;
    this.#remaining = length;
    if (opcode < CLOSE) return;
    const kind = opcode === PING ? "ping" : opcode === PONG ? "pong" : "close";
    this.#control = { kind, payload: new Uint8Array(length) };
  }
}

/** The bytes as one whole frame; a client's is masked, with a mask of its own. */
export function encodeFrame(
  kind: "binary" | "pong" | "close",
  payload: Uint8Array,
  sender: FrameSender,
): Uint8Array {
  const opcode = kind === "binary" ? BINARY : kind === "pong" ? PONG : CLOSE;
  const { length } = payload;
  const isMasked = sender === "client";
  const maskAt = length < 126 ? 2 : length <= 0xffff ? 4 : 10;
  const start = maskAt + (isMasked ? MASK_BYTES : 0);
  const frame = new Uint8Array(start + length);
  const view = new DataView(frame.buffer);
  frame[0] = FINAL | opcode;
  frame[1] = (isMasked ? MASKED : 0) | (maskAt === 2 ? length : maskAt === 4 ? 126 : 127);
  if (maskAt === 4) view.setUint16(2, length);
  else if (maskAt === 10) view.setBigUint64(2, BigInt(length));
  if (!isMasked) frame.set(payload, start);
  else {
    // Nobody who chooses the payload may know what goes over the wire (RFC 6455, 10.3).
    const mask = crypto.getRandomValues(frame.subarray(maskAt, start));
    applyMask(payload, frame.subarray(start), mask, 0);
  }
  return frame;
}

/** Masks, or takes the mask off again: the same both times. */
function applyMask(bytes: Uint8Array, target: Uint8Array, mask: Uint8Array, done: number): void {
  for (let index = 0; index < bytes.length; index++) {
    target[index] = bytes[index]! ^ mask[(done + index) & 3]!;
  }
}

export function closePayload(code: number): Uint8Array {
  return Uint8Array.of(code >> 8, code & 0xff);
}

function refused(why: string): FrameError {
  return new FrameError(CloseCode.protocolError, `Cannot accept the WebSocket's frame: ${why}`);
}
