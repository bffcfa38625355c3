/** Longest topic or filter in bytes of UTF-8: what a two-byte length can say. */
export const TOPIC_BYTES_MAX = 65_535;
/** Levels of a topic or filter unless the caller sets another bound. */
export const TOPIC_LEVELS_MAX = 200;

/** What is wrong with a topic or filter, and where. */
export interface TopicProblem {
  readonly code:
    | "empty"
    | "too-long"
    | "nul"
    | "not-utf8"
    | "wildcard"
    | "plus-not-alone"
    | "hash-not-alone" // [MQTT5-4.7.1-1]
    | "hash-not-last" // [MQTT5-4.7.1-1]
    | "too-many-levels"
    | "share-group"
    | "share-filter";
  /** Index of the UTF-16 unit at fault; 0 if the whole is. */
  readonly position: number;
  readonly message: string;
}

/** A shared subscription's two parts. */
export interface Share {
  readonly group: string;
  readonly filter: string;
}

/** A problem before it is put into words. */
interface Fault {
  readonly code: TopicProblem["code"];
  readonly position: number;
  readonly reason: string;
}

const SHARE_PREFIX = "$share/";
/** `$share` and the group: they stand before the filter and do not count as its levels. */
const SHARE_LEVELS = 2;
/** A message quotes no more of a name than this. */
const QUOTE_LENGTH_MAX = 80;

const NUL = 0x00;
const HASH = 0x23;
const DOLLAR = 0x24;
const PLUS = 0x2b;
const SLASH = 0x2f;

/** Finds the first problem of a topic, or nothing. */
export function checkTopic(topic: string, levelsMax = TOPIC_LEVELS_MAX): TopicProblem | undefined {
  const fault = scan("topic", topic, levelsMax);
  return fault && describe("topic", topic, fault);
}

/** Finds the first problem of a filter, shared (`$share/group/filter`) or not, or nothing. */
export function checkFilter(filter: string, levelsMax = TOPIC_LEVELS_MAX): TopicProblem | undefined {
  const fault = filter.startsWith(SHARE_PREFIX)
    ? checkShare(filter) ?? scan("filter", filter, levelsMax + SHARE_LEVELS)
    : scan("filter", filter, levelsMax);
  return fault && describe("filter", filter, fault);
}

/**
 * Takes a shared subscription apart; undefined if the filter is not shared.
 *
 * @param filter one that `checkFilter` accepts: a malformed share throws, so that it is never taken for a plain filter
 */
export function parseShare(filter: string): Share | undefined {
  if (!filter.startsWith(SHARE_PREFIX)) return undefined;
  const fault = checkShare(filter);
  if (fault !== undefined) throw new Error(describe("filter", filter, fault).message);
  const end = filter.indexOf("/", SHARE_PREFIX.length);
  return { group: filter.slice(SHARE_PREFIX.length, end), filter: filter.slice(end + 1) };
}

/** Whether the filter is that of a shared subscription. */
export function isShared(filter: string): boolean {
  return filter.startsWith(SHARE_PREFIX);
}

/** Whether the topic is the server's own kind, which wildcards at the root never reach. */
export function isReserved(topic: string): boolean {
  return topic.charCodeAt(0) === DOLLAR;
}

/** Whether a valid filter has wildcards; one without matches exactly the topic of the same characters. */
export function hasWildcards(filter: string): boolean {
  return filter.includes("+") || filter.includes("#");
}

/** Whether a valid filter matches a valid topic. The trees are tested against this. */
export function matches(filter: string, topic: string): boolean {
  const wanted = filter.split("/"); // Empty levels are levels, and no character is changed [MQTT-4.7.3-4]
  const levels = topic.split("/");
  if (isReserved(topic) && (wanted[0] === "#" || wanted[0] === "+")) return false; // [MQTT-4.7.2-1] [MQTT5-4.7.2-1]
  for (const [index, want] of wanted.entries()) {
    if (want === "#") return true; // Also with no level left: a/# matches a [MQTT-4.7.1-2]
    if (index === levels.length) return false;
    if (want !== "+" && want !== levels[index]) return false; // [MQTT-4.7.1-3]
  }
  return wanted.length === levels.length;
}

