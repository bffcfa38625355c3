/** The middle value, or the mean of the two in the middle; NaN of nothing. Values that are no number do not count. */
export function median(values: readonly number[]): number {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length % 2 === 1) return sorted[middle]!;
  return sorted.length === 0 ? NaN : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The value that a quarter of them do not exceed; NaN of nothing. What disturbs a machine only ever makes it slower. */
export function lowerQuartile(values: readonly number[]): number {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort((one, other) => one - other);
  return sorted[Math.floor((sorted.length - 1) / 4)] ?? NaN;
}

/**
 * The median of the ratios of each round. What disturbs the machine disturbs both in a round alike, so this says more
 * than the ratio of two medians.
 */
export function medianRatio(values: readonly number[], references: readonly number[]): number {
  return median(values.map((value, round) => value / (references[round] ?? NaN)));
}
