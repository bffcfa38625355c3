import { chooseWebSocketProtocol } from "../../broker/mod.ts";
import type { Bridge, BridgeContext, RouteHandler, SocketAcceptor } from "../context.ts";
import { methods } from "../methods.ts";
import { isWebSocket } from "../middleware/origin.ts";
import { Problem } from "../middleware/problem.ts";

const RETRY_AFTER_SECONDS = "5";

/** `/mqtt`: MQTT itself, over WebSocket. Who the client is says its CONNECT. */
export function mqttRoute(bridge: Bridge, accept: SocketAcceptor): RouteHandler {
  return methods({ GET: (context) => upgrade(bridge, context, accept) });
}

function upgrade(bridge: Bridge, context: BridgeContext, accept: SocketAcceptor): Response {
  const request = context.req.raw;
  const headers = context.get("headers");
  if (!isWebSocket(headers) || headers.get("sec-websocket-version") !== "13") {
    throw new Problem("websocket-only", "Cannot speak MQTT here without a WebSocket of version 13", {
      headers: { "upgrade": "websocket", "sec-websocket-version": "13" },
    });
  }
  const offered = headers.get("sec-websocket-protocol");
  const protocol = chooseWebSocketProtocol(offered); // [MQTT-6.0.0-3] [MQTT5-6.0.0-3]
  if (protocol === undefined) {
    const said = offered === null
      ? "none was offered"
      : `offered was ${JSON.stringify(offered.slice(0, 80))}`;
    throw new Problem("unknown-subprotocol", `Cannot open the WebSocket: ${said}`, {
      param: "Sec-WebSocket-Protocol",
      hint: "mqtt and mqttv3.1 are known",
    });
  }
  const { broker } = bridge;
  if (bridge.isDraining || bridge.webSocketCount >= broker.limits.webSocketsMax) {
    broker.counters.webSocketsRefused++;
    throw new Problem(bridge.isDraining ? "draining" : "overloaded", "Cannot open one more WebSocket now", {
      headers: { "retry-after": RETRY_AFTER_SECONDS },
    });
  }
  const { socket, response } = open(request, protocol);
  bridge.webSocketCount++;
  // Until it is really gone: a peer that does not answer a close still has its descriptor.
  socket.addEventListener("close", () => bridge.webSocketCount--, { once: true });
  accept(socket, context.get("client"));
  return response;
}

function open(request: Request, protocol: string): Deno.WebSocketUpgrade {
  try {
    return Deno.upgradeWebSocket(request, { protocol }); // [MQTT-6.0.0-4] [MQTT5-6.0.0-4]
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new Problem("websocket-only", `Cannot open the WebSocket: ${error.message}`);
  }
}
