import {
  type Bridge,
  createBridge,
  type Descriptors,
  HttpServer,
  LinkServer,
  pageGuard,
  PlainRequest,
  upgradeByDeno,
} from "./bridge/mod.ts";
import { runAcl } from "./broker/cli/acl.ts";
import { ACL_FLAGS } from "./broker/cli/acl_flags.ts";
import { runPub, runSub } from "./broker/cli/clients.ts";
import { PUB_FLAGS, SUB_FLAGS } from "./broker/cli/client_flags.ts";
import { shareDescriptors, spareOpener } from "./broker/cli/descriptors.ts";
import { type CommandLine, parseCommandLine, UsageError } from "./broker/cli/command_line.ts";
import { runBackup, runCheck } from "./broker/cli/data.ts";
import { BACKUP_FLAGS, CHECK_FLAGS } from "./broker/cli/data_flags.ts";
import { type Command, COMMANDS, helpText, SERVE_FLAGS } from "./broker/cli/help.ts";
import { loadIdentities } from "./broker/cli/identities.ts";
import { runPasswd } from "./broker/cli/passwd.ts";
import { Entrances } from "./broker/cli/entrances.ts";
import { PASSWD_FLAGS } from "./broker/cli/passwd_flags.ts";
import { Reloaders, reloadOnSignal } from "./broker/cli/reload.ts";
import { loadRules } from "./broker/cli/rules.ts";
import {
  banner,
  openPort,
  optionSources,
  StartError,
  warnOfDirect,
  warnOfNoRules,
  warnOfOpenFile,
} from "./broker/cli/start.ts";
import { onStopSignal } from "./broker/cli/stop_signal.ts";
import { ConfigError, didYouMean, type Options, printOptions, resolveOptions } from "./broker/config.ts";
import {
  Broker,
  type BrokerOptions,
  type Clock,
  DescriptorReserve,
  Log,
  type Offer,
  PacedLog,
  StoreError,
} from "./broker/mod.ts";
import { Server } from "./broker/server.ts";
import { STORES } from "./broker/store/stores.ts";
import type { Listener } from "./broker/transport/transport.ts";
import { UpgradedLink } from "./broker/transport/upgraded_link.ts";
import manifest from "./deno.json" with { type: "json" };

/** A stop takes no longer than this, whatever a peer does. */
const STOP_SECONDS_MAX = 4;
const PROGRESS_MS = 1000;

const FLAGS = {
  serve: SERVE_FLAGS,
  pub: PUB_FLAGS,
  sub: SUB_FLAGS,
  passwd: PASSWD_FLAGS,
  acl: ACL_FLAGS,
  check: CHECK_FLAGS,
  backup: BACKUP_FLAGS,
};
const RUNNERS = {
  serve: runServe,
  pub: runPub,
  sub: runSub,
  passwd: runPasswd,
  acl: runAcl,
  check: runCheck,
  backup: runBackup,
};

if (import.meta.main) Deno.exit(await main(Deno.args));

/** Runs a command; the answer is the exit code. */
async function main(args: readonly string[]): Promise<number> {
  try {
    const [command, flags] = splitCommand(args);
    const line = parseCommandLine(flags, FLAGS[command]);
    if (line.has("help")) return print(helpText(command));
    if (line.has("version")) return print(`pregon ${manifest.version}`);
    return await RUNNERS[command](line);
  } catch (error) {
    const isUsage = error instanceof UsageError || error instanceof ConfigError;
    if (!isUsage && !(error instanceof StartError) && !(error instanceof StoreError)) throw error;
    console.error(error.message);
    return isUsage ? 2 : 1;
  }
}

function splitCommand(args: readonly string[]): [command: Command, flags: readonly string[]] {
  const [first] = args;
  if (first === undefined || first.startsWith("-")) return ["serve", args];
  if (first === "help") return [COMMANDS.find((command) => command === args[1]) ?? "serve", ["--help"]];
  const command = COMMANDS.find((command) => command === first);
  if (command) return [command, args.slice(1)];
  throw new UsageError(`Unknown command ${JSON.stringify(first)}: ${didYouMean(first, COMMANDS)}`);
}

