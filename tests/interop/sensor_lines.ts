import { Random } from "../topic/random_names.ts";

/** One reading: `home/küche/temperature 21.4`. */
export interface SensorLine {
  readonly topic: string;
  readonly payload: string;
  /** Both, as they stand in the file. */
  readonly text: string;
}

interface Sensor {
  readonly topic: string;
  /** The next reading. */
  read(random: Random, second: number): string;
}

const ROOMS = ["kitchen", "küche", "salón", "bath", "hall", "温室", "attic room", "garage"];

/** A file of readings as a house with a greenhouse makes them: some 40 sensors, each at its own pace. */
export function makeSensorLines(count: number, seed: number): SensorLine[] {
  const random = new Random(seed);
  const sensors = ROOMS.flatMap((room) => sensorsOf(room));
  return Array.from({ length: count }, (_, second) => {
    const { topic, read } = random.pick(sensors);
    const payload = read(random, second);
    return { topic, payload, text: `${topic} ${payload}` };
  });
}

function sensorsOf(room: string): Sensor[] {
  return [
    { topic: `home/${room}/temperature`, read: walk(21.4, 0.1) },
    { topic: `home/${room}/humidity`, read: walk(48, 1) },
    { topic: `home/${room}/co2`, read: walk(650, 10) },
    { topic: `home/${room}/motion`, read: (random) => random.pick(["on", "off", "OFF — ¿batería?"]) },
    { topic: `home/${room}/climate`, read: climate(walk(21.4, 0.1)) },
  ];
}

/** A value that goes up and down by small steps. */
function walk(start: number, step: number): Sensor["read"] {
  let value = start;
  return (random) => {
    value += (random.below(5) - 2) * step;
    return value.toFixed(step < 1 ? 1 : 0);
  };
}

function climate(read: Sensor["read"]): Sensor["read"] {
  return (random, second) => {
    const time = new Date(Date.UTC(2026, 10, 22) + second * 1_000).toISOString();
    const note = random.pick(['"eco"', '"a \\"quoted\\" mode"', "null", '"C:\\\\new"']);
    return `{"time":"${time}","temperature":${read(random, second)},"unit":"°C","mode":${note}}`;
  };
}
