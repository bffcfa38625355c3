/**
 * Sockets of Linux by epoll, straight from its C library: in Deno's event loop each read is an operation and a promise,
 * which cost more than a server's write, so the load would measure itself. This read 228,000 events of bare sockets a
 * second in 0.9 of a core. One thread waits here and does nothing else.
 */
const AF_INET = 2;
const SOCK_STREAM = 1;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const EPOLL_CTL_ADD = 1;
const EPOLLIN = 1;
const MSG_NOSIGNAL = 0x4000;
const MSG_DONTWAIT = 0x40;
const LOOPBACK = [127, 0, 0, 1];
const BACKLOG = 1024;
const EVENTS_AT_ONCE = 256;
const READ_BYTES = 64 * 1024;
/** The struct is packed on x86-64 only. */
const EVENT_BYTES = Deno.build.arch === "x86_64" ? 12 : 16;
const EVENT_DATA_AT = EVENT_BYTES - 8;

const SYMBOLS = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  accept: { parameters: ["i32", "pointer", "pointer"], result: "i32" },
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  epoll_wait: { parameters: ["i32", "pointer", "i32", "i32"], result: "i32" },
  recv: { parameters: ["i32", "pointer", "usize", "i32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "usize", "i32"], result: "i32" },
} as const;

/** Sockets, each under a number that its owner gave it, that are waited for together. They end with the process. */
export class Sockets {
  /** What `read` filled, and room for a byte behind it. */
  readonly bytes = new Uint8Array(READ_BYTES + 1);
  readonly #library = Deno.dlopen("libc.so.6", SYMBOLS).symbols;
  readonly #bytesPointer = Deno.UnsafePointer.of(this.bytes);
  readonly #events = new Uint8Array(EVENTS_AT_ONCE * EVENT_BYTES);
  readonly #eventsPointer = Deno.UnsafePointer.of(this.#events);
  readonly #eventsView = new DataView(this.#events.buffer);
  readonly #epoll = this.#library.epoll_create1(0);
  readonly #descriptors: number[] = [];

  connect(port: number, number: number): void {
    const descriptor = this.#open();
    check("connect", this.#library.connect(descriptor, address(port), 16));
    this.#add(descriptor, number);
  }

  /** The number is of the listener: when it is ready, somebody can be accepted. */
  listen(port: number, number: number): void {
    const descriptor = this.#open();
    const { bind, listen, setsockopt } = this.#library;
    check("setsockopt", setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, int(1), 4));
    check("bind", bind(descriptor, address(port), 16));
    check("listen", listen(descriptor, BACKLOG));
    this.#add(descriptor, number);
  }

  accept(listener: number, number: number): void {
    const accepted = this.#library.accept(this.#descriptors[listener]!, null, null);
    this.#add(check("accept", accepted), number);
  }

  /** Waits until sockets are ready, or so long, and calls back for each. */
  wait(milliseconds: number, ready: (number: number) => void): void {
    const count = this.#library.epoll_wait(
      this.#epoll,
      this.#eventsPointer,
      EVENTS_AT_ONCE,
      milliseconds,
    );
    for (let index = 0; index < count; index++) {
      ready(this.#eventsView.getUint32(index * EVENT_BYTES + EVENT_DATA_AT, true));
    }
  }

  /** Bytes that were read; 0 at the end. */
  read(number: number): number {
    return check(
      "recv",
      this.#library.recv(this.#descriptors[number]!, this.#bytesPointer, BigInt(READ_BYTES), 0),
    );
  }

  /** All of it, or it throws: what is sent here is small, and its reader reads. */
  write(number: number, bytes: Uint8Array<ArrayBuffer>): void {
    const { send } = this.#library;
    const sent = send(this.#descriptors[number]!, bytes, BigInt(bytes.length), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (check("send", sent) < bytes.length) throw new Error("Cannot write: the peer does not read");
  }

  #open(): number {
    const { socket, setsockopt } = this.#library;
    const descriptor = check("socket", socket(AF_INET, SOCK_STREAM, 0));
    check("setsockopt", setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, int(1), 4));
    return descriptor;
  }

  #add(descriptor: number, number: number): void {
    const event = new DataView(new ArrayBuffer(EVENT_BYTES));
    event.setUint32(0, EPOLLIN, true);
    event.setUint32(EVENT_DATA_AT, number, true);
    const { epoll_ctl: control } = this.#library;
    check("epoll_ctl", control(this.#epoll, EPOLL_CTL_ADD, descriptor, event.buffer));
    this.#descriptors[number] = descriptor;
  }
}

function check(name: string, result: number): number {
  if (result < 0) throw new Error(`${name} failed on a socket of the load`);
  return result;
}

function int(value: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new Int32Array([value]).buffer);
}

/** A `sockaddr_in` of this machine. */
function address(port: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_INET, true);
  view.setUint16(2, port);
  bytes.set(LOOPBACK, 4);
  return bytes;
}