function print(text: string): number {
  console.log(text.trimEnd());
  return 0;
}

async function runServe(line: CommandLine): Promise<number> {
  const sources = await optionSources(line);
  const options = resolveOptions(sources);
  if (line.has("print-config")) return print(printOptions(sources));
  const log = new Log(options.log.level, console.error);
  guardAgainstDefects(log);
  await warnOfOpenFile(sources, log);
  const { auth, limits } = options;
  const { clientIdPerUser, aclFile } = auth;
  const identities = await loadIdentities(auth, log);
  const withoutFile = auth.isOpen ? undefined : "deny";
  const rules = aclFile === undefined ? withoutFile : await loadRules(aclFile, limits);
  const running = await serve(options, { log, clientIdPerUser, rules, ...identities });
  const reloaders = new Reloaders(log);
  reloaders.add("identities", () => identities.reload(running.broker));
  if (aclFile !== undefined) {
    reloaders.add("acl", async () => running.broker.ruleBook.replace(await loadRules(aclFile, limits)));
  }
  running.entrances.watchCertificates(reloaders, () => running.broker.identitiesChanged());
  reloadOnSignal(reloaders);
  const stopped = Promise.withResolvers<string>();
  onStopSignal(stopped.resolve);
  print(banner(options, { ...running, version: manifest.version }));
  warnOfDirect(options, log);
  warnOfNoRules(options, log);
  log.info("started", { mqtt: running.mqtt.join(" "), http: running.http.join(" ") });
  log.info("stopping", { signal: await stopped.promise });
  const deadline = new Promise((resolve) => setTimeout(resolve, STOP_SECONDS_MAX * 1000, "late"));
  const outcome = await Promise.race([running.stop(), deadline]);
  if (outcome === "late") log.warn("stop-incomplete", { seconds: STOP_SECONDS_MAX });
  else log.info("stopped");
  return 0;
}

/** Puts store, broker, MQTT and HTTP together; throws `StartError` or `StoreError` with nothing left open. */
async function serve(options: Options, brokerOptions: BrokerOptions & { readonly log: Log }) {
  const { log } = brokerOptions;
  const { features } = options;
  // Before the data are read: a port that is taken should be said at once. Clients that come early wait in its queue.
  const entrances = await Entrances.open(options, { log, guard: pageGuard(options.http) });
  let broker: Broker | undefined;
  let server: Server | undefined;
  let descriptors: DescriptorReserve | undefined;
  let bridge: Bridge;
  let http: WebServers;
  try {
    const open = spareOpener(log);
    const { limits, linksMax } = shareDescriptors(options.limits, log, open);
    const store = STORES[options.durability]({ folder: options.data, onProgress: progressLog(log) });
    broker = await Broker.open({ ...brokerOptions, limits, features, store });
    const { counters, clock } = broker;
    const pacedLog = new PacedLog(log, () => clock.now());
    descriptors = open && new DescriptorReserve({ limits, counters, log: pacedLog, open, linksMax });
    server = new Server(broker, {
      ...(descriptors && { descriptors }),
      sysIntervalSeconds: options.sysIntervalSeconds,
      version: manifest.version,
    });
    bridge = createBridge(broker, options.http);
    const { fetch } = bridge;
    http = openWeb(options, {
      fetch,
      entrances,
      server,
      counters,
      log,
      clock,
      turn: broker.turn,
      descriptors,
    });
    descriptors?.onShort(() => http.dropIdle());
    descriptors?.recover();
  } catch (error) {
    entrances.close();
    await server?.close();
    descriptors?.close();
    await broker?.close();
    throw error;
  }
  for (const { listener, offer } of entrances.mqtt) server.listen(listener, { offer });
  return {
    broker,
    entrances,
    mqtt: entrances.mqtt.map(({ listener }) => listener.url),
    http: http.urls,
    /** Takes nobody new, ends every stream and connection, and resolves when their last bytes are out. */
    async stop(): Promise<void> {
      entrances.close();
      await Promise.all([server.close(), bridge.close(), http.shutdown()]);
      descriptors?.close();
      await broker?.close();
    },
  };
}

