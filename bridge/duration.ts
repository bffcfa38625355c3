const UNIT_SECONDS: Readonly<Record<string, number>> = { "": 1, s: 1, m: 60, h: 3600, d: 86_400 };

/** Reads `60`, `30s`, `10m`, `2h`, `1d` or `500ms` as seconds; undefined if it is none of them. */
export function parseDurationSeconds(text: string): number | undefined {
  const [, digits, unit] = /^(\d{1,15})(ms|[smhd]?)$/.exec(text) ?? [];
  if (digits === undefined || unit === undefined) return undefined;
  return unit === "ms" ? Number(digits) / 1000 : Number(digits) * UNIT_SECONDS[unit]!;
}
