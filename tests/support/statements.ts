/**
 * The normative statements of MQTT 3.1.1 that a server can keep or break: those that bind a server, and those that bind
 * a client where a server can tell. By section and number: `"3.1.2": [1, 2]` are MQTT-3.1.2-1 and MQTT-3.1.2-2.
 */
const BY_SECTION: Readonly<Record<string, readonly number[]>> = {
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
  "7.1.1": [1],
};

/** Every statement that must have its tag in the code, on the line that fulfils it, and in the name of a test. */
export const STATEMENTS: readonly string[] = Object.entries(BY_SECTION).flatMap(([section, numbers]) =>
  numbers.map((number) => `MQTT-${section}-${number}`)
);

/** Statements that only a client can keep, or break. */
export const CLIENT_STATEMENTS: readonly string[] = [
  "MQTT-2.3.1-2",
  "MQTT-2.3.1-3",
  "MQTT-3.1.2-23",
  "MQTT-4.5.0-2",
  "MQTT-7.1.2-1",
];

const WEBSOCKET = "There is no WebSocket listener yet";

/** Statements that bind a server and say nothing of this one, and why. */
export const NOT_APPLICABLE: Readonly<Record<string, string>> = {
  "MQTT-6.0.0-1": WEBSOCKET,
  "MQTT-6.0.0-2": WEBSOCKET,
  "MQTT-6.0.0-3": WEBSOCKET,
  "MQTT-6.0.0-4": WEBSOCKET,
  "MQTT-7.0.0-1": "This server connects to no other server",
  "MQTT-7.0.0-2": "No single line keeps it: tests/interop connects the clients of others",
};
