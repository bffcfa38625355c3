/**
 * What sockets alone can do: answers every GET with a stream and every POST with its body to all of them, one `send` a
 * stream. It knows no topics, keeps nothing and bounds nothing: it shows what the load can read.
 */
import { Sockets } from "./sockets.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const LISTENER = 0;
const ANSWER = encoder.encode("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
const HEAD = encoder.encode(
  "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n: ok\n\n\r\n",
);
/** So that an event is as long as Pregón's. */
const PADDING = "p".repeat(120);

if (import.meta.main) serve(Number(Deno.args[0]));

function serve(port: number): never {
  const sockets = new Sockets();
  const streams: number[] = [];
  let count = 1;
  sockets.listen(port, LISTENER);
  console.log(`listening on ${port}`);
  const ready = (number: number): void => {
    if (number === LISTENER) return sockets.accept(LISTENER, count++);
    const request = decoder.decode(sockets.bytes.subarray(0, sockets.read(number)));
    if (request.startsWith("GET ")) {
      streams.push(number);
      sockets.write(number, HEAD);
    } else if (request.startsWith("POST ")) {
      const body = request.slice(request.indexOf("\r\n\r\n") + 4);
      const event = `data: ${body}${PADDING}\n\n`;
      const chunk = encoder.encode(`${event.length.toString(16)}\r\n${event}\r\n`);
      sockets.write(number, ANSWER);
      for (const stream of streams) sockets.write(stream, chunk);
    } else Deno.exit(0); // The load has gone.
  };
  for (;;) sockets.wait(1000, ready);
}
