import { openClient } from "./handshake.ts";
import type { ConnectionResult, ConnectionShape, LoadOptions } from "./options.ts";
import { residentKibibytes, UseMeter } from "./process_use.ts";

/** CONNECTs that wait for their CONNACK together. */
const BATCH = 64;

/** Opens connections, and sees how fast the broker takes them and what it keeps for each. */
export async function runConnections(
  { port, version, brokerPid, shape: { connections } }: LoadOptions & { readonly shape: ConnectionShape },
): Promise<ConnectionResult> {
  const before = residentKibibytes(brokerPid);
  const meter = new UseMeter(brokerPid);
  const open: Deno.TcpConn[] = [];
  try {
    for (let index = 0; index < connections; index += BATCH) {
      const batch = Array.from(
        { length: Math.min(BATCH, connections - index) },
        (_, place) => openClient(port, version, `idle-${index + place}`),
      );
      for (const { connection } of await Promise.all(batch)) open.push(connection);
    }
    const { seconds, brokerCores, loadCores } = meter.stop();
    return {
      kind: "connections",
      connectionsPerSecond: connections / seconds,
      kibibytesPerConnection: (residentKibibytes(brokerPid) - before) / connections,
      brokerCores,
      loadCores,
    };
  } finally {
    for (const connection of open) connection.close();
  }
}
