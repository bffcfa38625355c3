/**
 * Who may import whom. A key is a file, or a folder with all below it; the longest that fits counts. An entry names a
 * folder, a file or a library; `type` before it allows its types only. A folder may always import from itself.
 */
export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  "broker/packet/": [],
  "broker/topic/": [],
  "broker/transport/": [
    "broker/core/limits.ts",
    "broker/core/errors.ts",
    "broker/core/clock.ts",
    "broker/core/ip_address.ts",
    "type broker/core/byte_budget.ts",
    // Deno's own TLS asks no client for a certificate.
    "node:crypto",
    "node:stream",
    "node:tls",
  ],
  // Counters are plain numbers that the router counts in; it sees their shape only.
  "broker/core/": ["broker/packet/", "broker/topic/", "type broker/metrics/counters.ts"],
  // It counts what it did, loads jose only where there are tokens, and hashes where WebCrypto cannot.
  "broker/auth/": [
    "broker/core/",
    "broker/topic/",
    "type broker/packet/",
    "type broker/metrics/counters.ts",
    "type jose",
    "node:crypto",
  ],
  // The file of rules is TOML, as the options are.
  "broker/auth/toml_lines.ts": ["@std/"],
  "broker/auth/rules_file.ts": ["broker/auth/", "broker/core/", "broker/topic/", "@std/"],
  // Its records travel as bytes, and properties are kept as the packets have them.
  "broker/store/": ["broker/core/", "broker/topic/", "broker/packet/", "node:sqlite"],
  "broker/cluster/": ["broker/core/", "broker/topic/", "type broker/packet/"],
  "broker/metrics/": ["broker/core/", "broker/topic/", "type broker/packet/"],
  // It publishes what it counts, through the broker that it is given.
  "broker/metrics/sys_topics.ts": [
    "broker/core/",
    "broker/topic/",
    "type broker/packet/",
    "type broker/broker.ts",
  ],
  "broker/session/": [
    "broker/core/",
    "broker/packet/",
    "broker/topic/",
    "type broker/store/journal.ts",
    "type broker/metrics/counters.ts",
  ],
  // It puts back what the store has kept, wherever that belongs.
  "broker/restoration.ts": [
    "broker/core/",
    "broker/packet/",
    "broker/session/",
    "broker/store/store.ts",
    "type broker/store/",
    "broker/topic/",
  ],
  "broker/retained_messages.ts": ["broker/core/", "type broker/session/"],
  "broker/broker.ts": [
    "broker/restoration.ts",
    "broker/retained_messages.ts",
    "broker/auth/",
    "broker/cluster/",
    "broker/core/",
    "broker/metrics/",
    "broker/packet/",
    "broker/session/",
    "broker/store/",
    "broker/topic/",
  ],
  "broker/connection/": [
    "broker/broker.ts",
    "broker/session/",
    "broker/core/",
    "broker/packet/",
    "broker/topic/",
    "broker/transport/",
    "type broker/auth/",
  ],
  // It makes what all connections share, and owns the clockwork of `$SYS`.
  "broker/server.ts": [
    "broker/connection/",
    "broker/transport/",
    "broker/broker.ts",
    "type broker/auth/",
    "broker/config.ts",
    "broker/core/",
    "broker/packet/",
    "broker/metrics/",
  ],
  "broker/config.ts": [
    "broker/config_auth.ts",
    "broker/config_checks.ts",
    "broker/config_file.ts",
    "broker/config_offers.ts",
    "broker/config_kinds.ts",
    "broker/config_schema.ts",
    "broker/config_http.ts",
    "broker/core/",
    "@std/",
  ],
  "broker/config_http.ts": ["broker/config_kinds.ts"],
  "broker/config_checks.ts": ["type broker/config_kinds.ts", "type broker/config_schema.ts"],
  // What the parser of TOML overlooks, it overlooks in the options as in the rules.
  "broker/config_file.ts": ["broker/auth/toml_lines.ts", "broker/config_schema.ts", "@std/"],
  "broker/config_kinds.ts": ["broker/core/ip_address.ts", "broker/topic/"],
  "broker/config_auth.ts": [
    "broker/config_kinds.ts",
    "broker/config_schema.ts",
    "broker/auth/method_names.ts",
  ],
  "broker/config_offers.ts": [
    "broker/config_auth.ts",
    "broker/config_kinds.ts",
    "broker/config_schema.ts",
    "broker/config_http.ts",
    "broker/auth/method_names.ts",
    "type broker/auth/offer.ts",
  ],
  "broker/config_schema.ts": [
    "broker/auth/method_names.ts",
    "broker/auth/token_algorithms.ts",
    "broker/config_kinds.ts",
    "broker/core/",
  ],
  "broker/client/": [
    "broker/packet/",
    "broker/transport/",
    "broker/core/limits.ts",
    "broker/core/errors.ts",
    "broker/core/clock.ts",
    "broker/core/byte_budget.ts",
    "broker/core/topic_alias.ts",
    "broker/topic/",
  ],
  // It writes the password file, and reads it for the broker.
  "broker/cli/": [
    "broker/auth/",
    // Commands that look after the data of a broker, whether it runs or not.
    "broker/store/backup.ts",
    "broker/store/data_check.ts",
    "broker/client/",
    "type broker/broker.ts",
    "broker/config.ts",
    "type broker/config_auth.ts",
    "broker/config_kinds.ts",
    "broker/config_schema.ts",
    "broker/config_http.ts",
    "jose",
    "broker/topic/",
    "type broker/packet/",
    // It opens what the options say, and reads certificates again.
    "broker/transport/",
    "broker/core/clock.ts",
    "broker/core/descriptor_reserve.ts",
    "broker/core/ip_address.ts",
    "type broker/core/",
    "@std/",
  ],
  "broker/mod.ts": [
    "broker/broker.ts",
    "type broker/retained_messages.ts",
    "broker/core/",
    "broker/topic/",
    "broker/auth/failure_limiter.ts",
    "broker/auth/offer.ts",
    "type broker/auth/",
    // A token for a stream narrows what somebody may do by the same rule as any other.
    "broker/auth/rights.ts",
    "type broker/packet/",
    "type broker/transport/transport.ts",
    // A request to the bridge may make a WebSocket of its link.
    "broker/transport/websocket.ts",
    "broker/transport/websocket_handshake.ts",
    "broker/store/store.ts",
    "type broker/store/",
  ],
  "broker/std.d.ts": [],
  "bridge/": ["broker/mod.ts", "hono", "@std/"],
  // The composition root: the only file that knows both sides.
  "main.ts": [
    "bridge/mod.ts",
    "broker/mod.ts",
    "broker/server.ts",
    "broker/config.ts",
    "broker/config_schema.ts",
    "broker/store/stores.ts",
    "broker/transport/",
    "broker/cli/",
    "broker/client/",
    "@std/",
    "deno.json",
  ],
};

/** Folders that outsiders enter by their `mod.ts` only. */
export const DOORS = ["broker/", "broker/packet/", "bridge/"];

/** Whoever may go past a door, as `MAY_IMPORT` has it: it puts the parts together. */
export const COMPOSITION_ROOT = "main.ts";

/** Types that may be named without going through the door: they cost nothing and nothing hides in them. */
export const OPEN_TYPES = ["broker/packet/types.ts"];
