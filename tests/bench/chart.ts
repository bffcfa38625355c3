/** A line of a chart; points without a value are left out. */
export interface Curve {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface Axis {
  /** With its unit. */
  readonly title: string;
  readonly isLogarithmic: boolean;
}

export interface Chart {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly curves: readonly Curve[];
}

const WIDTH = 960;
const HEIGHT = 420;
const LEFT = 96;
/** The legend stands there, where no curve can come. */
const RIGHT = 236;
const LEGEND = WIDTH - RIGHT + 24;
const TOP = 48;
const BOTTOM = 64;
/** Told apart by people who see colours differently (Okabe and Ito). */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"];
const LINE_HEIGHT = 18;

/** Where a value stands on the page, and which values are written at the axis. */
interface Scale {
  readonly place: (value: number) => number;
  readonly ticks: readonly number[];
}

/** Draws charts below each other, under a heading. */
export function drawCharts(heading: string, charts: readonly Chart[]): string {
  const top = 36;
  const height = top + charts.length * HEIGHT;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}"` +
    ` font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    text({ x: 16, y: 24, fill: "#555" }, heading),
    ...charts.map((chart, index) =>
      `<g transform="translate(0 ${top + index * HEIGHT})">\n${draw(chart)}\n</g>`
    ),
    "</svg>\n",
  ].join("\n");
}

function draw({ title, x, y, curves }: Chart): string {
  const points = curves.flatMap((curve) => curve.points.filter(isDrawn));
  const across = scale(x, points.map((point) => point.x), LEFT, WIDTH - RIGHT);
  const up = scale(y, points.map((point) => point.y), HEIGHT - BOTTOM, TOP);
  return [
    text({ x: LEFT, y: TOP - 20, "font-size": 15, "font-weight": "bold" }, title),
    ...up.ticks.flatMap((value) => [
      line([LEFT, up.place(value)], [WIDTH - RIGHT, up.place(value)], "#ddd"),
      text({ x: LEFT - 8, y: up.place(value) + 4, "text-anchor": "end" }, short(value)),
    ]),
    ...across.ticks.flatMap((value) => [
      line([across.place(value), HEIGHT - BOTTOM], [across.place(value), HEIGHT - BOTTOM + 5], "#333"),
      text({ x: across.place(value), y: HEIGHT - BOTTOM + 20, "text-anchor": "middle" }, short(value)),
    ]),
    line([LEFT, HEIGHT - BOTTOM], [WIDTH - RIGHT, HEIGHT - BOTTOM], "#333"),
    line([LEFT, TOP], [LEFT, HEIGHT - BOTTOM], "#333"),
    text({ x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 22, "text-anchor": "middle" }, x.title),
    text(
      {
        x: 0,
        y: 0,
        "text-anchor": "middle",
        transform: `translate(22 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)`,
      },
      y.title,
    ),
    ...curves.map((curve, index) => drawCurve(curve, { across, up, index })),
  ].join("\n");
}

function drawCurve(
  { name, points }: Curve,
  { across, up, index }: { readonly across: Scale; readonly up: Scale; readonly index: number },
): string {
  const colour = COLOURS[index % COLOURS.length]!;
  const places = points.filter(isDrawn).map(({ x, y }) => `${round(across.place(x))},${round(up.place(y))}`);
  const y = TOP + 14 + index * LINE_HEIGHT;
  return [
    `<polyline points="${places.join(" ")}" fill="none" stroke="${colour}" stroke-width="2"/>`,
    ...places.map((place) => {
      const [x, y] = place.split(",");
      return `<circle cx="${x}" cy="${y}" r="3.5" fill="${colour}"/>`;
    }),
    `<rect x="${LEGEND}" y="${y - 8}" width="12" height="4" fill="${colour}"/>`,
    text({ x: LEGEND + 18, y: y - 2 }, name),
  ].join("\n");
}

function scale(axis: Axis, values: readonly number[], from: number, to: number): Scale {
  return axis.isLogarithmic ? logarithmic(values, from, to) : linear(values, from, to);
}

/** From 0, with about five steps of 1, 2 or 5 times a power of ten. */
function linear(values: readonly number[], from: number, to: number): Scale {
  const most = Math.max(1, ...values);
  const rough = most / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough)!;
  const end = Math.ceil(most / step) * step;
  const ticks = Array.from({ length: Math.round(end / step) + 1 }, (_, index) => index * step);
  return { place: (value) => from + (to - from) * value / end, ticks };
}

/** With 1, 2 and 5 of each power of ten between the least and the most. */
function logarithmic(values: readonly number[], from: number, to: number): Scale {
  const least = Math.min(...values, Infinity);
  const steps = stepsAround(Number.isFinite(least) ? least : 1, Math.max(1, ...values));
  const [first, last] = [Math.log10(steps[0]!), Math.log10(steps.at(-1)!)];
  return {
    place: (value) => from + (to - from) * (Math.log10(value) - first) / (last - first),
    ticks: steps,
  };
}

/** The last step that is not above the least, the first that is not below the most, and all between them. */
function stepsAround(least: number, most: number): readonly number[] {
  const steps: number[] = [];
  for (let power = Math.floor(Math.log10(least)); steps.length < 2 || steps.at(-1)! < most; power++) {
    for (const factor of [1, 2, 5]) {
      const step = factor * 10 ** power;
      if (step <= least) steps.length = 0;
      steps.push(step);
      if (step >= most && steps.length > 1) return steps;
    }
  }
  return steps;
}

/** On a logarithmic axis there is no 0. */
function isDrawn({ x, y }: { readonly x: number; readonly y: number }): boolean {
  return x > 0 && y > 0 && Number.isFinite(x) && Number.isFinite(y);
}

/** 20000 as 20k, 2500000 as 2.5M. */
function short(value: number): string {
  if (value >= 1e6) return `${round(value / 1e6)}M`;
  if (value >= 1e3) return `${round(value / 1e3)}k`;
  return String(round(value));
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function line(
  [x1, y1]: readonly [number, number],
  [x2, y2]: readonly [number, number],
  colour: string,
): string {
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" stroke="${colour}"/>`;
}

function text(attributes: Readonly<Record<string, string | number>>, content: string): string {
  const written = Object.entries(attributes).map(([name, value]) =>
    ` ${name}="${typeof value === "number" ? round(value) : value}"`
  );
  return `<text${written.join("")}>${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
