const SHARE = /^\$share\/[^/]+\//;

/**
 * Whether what the broker sends for the filter may have the topic. For a shared filter that is what its last part
 * matches. As `topic/name.ts`, which this library does not bring along.
 */
export function filterMatches(filter: string, topic: string): boolean {
  const wanted = filter.replace(SHARE, "").split("/");
  const levels = topic.split("/");
  if (topic.startsWith("$") && (wanted[0] === "#" || wanted[0] === "+")) return false; // [MQTT-4.7.2-1]
  for (const [index, want] of wanted.entries()) {
    if (want === "#") return true; // [MQTT-4.7.1-2]
    if (index === levels.length) return false;
    if (want !== "+" && want !== levels[index]) return false; // [MQTT-4.7.1-3]
  }
  return wanted.length === levels.length;
}
