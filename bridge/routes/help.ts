import type { BridgeContext, RouteHandler } from "../context.ts";
import { methods } from "../methods.ts";

/** `/`: what somebody sees who opens the port in a browser or with curl. */
export function helpRoute(): RouteHandler {
  return methods({
    GET: (context) =>
      new Response(helpText(hostOf(context)), {
        headers: { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" },
      }),
  });
}

/** The guard has let the name through, so it is one of ours; it still goes out as plain text only. */
function hostOf(context: BridgeContext): string {
  const host = context.req.header("host") ?? "";
  return /^[\w.:[\]-]{1,255}$/.test(host) ? host : "localhost:8080";
}

function helpText(host: string): string {
  return `Pregón: an MQTT broker that also speaks HTTP. A topic is a resource, its retained message the state.

  curl -d on http://${host}/topics/home/lamp/set            publish
  curl -X PUT -d 21.5 http://${host}/topics/home/temp       publish and retain
  curl http://${host}/topics/home/temp                      read the retained message
  curl http://${host}/topics/home/%23                       list all below home (%23 is #)
  curl -X DELETE http://${host}/topics/home/temp            clear
  curl -N http://${host}/stream/home/%23                    watch, one JSON object a line
  curl -N -H 'Accept: text/plain' http://${host}/stream/%23 watch, "topic payload" lines

  new EventSource('/stream/home/+/temp').onmessage = (event) => console.log(JSON.parse(event.data))

  POST, PUT, GET, DELETE  /topics/{topic}    or /topics?topic=
  GET                     /topics/{filter}   or /topics?filter=
  GET                     /stream/{filter}   or /stream?filter=&filter=    Accept: text/event-stream,
                          application/x-ndjson, text/plain, application/json (with limit= or timeout=)
  GET                     /mqtt              MQTT over WebSocket, if the broker offers it here
  POST, DELETE            /session           logs in (a cookie) and out    curl -u or {"username", "password"}
  POST                    /tokens            {"filters": ["home/#"], "ttl": "1h"} for /stream/home/%23?token=st_…
  GET                     /limits  /problems  /healthz  /readyz
`;
}
