const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];
const DAY_MS = 86_400_000;

/** The conversions of strftime(3) in the C locale and in local time, by their letter. */
const CONVERSIONS: Readonly<Record<string, (date: Date) => string>> = {
  a: (date) => DAYS[date.getDay()]!.slice(0, 3),
  A: (date) => DAYS[date.getDay()]!,
  b: (date) => MONTHS[date.getMonth()]!.slice(0, 3),
  B: (date) => MONTHS[date.getMonth()]!,
  c: (date) => expand("abeTY", " ", date),
  C: (date) => pad(Math.floor(date.getFullYear() / 100), 2),
  d: (date) => pad(date.getDate(), 2),
  D: (date) => expand("mdy", "/", date),
  e: (date) => pad(date.getDate(), 2, " "),
  F: (date) => expand("Ymd", "-", date),
  h: (date) => convert("b", date),
  H: (date) => pad(date.getHours(), 2),
  I: (date) => pad(hour12(date), 2),
  j: (date) => pad(dayOfYear(date) + 1, 3),
  k: (date) => pad(date.getHours(), 2, " "),
  l: (date) => pad(hour12(date), 2, " "),
  m: (date) => pad(date.getMonth() + 1, 2),
  M: (date) => pad(date.getMinutes(), 2),
  n: () => "\n",
  N: (date) => `${pad(date.getMilliseconds(), 3)}000000`,
  p: (date) => date.getHours() < 12 ? "AM" : "PM",
  P: (date) => date.getHours() < 12 ? "am" : "pm",
  r: (date) => `${expand("IMS", ":", date)} ${convert("p", date)}`,
  R: (date) => expand("HM", ":", date),
  s: (date) => String(Math.floor(date.getTime() / 1000)),
  S: (date) => pad(date.getSeconds(), 2),
  t: () => "\t",
  T: (date) => expand("HMS", ":", date),
  u: (date) => String(date.getDay() || 7),
  U: (date) => pad(weekOfYear(date, date.getDay()), 2),
  w: (date) => String(date.getDay()),
  W: (date) => pad(weekOfYear(date, (date.getDay() + 6) % 7), 2),
  x: (date) => convert("D", date),
  X: (date) => convert("T", date),
  y: (date) => pad(date.getFullYear() % 100, 2),
  Y: (date) => String(date.getFullYear()),
  z: (date) => offset(-date.getTimezoneOffset()),
};

/** Whether there is such a conversion. */
export function isConversion(letter: string): boolean {
  return Object.hasOwn(CONVERSIONS, letter);
}

/** What `%` and the letter stand for in strftime(3); `N` are the nanoseconds of mosquitto_sub and date(1). */
export function convert(letter: string, date: Date): string {
  return CONVERSIONS[letter]!(date);
}

function expand(letters: string, separator: string, date: Date): string {
  return [...letters].map((letter) => convert(letter, date)).join(separator);
}

function pad(value: number, width: number, filler = "0"): string {
  return String(value).padStart(width, filler);
}

function hour12(date: Date): number {
  return date.getHours() % 12 || 12;
}

/** From 0 on; in days of the calendar, of which some have 23 or 25 hours. */
function dayOfYear(date: Date): number {
  const today = Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  return (today - Date.UTC(date.getFullYear(), 0, 1)) / DAY_MS;
}

/** @param dayOfWeek from 0 on, for the day that weeks begin with */
function weekOfYear(date: Date, dayOfWeek: number): number {
  return Math.floor((dayOfYear(date) + 7 - dayOfWeek) / 7);
}

function offset(minutes: number): string {
  const [sign, rest] = minutes < 0 ? ["-", -minutes] : ["+", minutes];
  return `${sign}${pad(Math.floor(rest / 60), 2)}${pad(rest % 60, 2)}`;
}
