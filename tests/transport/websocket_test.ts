import { connectTcp, TcpListener } from "../../broker/transport/tcp.ts";
import { WebSocketListener } from "../../broker/transport/websocket.ts";
import { MemoryListener } from "../../broker/transport/memory.ts";
import { testTransport } from "../contract/transport_contract.ts";
import { WebSocketClientLink } from "../support/websocket_client.ts";

const HOST = "127.0.0.1";

testTransport({
  name: "websocket",
  listen: () => new WebSocketListener(new TcpListener(HOST, 0, "ws")),
  connect: async (listener) => new WebSocketClientLink(await connectTcp(HOST, listener.port)),
});

const memory = new WeakMap<WebSocketListener, MemoryListener>();

testTransport({
  name: "websocket over memory",
  listen: () => {
    const inner = new MemoryListener();
    const listener = new WebSocketListener(inner);
    memory.set(listener, inner);
    return listener;
  },
  connect: (listener) => new WebSocketClientLink(memory.get(listener as WebSocketListener)!.connect()),
});
