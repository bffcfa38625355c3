import type { WebSocketAnswer } from "../broker/mod.ts";

/** A WebSocket to open: what its handshake is answered with, and whose it is, which a proxy may have said. */
export interface WebSocketOpening extends WebSocketAnswer {
  readonly peer: string;
  readonly address: string | undefined;
  /** The WebSocket is closed. */
  readonly onClose: () => void;
}

/**
 * Makes a WebSocket of a request, on which MQTT is served. Undefined if the client sent on without waiting for it, and
 * more than could be kept.
 */
export type WebSocketOpener = (request: Request, opening: WebSocketOpening) => Response | undefined;

/**
 * WebSockets that Deno frames, which costs HTTP beside them nothing. It keeps the fragments of a message without a bound
 * until the last one comes: one client can fill the memory.
 */
export function upgradeByDeno(
  accept: (socket: WebSocket, whose: Pick<WebSocketOpening, "peer" | "address">) => void,
): WebSocketOpener {
  return (request, { protocol, peer, address, onClose }) => {
    const { socket, response } = Deno.upgradeWebSocket(request, { protocol }); // [MQTT-6.0.0-4] [MQTT5-6.0.0-4]
    // Until it is really gone: a peer that does not answer a close still has its descriptor.
    socket.addEventListener("close", onClose, { once: true });
    accept(socket, { peer, address });
    return response;
  };
}
