import { chooseWebSocketProtocol, isWebSocketKey } from "../../broker/mod.ts";
import type { Bridge, BridgeContext, RouteHandler } from "../context.ts";
import { methods } from "../methods.ts";
import { isWebSocket } from "../middleware/origin.ts";
import { Problem } from "../middleware/problem.ts";

const RETRY_AFTER_SECONDS = "5";

/** `/mqtt`: MQTT itself, over WebSocket. Who the client is says its CONNECT. */
export function mqttRoute(bridge: Bridge): RouteHandler {
  return methods({ GET: (context) => upgrade(bridge, context) });
}

function upgrade(bridge: Bridge, context: BridgeContext): Response {
  const request = context.req.raw;
  const headers = context.env.headers;
  const openWebSocket = context.env.openWebSocket;
  if (!openWebSocket) {
    throw new Problem("not-found", "Cannot open a WebSocket: whoever passes requests on here opens none");
  }
  const key = headers.get("sec-websocket-key") ?? "";
  const isWhole = request.method === "GET" && isWebSocket(headers) &&
    /(^|,)\s*upgrade\s*(,|$)/i.test(headers.get("connection") ?? "");
  if (!isWhole || headers.get("sec-websocket-version") !== "13" || !isWebSocketKey(key)) {
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
  const { peer, address } = context.env.client;
  const onClose = () => bridge.webSocketCount--;
  const response = openWebSocket(request, { key, protocol, peer, address, onClose });
  if (!response) {
    broker.counters.webSocketsRefused++;
    throw new Problem(
      "websocket-not-awaited",
      "Cannot open the WebSocket: more was sent before it was open than could be kept",
    );
  }
  bridge.webSocketCount++;
  return response;
}
