import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Chart, drawCharts } from "./chart.ts";

const chart: Chart = {
  title: "Rate <&> clients",
  x: { title: "clients", isLogarithmic: true },
  y: { title: "deliveries per second", isLogarithmic: false },
  curves: [
    { name: "one", points: [{ x: 2, y: 1_000_000 }, { x: 20, y: 2_400_000 }, { x: 200, y: NaN }] },
    { name: "other", points: [{ x: 2, y: 200_000 }, { x: 20, y: 0 }] },
  ],
};

function matches(svg: string, pattern: RegExp): string[] {
  return [...svg.matchAll(pattern)].map(([, match]) => match!);
}

Deno.test("a chart has its axes with units, round ticks and a marker for each point that has a value", () => {
  const svg = drawCharts("some machine", [chart]);
  for (const text of ["some machine", "clients", "deliveries per second", "one", "other"]) {
    assertStringIncludes(svg, `>${text}</text>`);
  }
  assertStringIncludes(svg, "Rate &lt;&amp;&gt; clients");
  const ticks = matches(svg, />([\d.]+[kM]?)<\/text>/g);
  assertEquals(ticks, ["0", "500k", "1M", "1.5M", "2M", "2.5M", "2", "5", "10", "20"]);
  assertEquals(matches(svg, /(<circle)/g).length, 3);
});

Deno.test("what is more stands higher and further to the right", () => {
  const svg = drawCharts("", [chart]);
  const [first, second] = matches(svg, /<polyline points="([^"]*)"/g)[0]!.split(" ").map((place) =>
    place.split(",").map(Number)
  );
  assert(second![0]! > first![0]!, "to the right");
  assert(second![1]! < first![1]!, "higher");
});

Deno.test("a chart of a single point, or of none, is a chart all the same", () => {
  for (const isLogarithmic of [true, false]) {
    for (const points of [[], [{ x: 10, y: 10 }], [{ x: 7, y: 0.3 }]]) {
      const axes = { x: { title: "x", isLogarithmic }, y: { title: "y", isLogarithmic } };
      const svg = drawCharts("", [{ title: "t", ...axes, curves: [{ name: "c", points }] }]);
      assert(!/NaN|Infinity/.test(svg), svg);
      assertEquals(matches(svg, /(<circle)/g).length, points.length);
    }
  }
});
