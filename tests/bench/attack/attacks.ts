import { encode } from "../../../broker/packet/mod.ts";
import { openClient, subscribe, writeAll } from "../load/handshake.ts";

const HOST = "127.0.0.1";
const BUSY_TOPIC = "attack/busy";
const BUSY_PAYLOAD_BYTES = 4 * 1024;
const BUSY_MS = 50;
/** What a slow reader takes of what waits for it, each second. */
const SLOW_BYTES = 1024;
const LORIS_BYTE_MS = 200;
/** Connections that are opened at once: the queue of a listener has room for about as many. */
const OPENED_AT_ONCE = 100;
const FLOOD_TICK_MS = 20;
const KEEP_OPEN_MS = 10;

interface OpenLink {
  /** Resolves when the broker has closed it. */
  readonly ended: Promise<void>;
}

export interface Attack {
  readonly what: string;
  /** What one counts. */
  readonly unit: string;
  readonly count: number;
  /** Attacks the port; calls back when it is at its full strength, and goes on for as long as the process lives. */
  run(port: number, count: number, onFull: () => void): Promise<void>;
}

/** What a broker meets on an open port. */
export const ATTACKS: Readonly<Record<string, Attack>> = {
  "half-open": { what: "links that send nothing", unit: "links", count: 10_000, run: halfOpen },
  "slow-readers": { what: "slow readers of a busy topic", unit: "clients", count: 1_000, run: slowReaders },
  "connect-flood": {
    what: "clients that connect and hang up",
    unit: "a second",
    count: 500,
    run: connectFlood,
  },
  "slowloris": { what: "CONNECTs a byte at a time", unit: "links", count: 2_000, run: slowloris },
};

const connectBytes = encode({
  type: "connect",
  version: 4,
  cleanStart: true,
  keepAliveSeconds: 0,
  clientId: "",
  will: undefined,
  username: undefined,
  password: undefined,
}, 4);

async function halfOpen(port: number, count: number, onFull: () => void): Promise<void> {
  await keepOpen(count, onFull, async () => {
    const link = await Deno.connect({ hostname: HOST, port });
    return { ended: untilClosed(link) };
  });
}

async function slowloris(port: number, count: number, onFull: () => void): Promise<void> {
  await keepOpen(count, onFull, async () => {
    const link = await Deno.connect({ hostname: HOST, port });
    let sent = 0;
    const timer = setInterval(() => {
      if (sent < connectBytes.length - 1) {
        void link.write(connectBytes.subarray(sent, ++sent)).catch(() => {});
      }
    }, LORIS_BYTE_MS);
    return { ended: untilClosed(link).finally(() => clearInterval(timer)) };
  });
}

async function connectFlood(port: number, perSecond: number, onFull: () => void): Promise<void> {
  let owed = 0;
  let last = performance.now();
  setInterval(() => {
    const now = performance.now();
    owed = Math.min(perSecond, owed + (now - last) * perSecond / 1000);
    last = now;
    for (; owed >= 1; owed--) void connectAndHangUp(port);
  }, FLOOD_TICK_MS);
  onFull();
  await new Promise(() => {});
}

async function connectAndHangUp(port: number): Promise<void> {
  try {
    using link = await Deno.connect({ hostname: HOST, port });
    await link.write(connectBytes);
    await link.read(new Uint8Array(4));
  } catch {
    // The broker is free to refuse.
  }
}

async function slowReaders(port: number, count: number, onFull: () => void): Promise<void> {
  for (let index = 0; index < count; index++) {
    const client = await openClient(port, 4, `slow-${index}`);
    await subscribe(client, BUSY_TOPIC, 0);
    setInterval(() => void client.connection.read(new Uint8Array(SLOW_BYTES)).catch(() => {}), 1_000);
  }
  const publisher = await openClient(port, 4, "busy");
  const payload = new Uint8Array(BUSY_PAYLOAD_BYTES);
  const message = { type: "publish", topic: BUSY_TOPIC, payload, qos: 0, retain: false, dup: false } as const;
  const bytes = encode({ ...message, packetId: 0 }, 4);
  setInterval(() => void writeAll(publisher.connection, bytes), BUSY_MS);
  onFull();
  await new Promise(() => {});
}

/** Keeps so many open: for each that ends, another one comes. */
async function keepOpen(count: number, onFull: () => void, open: () => Promise<OpenLink>): Promise<void> {
  let openCount = 0;
  const openOne = async () => {
    try {
      const { ended } = await open();
      openCount++;
      void ended.then(() => openCount--);
    } catch {
      // The broker is free to refuse.
    }
  };
  let isFull = false;
  for (;;) {
    const missing = Math.min(OPENED_AT_ONCE, count - openCount);
    await Promise.all(Array.from({ length: missing }, openOne));
    if (!isFull && openCount >= count) {
      isFull = true;
      onFull();
    }
    await new Promise((resolve) => setTimeout(resolve, KEEP_OPEN_MS));
  }
}

async function untilClosed(link: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(16);
  try {
    while (await link.read(buffer) !== null);
  } catch {
    // However it ended.
  }
  link.close();
}
