import { pathOf } from "../../interop/support/outside_tool.ts";
import { run } from "../../interop/support/tool_process.ts";
import type { BrokerProcess } from "../broker_process.ts";
import { type Absent, begin, freePort, ready, saidPort, startPregon } from "../contestant.ts";

const CHECKOUT = new URL("../../..", import.meta.url).pathname.replace(/\/$/, "");
/** Debian puts it where only root looks, and its module elsewhere. */
const NGINX_PATHS = ["/usr/sbin/nginx"];
const NCHAN_PATHS = ["/usr/lib/nginx/modules/ngx_nchan_module.so"];
const LISTENING = /listening on (\d+)/;

/** A server that takes part, and where it takes what. */
export interface HttpContestant {
  readonly name: string;
  readonly publishPath: string;
  readonly streamPath: string;
  start(): Promise<BrokerProcess>;
}

export interface PregonSetting {
  readonly checkout?: string;
  readonly flags?: readonly string[];
  readonly publishPath?: string;
  /** Keeps on the disk what is published at QoS 1, before its publisher hears of it. */
  readonly keepsEvents?: boolean;
}

/** Pregón with its default options, and these flags. */
export function pregonHttp(name: string, temporary: string, setting: PregonSetting = {}): HttpContestant {
  const { checkout = CHECKOUT, flags = [], publishPath = "/topics/x", keepsEvents = false } = setting;
  return {
    name,
    publishPath,
    streamPath: "/stream/x",
    async start() {
      const broker = await startPregon(checkout, temporary, "http", { flags });
      if (keepsEvents) await openAndLeaveStream(broker.port);
      return broker;
    },
  };
}

/** nginx's nchan, with one worker. More messages are buffered than a window has, so that no stream loses any. */
export function nchan(temporary: string): HttpContestant | Absent {
  const nginx = pathOf("nginx") ?? NGINX_PATHS.find(exists);
  const module = NCHAN_PATHS.find(exists);
  if (!nginx || !module) return { name: "nchan", reason: "nginx with nchan is not installed" };
  return {
    name: "nginx nchan",
    publishPath: "/publish",
    streamPath: "/stream",
    async start() {
      const port = freePort();
      const folder = await Deno.makeTempDir({ dir: temporary });
      await Deno.writeTextFile(`${folder}/nginx.conf`, nginxConfig(module, folder, port));
      const process = begin([nginx, "-p", folder, "-c", `${folder}/nginx.conf`, "-e", "stderr"]);
      return await ready(process, () => answeringPort(port));
    },
  };
}

/** Sockets without a server around them: the most that could come of it, and that the load can read. */
export function bareSockets(): HttpContestant {
  return {
    name: "bare sockets",
    publishPath: "/publish",
    streamPath: "/stream",
    start: () => startScript("bare_server.ts", String(freePort())),
  };
}

/** A hello-world of Hono, which is what we build on. */
export function bareHono(): HttpContestant {
  return {
    name: "bare Hono",
    publishPath: "/topics/x",
    streamPath: "",
    start: () => startScript("hono_server.ts"),
  };
}

/** Which nginx it is. */
export async function nginxVersion(): Promise<string> {
  const path = pathOf("nginx") ?? NGINX_PATHS.find(exists);
  if (!path) return "nginx ?";
  const { stderr } = await run(path, ["-v"]);
  return /nginx\/[\d.]+/.exec(stderr)?.[0] ?? "nginx ?";
}

async function startScript(file: string, ...args: readonly string[]): Promise<BrokerProcess> {
  const script = new URL(file, import.meta.url).pathname;
  const process = begin([
    Deno.execPath(),
    ...["run", "--config", `${CHECKOUT}/deno.json`, "--no-lock", "-A", script, ...args],
  ]);
  return await ready(process, () => saidPort(process, LISTENING));
}

function nginxConfig(module: string, folder: string, port: number): string {
  return `load_module ${module};
daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log stderr crit;
worker_rlimit_nofile 20000;
events { worker_connections 16384; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  keepalive_requests 1000000000;
  nchan_shared_memory_size 256m;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = /publish { nchan_publisher; nchan_channel_id x; nchan_message_buffer_length 1000; }
    location = /stream {
      nchan_subscriber eventsource;
      nchan_channel_id x;
      nchan_subscriber_first_message newest;
    }
  }
}
`;
}

/** nginx does not say when it is ready. */
async function answeringPort(port: number): Promise<number> {
  for (let attempt = 0;; attempt++) {
    try {
      await (await fetch(`http://127.0.0.1:${port}/`)).body?.cancel();
      return port;
    } catch (error) {
      if (attempt === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** A stream that may come back is promised what it would miss. */
async function openAndLeaveStream(port: number): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/stream/x`, {
    headers: { accept: "text/event-stream" },
  });
  const reader = response.body!.getReader();
  await reader.read();
  await reader.cancel();
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
