import { checkFilter, checkTopic, hasWildcards, type TopicProblem } from "../broker/mod.ts";
import { Problem } from "./middleware/problem.ts";
import type { Parameters } from "./parameters.ts";
import { pathTail, percentDecode, type RawUrl } from "./raw_url.ts";

const TOPIC_NAME_INVALID = 0x90;
const TOPIC_FILTER_INVALID = 0x8f;

/** The one topic that the URL names, in its path or as `?topic=`. */
export function readTopic(url: RawUrl, parameters: Parameters, levelsMax: number): string {
  const topic = readName(url, parameters, "topic");
  if (topic === undefined) throw emptyTopic();
  return requireTopic(topic, levelsMax);
}

/** The filters that the URL names, in its path or as `?filter=`, each once and in order. */
export function readFilters(url: RawUrl, parameters: Parameters, levelsMax: number): string[] {
  const names = parameters.has("topic")
    ? [readName(url, parameters, "topic")!]
    : readFilterNames(url, parameters);
  const deep = parameters.flag("deep");
  const filters = names.map((name) => deep ? deepen(name) : name);
  if (filters.length === 0) {
    if (!deep) throw emptyTopic(url.path.startsWith("/stream") ? "filter" : "topic");
    filters.push("#");
  }
  for (const filter of filters) requireFilter(filter, levelsMax);
  return [...new Set(filters)];
}

/** What a reader of the answer should know about the filters. */
export function filterWarnings(filters: readonly string[]): string[] {
  return filters.some((filter) => filter.endsWith("/"))
    ? ["filter ends in '/': did the shell or URL drop '#'? write %23"]
    : [];
}

/** Throws the problem of a topic that is not valid. */
export function requireTopic(topic: string, levelsMax: number, param = "topic"): string {
  const problem = checkTopic(topic, levelsMax);
  if (!problem) return topic;
  const { code, message, position } = problem;
  if (code === "empty") throw emptyTopic(param);
  throw new Problem(code === "wildcard" ? "wildcard-in-topic" : "invalid-topic", message, {
    param,
    position,
    mqttReasonCode: TOPIC_NAME_INVALID,
    ...(code === "wildcard" ? { hint: "name one topic; wildcards are for reading" } : {}),
    limit: limitOf(problem),
  });
}

/** The path, or with dot levels the query, under which the filter or topic is found below `/topics`. */
export function topicsUrl(filter: string, parameters: readonly (readonly [string, string])[]): string {
  const levels = filter.split("/");
  const hasDots = levels.some((level) => level === "." || level === "..");
  const path = hasDots ? "/topics" : `/topics/${levels.map(encodeURIComponent).join("/")}`;
  const all = hasDots ? [["filter", filter] as const, ...parameters] : parameters;
  const query = all.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
  return query === "" ? path : `${path}?${query}`;
}

/** Levels of a path are literal: `+` is `+` there, and `%2F` is the same as `/`. */
function readPath(url: RawUrl, param: "topic" | "filter"): string | undefined {
  const tail = pathTail(url.path);
  if (tail === "") return undefined;
  const name = percentDecode(tail, param);
  if (!name.includes(".")) return name;
  for (const level of name.split("/")) {
    if (level !== "." && level !== "..") continue;
    throw new Problem("ambiguous-path", `Cannot take the level "${level}" in a path`, {
      param,
      // Of a filter, GET would answer the list instead of the value.
      hint: `write ?${hasWildcards(name) ? param : "topic"}=${encodeURIComponent(name)} instead`,
    });
  }
  return name;
}

function readName(url: RawUrl, parameters: Parameters, param: "topic" | "filter"): string | undefined {
  const inPath = readPath(url, param);
  const [raw] = parameters.rawAll(param);
  if (raw === undefined) return inPath;
  if (inPath !== undefined) throw givenTwice(param);
  if (param === "filter") return decodeFilter(raw);
  if (raw.split("/").includes("+")) {
    throw new Problem("wildcard-in-topic", "Cannot take + as a level of a topic", {
      param,
      hint: "a space is %20, a wildcard belongs in ?filter=",
    });
  }
  return percentDecode(raw.replaceAll("+", " "), param);
}

function readFilterNames(url: RawUrl, parameters: Parameters): string[] {
  const inPath = readPath(url, "filter");
  const inQuery = parameters.rawAll("filter").map(decodeFilter);
  if (inPath === undefined) return inQuery;
  if (inQuery.length > 0) throw givenTwice("filter");
  return [inPath];
}

/** A level that is exactly a raw `+` is the wildcard, any other raw `+` is a space; so every way to write it works. */
function decodeFilter(raw: string): string {
  const levels = raw.split("/").map((level) => level === "+" ? "%2B" : level.replaceAll("+", " "));
  return percentDecode(levels.join("/"), "filter");
}

function deepen(filter: string): string {
  return filter.endsWith("/") ? `${filter}#` : `${filter}/#`;
}

/** Throws the problem of a filter that is not valid. */
export function requireFilter(filter: string, levelsMax: number): void {
  const problem = checkFilter(filter, levelsMax);
  if (problem) throw filterProblem(problem);
}

function filterProblem(problem: TopicProblem): Problem {
  const { code, message, position } = problem;
  if (code === "empty") return emptyTopic("filter");
  return new Problem("invalid-filter", message, {
    param: "filter",
    position,
    mqttReasonCode: TOPIC_FILTER_INVALID,
    limit: limitOf(problem),
  });
}

function limitOf({ code }: TopicProblem): "topicLevelsMax" | undefined {
  return code === "too-many-levels" ? "topicLevelsMax" : undefined;
}

function emptyTopic(param = "topic"): Problem {
  return new Problem("empty-topic", `There is no ${param} in the URL`, {
    param,
    mqttReasonCode: param === "filter" ? TOPIC_FILTER_INVALID : TOPIC_NAME_INVALID,
    hint: "write it in the path, as in /topics/home/lamp, or as ?topic= or ?filter=",
  });
}

function givenTwice(param: string): Problem {
  return new Problem("ambiguous-topic", `Cannot take a ${param} in the path and as a parameter`, { param });
}
