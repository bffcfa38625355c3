import { closestString } from "@std/text/closest-string";
import { levenshteinDistance } from "@std/text/levenshtein-distance";
import { stringify } from "@std/toml";
import { type AuthOptions, authOptions, settleIdentities } from "./config_auth.ts";
import { transportProblem } from "./config_checks.ts";
import { parseConfigFile } from "./config_file.ts";
import { checkOffers, type Offers, offersOf } from "./config_offers.ts";
import { HIDDEN, type OptionValue, redactUrl } from "./config_kinds.ts";
import { isDirect } from "./config_http.ts";
import {
  ConfigError,
  type Effective,
  featureNames,
  limitNames,
  type ListenerName,
  OPTION_ROWS,
  type OptionRow,
  ORDERED_LIMITS,
} from "./config_schema.ts";
import { kebabCase } from "./core/kebab_case.ts";
import type { Features } from "./core/features.ts";
import type { Limits } from "./core/limits.ts";
import type { LogLevel } from "./core/log.ts";

/** What the program runs with, every field settled. */
export interface Options {
  readonly sysIntervalSeconds: number;
  readonly mqtt: MqttOptions;
  readonly http: {
    readonly host: string;
    readonly port: Port;
    readonly tlsPort: Port;
    readonly files: TlsFiles | undefined;
    /** Plain HTTP is Deno's alone. */
    readonly isDirect: boolean;
    readonly hasWebSocket: boolean;
    readonly trustedProxies: readonly string[];
    readonly allowedHosts: readonly string[];
    readonly allowedOrigins: readonly string[];
  };
  readonly durability: "disk" | "memory";
  /** The folder with the data. */
  readonly data: string;
  readonly auth: AuthOptions;
  readonly offers: Offers;
  readonly log: { readonly level: LogLevel | "off" };
  readonly features: Features;
  readonly limits: Limits;
}

/** 0 takes a free one. */
export type Port = number | "off";

export interface MqttOptions {
  readonly host: string;
  readonly port: Port;
  readonly tlsPort: Port;
  readonly websocketPort: Port;
  readonly websocketTlsPort: Port;
  readonly files: TlsFiles | undefined;
  readonly clientCertificates: "off" | "request" | "require";
  readonly unixSocket: string | undefined;
  readonly unixSocketMode: number;
  readonly proxyProtocolFrom: readonly string[];
}

/** Where a certificate is, its key, and the issuers of those that clients show. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
  readonly clientAuthorities: string | undefined;
  /** Which options say so, for messages: `tls.key`. */
  readonly keys: { readonly [part in "certificate" | "key" | "clientAuthorities"]: string };
}

