/** An attack that is on record, and under what name; each name stands in brackets in the name of a test. */
export interface Attack {
  readonly what: string;
  /** Of advisories, or of an issue where there is none. */
  readonly names: readonly string[];
}

/** Attacks that broke other brokers. */
export const ATTACKS: readonly Attack[] = [
  { what: "Huge Remaining Length before CONNECT", names: ["CVE-2017-7651", "CVE-2023-0809"] },
  { what: "Remaining Length beyond the bytes that come", names: ["CVE-2026-25627"] },
  { what: "Length of five bytes", names: ["CVE-2026-21888"] },
  { what: "Crafted input eats memory", names: ["CVE-2021-33175", "CVE-2021-22116", "CVE-2021-33176"] },
  { what: "CONNECT flood, half-open after refusal", names: ["CVE-2025-56352"] },
  { what: "Frozen reader blocks all", names: ["aedes #1060"] },
  { what: "Keep-alive of 0, slowloris", names: ["CVE-2020-13849"] },
  { what: "Deep topics", names: ["GHSA-xxqp-5qx8-gj5q", "CVE-2026-95844"] },
  {
    what: "Uncaught exception ends the process",
    names: ["CVE-2026-95842", "CVE-2019-5432", "CVE-2016-10523"],
  },
  { what: "Malformed $share", names: ["CVE-2026-95843"] },
  { what: "Topic that begins with $", names: ["CVE-2018-12543"] },
  { what: "Topic of no characters, invalid UTF-8, U+0000", names: ["CVE-2021-34432", "CVE-2017-7653"] },
  { what: "Packet that only servers send", names: ["CVE-2021-28166"] },
  { what: "Properties that a packet must not have", names: ["vernemq #1883"] },
  { what: "Thousands of user properties", names: ["mosquitto 2.0.12"] },
  { what: "QoS 2 identifiers never released, or twice", names: ["CVE-2023-28366", "rmqtt #456"] },
  { what: "Will with bad properties", names: ["CVE-2023-3592"] },
  { what: "Will without the right to it", names: ["CVE-2026-95846"] },
  { what: "Retained message outlives a right", names: ["CVE-2018-12546"] },
  { what: "Replay goes round deny rules", names: ["CVE-2026-58209"] },
  { what: "Hole in the names of rules", names: ["CVE-2026-33217", "CVE-2026-58214"] },
  { what: "Subscription survives its right", names: ["CVE-2021-34434"] },
  { what: "Name as a pattern", names: ["CVE-2017-7650", "CVE-2026-44838"] },
  { what: "Another's client identifier", names: ["CVE-2026-95847", "sol #17"] },
  { what: "Take-over and subscribing at once", names: ["CVE-2025-59946", "CVE-2026-22040"] },
  {
    what: "Authentication fails open",
    names: ["CVE-2018-12550", "CVE-2018-12551", "CVE-2017-7652", "CVE-2026-95848"],
  },
  { what: "HTTP without credentials", names: ["CVE-2026-32696"] },
  { what: "Unbounded offline queues", names: ["CVE-2026-95845"] },
  { what: "Passwords in what can be seen", names: ["CVE-2026-33216", "CVE-2017-9868"] },
  { what: "Forged address of a client", names: ["EMQX 6.3"] },
  { what: "Way out of a path", names: ["EMQX 6.0.3"] },
  { what: "Division by zero with odd options", names: ["CVE-2026-42209"] },
  { what: "Default credentials", names: ["EMQX public"] },
];