/** Hands the WebSockets that Deno opens to the server of MQTT. */
function directOpener({ limits, offers }: Options, server: Server) {
  const messageBytesMax = limits.packetBytesMax;
  return upgradeByDeno((socket, whose) => {
    const link = new UpgradedLink(socket, { ...whose, messageBytesMax });
    server.accept(link, { offer: offers["http-port"] });
  });
}

interface WebServers {
  readonly urls: readonly string[];
  /** Ends the connections with nothing under way. */
  dropIdle(): void;
  shutdown(): Promise<void>;
}

interface WebParts {
  readonly fetch: Bridge["fetch"];
  readonly entrances: Entrances;
  readonly server: Server;
  readonly counters: Broker["counters"];
  readonly log: Log;
  readonly clock: Clock;
  readonly turn: Broker["turn"];
  readonly descriptors: Descriptors | undefined;
}

/** Plain HTTP as Deno serves it, or on the links that the server lets in, as HTTPS is. */
function openWeb(options: Options, { fetch, entrances, server, counters, ...parts }: WebParts): WebServers {
  const { "http-port": httpOffer, "http-tls-port": httpsOffer } = options.offers;
  const onLinks = (listener: Listener | undefined, isSecure: boolean, offer: Offer | undefined) => {
    if (!listener) return undefined;
    const web = new LinkServer((request, info) => fetch(request, { ...info, offer }), {
      ...parts,
      isSecure,
      stallSeconds: options.limits.stallSeconds,
      onStall: () => void counters.met("stallSeconds"),
      idleSeconds: options.limits.httpIdleSeconds,
      onIdle: () => void counters.met("httpIdleSeconds"),
    });
    server.listen(listener, { serve: (link) => web.serve(link), offer });
    return web;
  };
  const direct = entrances.http ? undefined : openDirect(options, { fetch, server, ...parts });
  const all = [
    direct,
    onLinks(entrances.http, false, httpOffer),
    onLinks(entrances.https, true, httpsOffer),
  ].filter((web) => web !== undefined);
  return {
    urls: [direct?.url, entrances.http?.url, entrances.https?.url].filter((url) => url !== undefined),
    dropIdle: () => all.forEach((web) => web.dropIdle()),
    shutdown: async () => void await Promise.all(all.map((web) => web.shutdown())),
  };
}

function openDirect(
  options: Options,
  { fetch, server, ...parts }: Omit<WebParts, "entrances" | "counters">,
): HttpServer | undefined {
  const { host: hostname, port } = options.http;
  if (port === "off") return undefined;
  const came = { offer: options.offers["http-port"], openWebSocket: directOpener(options, server) };
  const serve = () =>
    new HttpServer((request, served) => fetch(request, new PlainRequest(served, came)), {
      hostname,
      port,
      ...parts,
    });
  return openPort("http-port", { host: hostname, port }, serve);
}

/** A million records take seconds to read: says once a second how far it is. */
function progressLog(log: Log): (done: number, all: number) => void {
  let saidAt = Date.now();
  return (done, all) => {
    if (Date.now() - saidAt < PROGRESS_MS) return;
    saidAt = Date.now();
    log.info("loading", { done, all });
  };
}

/** A promise that failed unseen is a defect of ours, but none that the other clients should pay for. */
function guardAgainstDefects(log: Log): void {
  const report = (error: unknown) => {
    log.error("internal-error", {
      error: error instanceof Error ? error.stack ?? error.message : String(error),
    });
  };
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    report(event.reason);
  });
  globalThis.addEventListener("error", (event) => {
    // The state that the throw left behind is in doubt: the process ends, and a supervisor starts it anew.
    event.preventDefault();
    report(event.error);
    Deno.exit(1);
  });
}