/** Looks at the share only; the filter in it is left to `scan`. */
function checkShare(filter: string): Fault | undefined {
  const start = SHARE_PREFIX.length;
  const slash = filter.indexOf("/", start);
  const end = slash === -1 ? filter.length : slash;
  if (end === start) return { code: "share-group", position: start, reason: "the share group is empty" }; // [MQTT5-4.8.2-1]
  for (let index = start; index < end; index++) {
    const unit = filter.charCodeAt(index);
    if (unit !== PLUS && unit !== HASH) continue;
    return { code: "share-group", position: index, reason: "a share group has no wildcards" }; // [MQTT5-4.8.2-2]
  }
  // A share of a share would match nothing, as nobody publishes to $share, and would be parsed twice.
  const isNested = filter.startsWith(SHARE_PREFIX, end + 1);
  if (end + 1 >= filter.length || isNested) { // [MQTT5-4.8.2-2]
    return { code: "share-filter", position: end, reason: "a filter must follow the share group" };
  }
  return undefined;
}

/** One pass over the UTF-16 units; whatever is wrong first is the problem. */
function scan(kind: "topic" | "filter", name: string, levelsMax: number): Fault | undefined {
  if (name.length === 0) return { code: "empty", position: 0, reason: "it has no characters" }; // [MQTT-4.7.3-1] [MQTT5-4.7.3-1]
  let bytes = 0;
  let levels = 1;
  for (let index = 0; index < name.length; index++) {
    const unit = name.charCodeAt(index);
    const start = index;
    if (unit < 0x80) {
      bytes++;
    } else if (unit < 0x800) {
      bytes += 2;
    } else if (unit < 0xd800 || unit > 0xdfff) {
      bytes += 3;
    } else {
      if (!isPair(unit, name.charCodeAt(index + 1))) {
        return { code: "not-utf8", position: index, reason: "it has half of a surrogate pair" }; // [MQTT-1.5.3-1] [MQTT5-1.5.4-1]
      }
      bytes += 4;
      index++;
    }
    if (bytes > TOPIC_BYTES_MAX) { // [MQTT-4.7.3-3] [MQTT5-4.7.3-3]
      return { code: "too-long", position: start, reason: `it has more than ${TOPIC_BYTES_MAX} bytes` };
    }
    if (unit > SLASH) continue;
    if (unit === SLASH && ++levels > levelsMax) {
      return { code: "too-many-levels", position: index, reason: `it has more than ${levelsMax} levels` };
    }
    if (unit === NUL) return { code: "nul", position: index, reason: "it has the character U+0000" }; // [MQTT-4.7.3-2] [MQTT5-4.7.3-2]
    if (unit === PLUS || unit === HASH) {
      if (kind === "topic") {
        return { code: "wildcard", position: index, reason: "wildcards are only allowed in filters" }; // [MQTT-4.7.1-1] [MQTT5-3.3.2-2] [MQTT5-4.7.0-1]
      }
      const found = checkWildcard(name, index);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function checkWildcard(filter: string, index: number): Fault | undefined {
  const begins = index === 0 || filter.charCodeAt(index - 1) === SLASH;
  const isLast = index === filter.length - 1;
  const isAlone = begins && (isLast || filter.charCodeAt(index + 1) === SLASH);
  if (filter.charCodeAt(index) === PLUS) { // [MQTT-4.7.1-3] [MQTT5-4.7.1-2]
    return isAlone
      ? undefined
      : { code: "plus-not-alone", position: index, reason: "+ must fill a whole level" };
  }
  if (!isAlone) return { code: "hash-not-alone", position: index, reason: "# must fill a whole level" }; // [MQTT-4.7.1-2] [MQTT5-4.7.1-1]
  if (!isLast) return { code: "hash-not-last", position: index, reason: "# must be the last level" }; // [MQTT-4.7.1-2] [MQTT5-4.7.1-1]
  return undefined;
}

/** `charCodeAt` past the end is NaN, which is no low half. */
function isPair(high: number, low: number): boolean {
  return high <= 0xdbff && low >= 0xdc00 && low <= 0xdfff;
}

function describe(kind: "topic" | "filter", name: string, { code, position, reason }: Fault): TopicProblem {
  return { code, position, message: `Cannot use ${kind} ${quote(name)}: ${reason}` };
}

/** JSON escapes what would break a line of a log: control characters and half surrogates. */
function quote(name: string): string {
  return name.length <= QUOTE_LENGTH_MAX
    ? JSON.stringify(name)
    : JSON.stringify(name.slice(0, QUOTE_LENGTH_MAX)) + "...";
}
