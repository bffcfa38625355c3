/** A version of the standard, and what becomes of each of its normative statements. */
export interface Standard {
  readonly name: string;
  /** Every statement that must have its tag in the code, on the line that fulfils it, and in the name of a test. */
  readonly kept: readonly string[];
  /** Statements that only a client can keep, or break. */
  readonly clientOnly: readonly string[];
  /** Statements that bind a server and say nothing of this one, and why. */
  readonly notApplicable: Readonly<Record<string, string>>;
}

/**
 * The statements of MQTT 3.1.1 that a server can keep or break: those that bind a server, and those that bind a client
 * where a server can tell. By section and number: `"3.1.2": [1, 2]` are MQTT-3.1.2-1 and MQTT-3.1.2-2.
 */
const KEPT_OF_3: Readonly<Record<string, readonly number[]>> = {
  "1.5.3": [1, 2, 3],
  "2.2.2": [1, 2],
  "2.3.1": [1, 4, 5, 6, 7],
  "3.1.0": [1, 2],
  "3.1.2": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 24],
  "3.1.3": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
  "3.1.4": [1, 2, 3, 4, 5],
  "3.2.0": [1],
  "3.2.2": [1, 2, 3, 4, 5, 6],
  "3.3.1": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
  "3.3.2": [1, 2, 3],
  "3.3.4": [1],
  "3.3.5": [1, 2],
  "3.6.1": [1],
  "3.8.1": [1],
  "3.8.3": [1, 2, 3, 4],
  "3.8.4": [1, 2, 3, 4, 5, 6],
  "3.9.3": [1, 2],
  "3.10.1": [1],
  "3.10.3": [1, 2],
  "3.10.4": [1, 2, 3, 4, 5, 6],
  "3.12.4": [1],
  "3.14.1": [1],
  "3.14.4": [1, 2, 3],
  "4.1.0": [1, 2],
  "4.3.1": [1],
  "4.3.2": [1, 2],
  "4.3.3": [1, 2],
  "4.4.0": [1],
  "4.5.0": [1],
  "4.6.0": [1, 2, 3, 4, 5, 6],
  "4.7.1": [1, 2, 3],
  "4.7.2": [1],
  "4.7.3": [1, 2, 3, 4],
  "4.8.0": [1, 2],
  "6.0.0": [1, 2, 3, 4],
  "7.1.1": [1],
};

const MQTT_3: Standard = {
  name: "MQTT 3.1.1",
  kept: Object.entries(KEPT_OF_3).flatMap(([section, numbers]) =>
    numbers.map((number) => `MQTT-${section}-${number}`)
  ),
  clientOnly: ["MQTT-2.3.1-2", "MQTT-2.3.1-3", "MQTT-3.1.2-23", "MQTT-4.5.0-2", "MQTT-7.1.2-1"],
  notApplicable: {
    "MQTT-7.0.0-1": "This server connects to no other server",
    "MQTT-7.0.0-2": "No single line keeps it: tests/interop connects the clients of others",
  },
};

/** All 251 statements of MQTT 5.0: by section, the first and the last number. None is left out between them. */
const ALL_OF_5: Readonly<Record<string, readonly [first: number, last: number]>> = {
  "1.5.4": [1, 3],
  "1.5.5": [1, 1],
  "1.5.7": [1, 1],
  "2.1.3": [1, 1],
  "2.2.1": [2, 6],
  "2.2.2": [1, 1],
  "3.1.0": [1, 2],
  "3.1.2": [1, 30],
  "3.1.3": [1, 12],
  "3.1.4": [1, 6],
  "3.2.0": [1, 2],
  "3.2.2": [1, 22],
  "3.3.1": [1, 13],
  "3.3.2": [1, 20],
  "3.3.4": [1, 10],
  "3.4.2": [1, 3],
  "3.5.2": [1, 3],
  "3.6.1": [1, 1],
  "3.6.2": [1, 3],
  "3.7.2": [1, 3],
  "3.8.1": [1, 1],
  "3.8.3": [1, 5],
  "3.8.4": [1, 8],
  "3.9.2": [1, 2],
  "3.9.3": [1, 2],
  "3.10.1": [1, 1],
  "3.10.3": [1, 2],
  "3.10.4": [1, 6],
  "3.11.2": [1, 2],
  "3.11.3": [1, 2],
  "3.12.4": [1, 1],
  "3.14.0": [1, 1],
  "3.14.1": [1, 1],
  "3.14.2": [1, 4],
  "3.14.4": [1, 3],
  "3.15.1": [1, 1],
  "3.15.2": [1, 3],
  "4.1.0": [1, 2],
  "4.2.0": [1, 1],
  "4.3.1": [1, 1],
  "4.3.2": [1, 5],
  "4.3.3": [1, 13],
  "4.4.0": [1, 2],
  "4.5.0": [1, 2],
  "4.6.0": [1, 6],
  "4.7.0": [1, 1],
  "4.7.1": [1, 2],
  "4.7.2": [1, 1],
  "4.7.3": [1, 4],
  "4.8.2": [1, 6],
  "4.9.0": [1, 3],
  "4.12.0": [1, 7],
  "4.12.1": [1, 2],
  "4.13.1": [1, 1],
  "4.13.2": [1, 1],
  "6.0.0": [1, 4],
};

const CLIENT_ONLY_OF_5: readonly string[] = [
  "MQTT5-3.1.2-20",
  "MQTT5-3.1.2-21",
  "MQTT5-3.2.2-4",
  "MQTT5-3.2.2-5",
  "MQTT5-3.2.2-21",
  "MQTT5-3.3.2-10",
  "MQTT5-3.3.4-8",
  "MQTT5-4.5.0-2",
];

const USER_PROPERTIES = "This server adds no User Properties of its own to any packet";

const RELEASE_REASONS = "This server adds no Reason String to PUBREL and PUBCOMP: 0x92 says it all";

const NOT_APPLICABLE_OF_5: Readonly<Record<string, string>> = {
  "MQTT5-3.2.2-20": USER_PROPERTIES,
  "MQTT5-3.4.2-3": USER_PROPERTIES,
  "MQTT5-3.5.2-3": USER_PROPERTIES,
  "MQTT5-3.6.2-2": RELEASE_REASONS,
  "MQTT5-3.6.2-3": USER_PROPERTIES,
  "MQTT5-3.7.2-2": RELEASE_REASONS,
  "MQTT5-3.7.2-3": USER_PROPERTIES,
  "MQTT5-3.9.2-2": USER_PROPERTIES,
  "MQTT5-3.11.2-1": "This server adds no Reason String to UNSUBACK: it refuses none",
  "MQTT5-3.11.2-2": USER_PROPERTIES,
  "MQTT5-3.14.2-4": USER_PROPERTIES,
  "MQTT5-3.15.2-2": "This server adds no Reason String to AUTH",
  "MQTT5-3.15.2-3": USER_PROPERTIES,
};

const MQTT_5: Standard = {
  name: "MQTT 5.0",
  kept: Object.entries(ALL_OF_5)
    .flatMap(([section, [first, last]]) =>
      Array.from({ length: last - first + 1 }, (_, index) => `MQTT5-${section}-${first + index}`)
    )
    .filter((statement) => !CLIENT_ONLY_OF_5.includes(statement) && !(statement in NOT_APPLICABLE_OF_5)),
  clientOnly: CLIENT_ONLY_OF_5,
  notApplicable: NOT_APPLICABLE_OF_5,
};

export const STANDARDS: readonly Standard[] = [MQTT_3, MQTT_5];
