import type { Link, Listener, PeerCertificate } from "./transport.ts";
import {
  CloseCode,
  closePayload,
  type ControlFrame,
  encodeFrame,
  FrameError,
  type FrameSender,
  FrameStripper,
} from "./websocket_frames.ts";
import {
  acceptWebSocket,
  answerWebSocket,
  type PageGuard,
  type WebSocketAnswer,
} from "./websocket_handshake.ts";
import { requestWebSocket, type WebSocketRequest } from "./websocket_request.ts";

/** More in one frame would hide for long whether the peer takes any of it. */
const WRITE_BYTES_MAX = 64 * 1024;
/** A peer that does not even take the close frame within this is not waited for. */
const CLOSE_MS = 1000;

const NOTHING = new Uint8Array(0);

/**
 * Links of another listener, over WebSocket. Framed here and not by Deno, which puts whole messages together before it
 * gives them: 64 MiB of one frame, and of many fragments as much as a peer cares to send.
 */
export class WebSocketListener implements Listener {
  readonly url: string;
  readonly port: number;
  readonly #inner: Listener;
  readonly #guard: PageGuard;

  constructor(inner: Listener, guard: PageGuard = () => undefined) {
    this.url = inner.url;
    this.port = inner.port;
    this.#inner = inner;
    this.#guard = guard;
  }

  async accept(): Promise<Link | null> {
    const link = await this.#inner.accept();
    return link && new WebSocketLink(link, () => acceptWebSocket(link, this.#guard));
  }

  close(): void {
    this.#inner.close();
  }
}

/** Makes a WebSocket of a link whose request for one was read already, and may be granted. */
export function upgradeLink(link: Link, answer: WebSocketAnswer): Link {
  return new WebSocketLink(link, async () => {
    await answerWebSocket(link, answer); // [MQTT-6.0.0-4] [MQTT5-6.0.0-4]
    return NOTHING;
  });
}

/** Makes a WebSocket of a link to a server, as its client. */
export function openWebSocket(link: Link, request: WebSocketRequest): Link {
  return new WebSocketLink(link, () => requestWebSocket(link, request), "client");
}

/** One link within another: its bytes are the payload of binary frames, wherever those begin and end. */
class WebSocketLink implements Link {
  readonly #inner: Link;
  readonly #shakeHands: () => Promise<Uint8Array>;
  readonly #side: FrameSender;
  readonly #stripper: FrameStripper;
  /** What the other end sent behind its handshake. */
  #early: Uint8Array = NOTHING;
  #hasEnded = false;
  #isOpen = false;
  #isClosed = false;
  #closeCode: number = CloseCode.normal;
  /** Frames leave one after the other. */
  #lastFrame: Promise<void> = Promise.resolve();
  #isWritingData = false;
  /** To the last ping or close; earlier ones need none. */
  #answer: Uint8Array | undefined;
  #isAnswering = false;

  /** @param shakeHands does the opening handshake; what came behind it are frames */
  constructor(inner: Link, shakeHands: () => Promise<Uint8Array>, side: FrameSender = "server") {
    this.#inner = inner;
    this.#shakeHands = shakeHands;
    this.#side = side;
    this.#stripper = new FrameStripper(side === "server" ? "client" : "server");
  }

  get peer(): string {
    return this.#inner.peer;
  }

  get address(): string | undefined {
    return this.#inner.address;
  }

  get certificate(): PeerCertificate | undefined {
    return this.#inner.certificate;
  }

  async open(): Promise<void> {
    await this.#inner.open?.();
    this.#early = await this.#shakeHands();
    this.#isOpen = true;
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    while (!this.#hasEnded) {
      const count = this.#early.length > 0 ? this.#takeEarly(buffer) : await this.#inner.read(buffer);
      if (count === null) break;
      const kept = this.#strip(buffer, count);
      if (kept > 0) return kept;
    }
    return null;
  }

  async write(bytes: Uint8Array): Promise<number> {
    if (this.#isClosed) throw new Deno.errors.BadResource("The link is closed");
    const part = bytes.length > WRITE_BYTES_MAX ? bytes.subarray(0, WRITE_BYTES_MAX) : bytes;
    this.#isWritingData = true;
    try {
      await this.#send(encodeFrame("binary", part, this.#side)); // [MQTT-6.0.0-1] [MQTT5-6.0.0-1]
    } finally {
      this.#isWritingData = false;
    }
    return part.length;
  }

  /** Says good-bye, unless something still waits for the peer: then it would not hear it anyway. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (!this.#isOpen || this.#isWritingData) return this.#inner.close();
    const timer = setTimeout(() => this.#inner.close(), CLOSE_MS);
    const isAnswered = this.#hasEnded; // By a close frame of its own.
    const farewell = isAnswered
      ? this.#lastFrame
      : this.#send(encodeFrame("close", closePayload(this.#closeCode), this.#side));
    farewell.catch(() => {}).finally(() => {
      clearTimeout(timer);
      this.#inner.close();
    });
  }

  #takeEarly(buffer: Uint8Array): number {
    const part = this.#early.subarray(0, buffer.length);
    buffer.set(part);
    this.#early = this.#early.subarray(part.length);
    return part.length;
  }

  #strip(buffer: Uint8Array, count: number): number {
    try {
      return this.#stripper.strip(buffer, count, (frame) => this.#handle(frame));
    } catch (error) {
      if (error instanceof FrameError) this.#closeCode = error.code;
      throw error;
    }
  }

  #handle({ kind, payload }: ControlFrame): void {
    if (kind === "pong") return;
    if (kind === "close") this.#hasEnded = true;
    this.#answer = kind === "ping"
      ? encodeFrame("pong", payload, this.#side)
      : encodeFrame("close", payload.subarray(0, 2), this.#side);
    if (!this.#isAnswering) void this.#sendAnswers();
  }

  async #sendAnswers(): Promise<void> {
    this.#isAnswering = true;
    try {
      for (let frame = this.#answer; frame; frame = this.#answer) {
        this.#answer = undefined;
        await this.#send(frame);
      }
    } catch {
      // The link is broken, which whoever reads hears as well.
    }
    this.#isAnswering = false;
  }

  #send(frame: Uint8Array): Promise<void> {
    const before = this.#lastFrame;
    return this.#lastFrame = (async () => {
      await before;
      for (let sent = 0; sent < frame.length;) sent += await this.#inner.write(frame.subarray(sent));
    })();
  }
}
