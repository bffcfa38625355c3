import {
  ANONYMOUS,
  CERTIFICATE,
  type MethodName,
  type OfferWord,
  PASSWORD_FILE,
  SCRAM,
} from "./auth/method_names.ts";
import type { Offer } from "./auth/offer.ts";
import { SET_UP_BY } from "./config_auth.ts";
import { isLoopback, OFF, type OptionValue } from "./config_kinds.ts";
import {
  CERTIFICATE_LISTENERS,
  ConfigError,
  type Effective,
  LISTENER_NAMES,
  type ListenerName,
} from "./config_schema.ts";
import { isReachedByOthers } from "./config_http.ts";

/** What each listener offers that does not offer all. */
export type Offers = Readonly<Partial<Record<ListenerName, Offer>>>;

type EffectiveOptions = ReadonlyMap<string, Effective>;

/** A list that somebody gave a listener. */
interface Given {
  readonly listener: ListenerName;
  readonly words: readonly OfferWord[];
  /** How a message about it begins: `Cannot use ["jwt"] for mqtt.port-methods from flag --mqtt-port-methods`. */
  readonly said: string;
}

export function offersOf(value: (name: string) => OptionValue | undefined): Offers {
  const offers: Partial<Record<ListenerName, Offer>> = {};
  for (const listener of LISTENER_NAMES) {
    const words = value(`${listener}-methods`) as readonly OfferWord[] | undefined;
    if (words) offers[listener] = new Set(words);
  }
  return offers;
}

/**
 * Refuses an offer that could not be kept: a slip there opens another door than was meant, or none. After
 * `settleIdentities`, which says what is set up.
 */
export function checkOffers(options: EffectiveOptions): void {
  const given = LISTENER_NAMES.flatMap((listener) => givenTo(options, listener));
  for (const each of given) {
    const problem = closedProblem(options, each) ??
      each.words.map((word) => wordProblem(options, each, word)).find(Boolean);
    if (problem !== undefined) throw new ConfigError(`${each.said}: ${problem}`);
  }
  checkSilent(options, given);
}

function givenTo(options: EffectiveOptions, listener: ListenerName): Given[] {
  const name = `${listener}-methods`;
  const { value, source } = options.get(name) ?? {};
  if (value === undefined) return [];
  const said = `Cannot use ${JSON.stringify(value)} for ${pathOf(name)} from ${source}`;
  return [{ listener, words: value as readonly OfferWord[], said }];
}

/** Whoever means another listener, such as the one with TLS, would leave that one open. */
function closedProblem(options: EffectiveOptions, { listener }: Given): string | undefined {
  if (isOpen(options, listener)) return undefined;
  return options.has(listener) ? is(options, listener) : `${pathOf(listener)} is not set`;
}

function wordProblem(options: EffectiveOptions, { listener }: Given, word: OfferWord): string | undefined {
  switch (word) {
    case ANONYMOUS:
      return options.get("auth-allow-anonymous")!.value === true
        ? undefined
        : `anonymous needs auth.allow-anonymous = true, and ${is(options, "auth-allow-anonymous")}`;
    case SCRAM:
      return listener.startsWith("http-") && options.get("http-websocket")!.value === false
        ? `scram is a method of MQTT, and ${is(options, "http-websocket")}`
        : setUpProblem(options, SCRAM, PASSWORD_FILE);
    case CERTIFICATE:
      if (!CERTIFICATE_LISTENERS.includes(listener)) {
        return `certificates are shown at ${CERTIFICATE_LISTENERS.map(pathOf).join(" and ")} only`;
      }
      return setUpProblem(options, CERTIFICATE, CERTIFICATE) ??
        (options.get("mqtt-client-certificates")!.value === OFF
          ? `nobody is asked for a certificate: ${is(options, "mqtt-client-certificates")}`
          : undefined);
    default:
      return setUpProblem(options, word, word);
  }
}

function setUpProblem(options: EffectiveOptions, word: OfferWord, method: MethodName): string | undefined {
  const ways = SET_UP_BY[method];
  if (ways.some((way) => options.has(way))) return undefined;
  return `${word} needs ${ways.map(pathOf).join(" or ")}, which is not set`;
}

/**
 * Whoever names `anonymous` at one listener means that one. The others would offer it too, unless they say something:
 * on an address that others reach, they must.
 */
function checkSilent(options: EffectiveOptions, given: readonly Given[]): void {
  const naming = given.find(({ words }) => words.includes(ANONYMOUS));
  if (!naming) return;
  const silent = LISTENER_NAMES.find((listener) =>
    isOpen(options, listener) && !isLocal(options, listener) && !options.has(`${listener}-methods`)
  );
  if (silent === undefined) return;
  throw new ConfigError(
    `${naming.said}: nobody needs a name at ${pathOf(silent)} either, and ${
      is(options, openedBy(options, silent))
    }; say ${pathOf(`${silent}-methods`)} as well`,
  );
}

function isOpen(options: EffectiveOptions, listener: ListenerName): boolean {
  const value = options.get(listener)?.value;
  return value !== undefined && value !== OFF;
}

/** Whom a proxy speaks for may be anywhere. */
function isLocal(options: EffectiveOptions, listener: ListenerName): boolean {
  const section = sectionOf(listener);
  const proxies = options.get(section === "http" ? "http-trusted-proxies" : "mqtt-proxy-protocol-from");
  return listener === "mqtt-unix-socket" || !isReachedByOthers({
    host: options.get(`${section}-host`)!.value as string,
    trustedProxies: (proxies?.value ?? []) as readonly string[],
  });
}

/** The option by which others reach the listener. */
function openedBy(options: EffectiveOptions, listener: ListenerName): string {
  const section = sectionOf(listener);
  const isOpenAddress = !isLoopback(options.get(`${section}-host`)!.value as string);
  if (isOpenAddress) return `${section}-host`;
  return section === "http" ? "http-trusted-proxies" : "mqtt-proxy-protocol-from";
}

/** `mqtt.port is "off" from flag --mqtt-port`. */
function is(options: EffectiveOptions, name: string): string {
  const { value, source = "its default" } = options.get(name)!;
  return `${pathOf(name)} is ${JSON.stringify(value)} from ${source}`;
}

function sectionOf(name: string): string {
  return name.slice(0, name.indexOf("-"));
}

function pathOf(name: string): string {
  return name.replace("-", ".");
}