/** Where options come from; the first one wins over the next. */
export interface OptionSources {
  /** By the option's name: `mqtt-port`. */
  readonly flags?: Readonly<Record<string, string>> | undefined;
  /** All variables of the environment; those that begin with `PREGON_` are for us. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly file?: { readonly name: string; readonly text: string } | undefined;
}

export { ConfigError };
export type { ListenerName };

/** A value as somebody gave it, before it is checked. */
interface Setting {
  readonly row: OptionRow;
  readonly value: unknown;
  /** For messages: `flag --mqtt-port`. */
  readonly source: string;
}

type Settings = ReadonlyMap<string, Setting>;

const CLIENT_CERTIFICATES = "mqtt-client-certificates";
const CLIENT_CA = "mqtt-client-ca";
const ENV_PREFIX = "PREGON_";
const ROW_BY_NAME: ReadonlyMap<string, OptionRow> = new Map(OPTION_ROWS.map((row) => [row.name, row]));
/** Edits that make a slip of the fingers, and of a long word the share: what is further away was meant otherwise. */
const SLIPS_MAX = 2;
const SLIPPED_SHARE_MAX = 0.4;
/** Words that fit into a line. */
const LISTED_MAX = 10;
/** A message quotes no more of a value than this. */
const QUOTE_LENGTH_MAX = 60;

/** Settles every option; throws `ConfigError` for the first thing that is wrong with any source. */
export function resolveOptions(sources: OptionSources): Options {
  const effective = resolve(sources);
  const value = (name: string) => effective.get(name)?.value;
  const features = featureNames().map((feature) => [feature, value(`mqtt-${kebabCase(feature)}`)]);
  const limits = limitNames().map((limit) => [limit, value(limitOption(limit))]);
  return {
    sysIntervalSeconds: value("sys-interval-seconds") as number,
    mqtt: { ...mqttOptions(value), files: tlsFiles(effective, "mqtt") },
    http: {
      host: value("http-host") as string,
      port: value("http-port") as Port,
      tlsPort: value("http-tls-port") as Port,
      files: tlsFiles(effective, "http"),
      isDirect: isDirect(value),
      hasWebSocket: value("http-websocket") as boolean,
      trustedProxies: value("http-trusted-proxies") as readonly string[],
      allowedHosts: value("http-allowed-hosts") as readonly string[],
      allowedOrigins: value("http-allowed-origins") as readonly string[],
    },
    durability: value("durability") as "disk" | "memory",
    data: value("data") as string,
    auth: authOptions(value),
    offers: offersOf(value),
    log: { level: value("log-level") as LogLevel | "off" },
    features: Object.fromEntries(features) as Features,
    limits: Object.fromEntries(limits) as Limits,
  };
}

type ValueOf = (name: string) => OptionValue | undefined;

function mqttOptions(value: ValueOf): Omit<MqttOptions, "files"> {
  return {
    host: value("mqtt-host") as string,
    port: value("mqtt-port") as Port,
    tlsPort: value("mqtt-tls-port") as Port,
    websocketPort: value("mqtt-websocket-port") as Port,
    websocketTlsPort: value("mqtt-websocket-tls-port") as Port,
    clientCertificates: value(CLIENT_CERTIFICATES) as MqttOptions["clientCertificates"],
    unixSocket: value("mqtt-unix-socket") as string | undefined,
    unixSocketMode: parseInt(value("mqtt-unix-socket-mode") as string, 8),
    proxyProtocolFrom: value("mqtt-proxy-protocol-from") as readonly string[],
  };
}

function tlsFiles(
  effective: ReadonlyMap<string, Effective>,
  section: "mqtt" | "http",
): TlsFiles | undefined {
  const [certificate, key] = [`${section}-tls-certificate`, `${section}-tls-key`].map((name) =>
    effective.get(name)
  );
  if (!certificate || !key) return undefined;
  const authorities = section === "mqtt" ? effective.get(CLIENT_CA) : undefined;
  return {
    certificate: certificate.value as string,
    key: key.value as string,
    clientAuthorities: authorities?.value as string | undefined,
    keys: {
      certificate: certificate.key!,
      key: key.key!,
      clientAuthorities: pathOf(ROW_BY_NAME.get(CLIENT_CA)!),
    },
  };
}

/** Whether a file of options says something that is for nobody else to read. */
export function hasSecret(file: NonNullable<OptionSources["file"]>): boolean {
  return fileSettings(file).values().some(({ row }) => row.kind.isSecret === true);
}

/**
 * The effective options as a file that can be loaded again, with the source of each one that is not a default. What follows
 * from others is a comment: written down, it would stay when they change, and `allow-everything` be true for good.
 */
export function printOptions(sources: OptionSources): string {
  const effective = resolve(sources);
  const lines = ["# Effective options of Pregón."];
  let section = "";
  for (const row of OPTION_ROWS) {
    const found = effective.get(row.name);
    if (!found) continue;
    if (row.section !== section) lines.push("", `[${section = row.section}]`);
    const shown = typeof found.value === "string"
      ? row.kind.redact?.(found.value) ?? found.value
      : found.value;
    const line = stringify({ [row.key]: shown }).trim();
    const note = shown === found.value ? "" : ", without what may be secret: not to be loaded so";
    const isDerived = !found.source && row.default === undefined;
    lines.push(found.source ? `${line} # ${found.source}${note}` : isDerived ? `# ${line}` : line);
  }
  return lines.join("\n") + "\n";
}

/** The nearest of these, as a question; or where none is near, what there is or where it is listed. */
export function didYouMean(word: string, possible: readonly string[]): string {
  const listed = possible.length <= LISTED_MAX ? `there are ${possible.join(", ")}` : "--help lists them";
  return guess(word, possible) ?? listed;
}

/** As `didYouMean`, behind words that say what there is: empty where none is near. */
export function orDidYouMean(word: string, possible: readonly string[]): string {
  const question = guess(word, possible);
  return question === undefined ? "" : `; ${question}`;
}

function guess(word: string, possible: readonly string[]): string | undefined {
  const closest = closestString(word, possible);
  const editsMax = Math.max(SLIPS_MAX, closest.length * SLIPPED_SHARE_MAX);
  return levenshteinDistance(word, closest) <= editsMax ? `did you mean ${closest}?` : undefined;
}

function resolve(sources: OptionSources): ReadonlyMap<string, Effective> {
  const layers = [
    flagSettings(sources.flags ?? {}),
    envSettings(sources.env ?? {}),
    sources.file ? fileSettings(sources.file) : new Map(),
  ];
  // What is overridden must be right too: it would wait there for the day that the flag goes.
  for (const layer of layers) for (const setting of layer.values()) check(setting);
  const effective = new Map<string, Effective>();
  for (const row of OPTION_ROWS) {
    if (OPTION_ROWS.some(({ setBy }) => setBy === row.name)) continue;
    const setting = findSetting(row, layers);
    if (setting) {
      effective.set(row.name, { value: check(setting), source: setting.source, key: pathOf(setting.row) });
    } else if (row.default !== undefined) effective.set(row.name, { value: row.default, source: undefined });
  }
  settleIdentities(effective);
  settleClientCertificates(effective);
  const problem = transportProblem(effective);
  if (problem) throw new ConfigError(problem);
  checkOffers(effective);
  checkOrder(effective);
  return effective;
}

function findSetting(row: OptionRow, layers: readonly Settings[]): Setting | undefined {
  for (const layer of layers) {
    const setting = layer.get(row.name) ?? (row.setBy ? layer.get(row.setBy) : undefined);
    if (setting) return setting;
  }
  return undefined;
}

function flagSettings(flags: Readonly<Record<string, string>>): Settings {
  const settings = new Map<string, Setting>();
  for (const [name, text] of Object.entries(flags)) {
    const row = ROW_BY_NAME.get(name);
    if (!row) {
      throw new ConfigError(`Unknown flag --${name}: ${didYouMean(`--${name}`, OPTION_ROWS.map(flagOf))}`);
    }
    if (row.kind.isSecret) {
      throw new ConfigError(
        `Cannot use the flag --${name}: everybody on this machine can read it there; ` +
          `use the variable ${variableOf(row)}, or ${pathOf(row)} in the file`,
      );
    }
    settings.set(name, { row, value: row.kind.fromText(text), source: `flag ${flagOf(row)}` });
  }
  return settings;
}

function envSettings(env: Readonly<Record<string, string>>): Settings {
  const settings = new Map<string, Setting>();
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith(ENV_PREFIX)) continue;
    const row = OPTION_ROWS.find((row) => variableOf(row) === variable);
    if (!row) {
      throw new ConfigError(
        `Unknown variable ${variable}: ${didYouMean(variable, OPTION_ROWS.map(variableOf))}`,
      );
    }
    settings.set(row.name, { row, value: row.kind.fromText(text), source: `variable ${variable}` });
  }
  return settings;
}

