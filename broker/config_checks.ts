import type { OptionValue } from "./config_kinds.ts";
import type { Effective } from "./config_schema.ts";

type Options = ReadonlyMap<string, Effective>;

/** Options that are ports, and what is their host. */
const PORTS: Readonly<Record<string, "mqtt-host" | "http-host">> = {
  "mqtt-port": "mqtt-host",
  "mqtt-tls-port": "mqtt-host",
  "mqtt-websocket-port": "mqtt-host",
  "mqtt-websocket-tls-port": "mqtt-host",
  "http-port": "http-host",
  "http-tls-port": "http-host",
};
const TLS_PORTS = ["mqtt-tls-port", "mqtt-websocket-tls-port", "http-tls-port"];
const EVERYWHERE: readonly OptionValue[] = ["0.0.0.0", "::"];

/** What is wrong with how the options about transports fit together; undefined if nothing is. */
export function transportProblem(options: Options): string | undefined {
  return certificateProblem(options, "mqtt") ?? certificateProblem(options, "http") ??
    clientCertificateProblem(options) ?? portProblem(options) ?? closedProblem(options);
}

function certificateProblem(options: Options, section: "mqtt" | "http"): string | undefined {
  const [certificate, key] = [`${section}-tls-certificate`, `${section}-tls-key`];
  for (const [one, other] of [[certificate, key], [key, certificate]] as const) {
    if (!options.has(one) || options.has(other)) continue;
    const words = `a ${wordOf(one)} needs its ${wordOf(other)}`;
    return `Cannot use ${said(options, one)}: ${words}, and tls.${wordOf(other)} is not set`;
  }
  const port = TLS_PORTS.find((name) => name.startsWith(section) && isOn(options, name));
  if (port === undefined || options.has(certificate)) return undefined;
  return `Cannot use ${
    said(options, port)
  }: TLS needs a certificate and its key, tls.certificate and tls.key`;
}

function clientCertificateProblem(options: Options): string | undefined {
  const [authorities, mode] = ["mqtt-client-ca", "mqtt-client-certificates"];
  const wants = options.get(mode) !== undefined && options.get(mode)!.value !== "off";
  if (wants && !options.has(authorities)) {
    return `Cannot use ${said(options, mode)}: mqtt.client-ca has to say whose certificates are meant`;
  }
  if (!options.has(authorities)) {
    const name = "auth-certificate-name";
    return options.has(name)
      ? `Cannot use ${said(options, name)}: without mqtt.client-ca nobody shows a certificate`
      : undefined;
  }
  if (isOn(options, "mqtt-tls-port") || isOn(options, "mqtt-websocket-tls-port")) return undefined;
  return `Cannot use ${said(options, authorities)}: without mqtt.tls-port nobody shows a certificate`;
}

/** A broker that nobody can reach is a slip. */
function closedProblem(options: Options): string | undefined {
  if (options.has("mqtt-unix-socket") || Object.keys(PORTS).some((name) => isOn(options, name))) {
    return undefined;
  }
  return `Cannot use both ${said(options, "mqtt-port")} and ${
    said(options, "http-port")
  }: every listener is off`;
}

function portProblem(options: Options): string | undefined {
  const open = Object.keys(PORTS).filter((name) => isOn(options, name) && options.get(name)!.value !== 0);
  for (const [index, one] of open.entries()) {
    const other = open.slice(0, index).find((other) => clash(options, one, other));
    if (other) {
      return `Cannot use ${said(options, one)}: it is ${pathOf(other)} as well, from ${from(options, other)}`;
    }
  }
  return undefined;
}

function clash(options: Options, one: string, other: string): boolean {
  if (options.get(one)!.value !== options.get(other)!.value) return false;
  const hosts = [one, other].map((name) => options.get(PORTS[name]!)!.value);
  return hosts[0] === hosts[1] || hosts.some((host) => EVERYWHERE.includes(host));
}

function isOn(options: Options, port: string): boolean {
  return typeof options.get(port)?.value === "number";
}

/** `8883 for mqtt.tls-port from flag --mqtt-tls-port`. */
function said(options: Options, name: string): string {
  return `${JSON.stringify(options.get(name)!.value)} for ${pathOf(name)} from ${from(options, name)}`;
}

function from(options: Options, name: string): string {
  return options.get(name)!.source ?? "its default";
}

function pathOf(name: string): string {
  return name.replace("-", ".");
}

function wordOf(name: string): string {
  return name.slice(name.lastIndexOf("-") + 1);
}