function fileSettings(file: { readonly name: string; readonly text: string }): Settings {
  const settings = new Map<string, Setting>();
  for (const [path, value] of flatten(parseConfigFile(file))) {
    const row = OPTION_ROWS.find((row) => pathOf(row) === path);
    if (!row) throw unknownKey(path, value, file.name);
    settings.set(row.name, { row, value, source: `file ${file.name}` });
  }
  return settings;
}

/** The values of a file by their path: `mqtt.port`. An empty table is a value too, so that it is not overlooked. */
function* flatten(table: Record<string, unknown>): Generator<[path: string, value: unknown]> {
  for (const [key, value] of Object.entries(table)) {
    const isSection = OPTION_ROWS.some((row) => row.section !== "" && row.section === key);
    if (isSection && isTable(value)) {
      for (const [inner, each] of Object.entries(value)) yield [`${key}.${inner}`, each];
    } else yield [key, value];
  }
}

/** A slip in a section's name, a key in another section than its own, or a slip in a key. */
function unknownKey(path: string, value: unknown, file: string): ConfigError {
  const sections = [...new Set(OPTION_ROWS.map((row) => row.section).filter((section) => section !== ""))];
  if (sections.some((section) => section === path)) {
    return new ConfigError(
      `Cannot use ${
        quote(value)
      } for ${path} from file ${file}: it must be a section, [${path}] with its keys below`,
    );
  }
  const key = path.slice(path.lastIndexOf(".") + 1);
  const homes = OPTION_ROWS.filter((row) => row.key === key && row.section !== "");
  const meant = isTable(value) && !path.includes(".")
    ? `did you mean the section [${closestString(path, sections)}]?`
    : homes.length > 0
    ? `did you mean ${key} in the section ${homes.map((row) => `[${row.section}]`).join(" or ")}?`
    : didYouMean(path, OPTION_ROWS.map(pathOf));
  return new ConfigError(`Unknown key ${path} in ${file}: ${meant}`);
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function check({ row, value, source }: Setting): OptionValue {
  const accepted = row.kind.accept(value);
  if (accepted !== undefined) return accepted;
  const { allowed, choices, redact, isSecret } = row.kind;
  const hint = choices && typeof value === "string" ? orDidYouMean(value, choices) : "";
  throw new ConfigError(
    `Cannot use ${quote(isSecret ? HIDDEN : value, redact)} for ${
      pathOf(row)
    } from ${source}: it must be ${allowed}${hint}`,
  );
}

/** Whoever says whose certificates are meant wants to see one. */
function settleClientCertificates(effective: Map<string, Effective>): void {
  if (effective.has(CLIENT_CERTIFICATES)) return;
  const value = effective.has(CLIENT_CA) ? "require" : "off";
  effective.set(CLIENT_CERTIFICATES, { value, source: undefined });
}

function checkOrder(effective: ReadonlyMap<string, Effective>): void {
  for (const [lower, upper] of ORDERED_LIMITS) {
    const [small, large] = [effective.get(limitOption(lower))!, effective.get(limitOption(upper))!];
    if (small.value <= large.value) continue;
    throw new ConfigError(
      `Cannot use ${small.value} for limits.${kebabCase(lower)} from ${small.source ?? "its default"}: ` +
        `it must be at most limits.${kebabCase(upper)}, which is ${large.value} from ${
          large.source ?? "its default"
        }`,
    );
  }
}

function limitOption(limit: keyof Limits): string {
  return `limits-${kebabCase(limit)}`;
}

function flagOf(row: OptionRow): string {
  return `--${row.name}`;
}

export function variableOf(row: OptionRow): string {
  return ENV_PREFIX + row.name.toUpperCase().replaceAll("-", "_");
}

export function pathOf(row: OptionRow): string {
  return row.section ? `${row.section}.${row.key}` : row.key;
}

/** As it would stand in the file, on one line; without what may be secret in a URL, whatever the option is. */
export function quote(
  value: unknown,
  redact = (text: string) => text.includes("://") ? redactUrl(text) : text,
): string {
  const text = typeof value === "number"
    ? String(value)
    : JSON.stringify(value, (_, inner) => typeof inner === "string" ? redact(inner) : inner) ?? String(value);
  return text.length <= QUOTE_LENGTH_MAX ? text : `${text.slice(0, QUOTE_LENGTH_MAX)}…`;
}
