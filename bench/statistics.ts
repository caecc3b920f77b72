/**
 * @param values in any order
 * @param quantile 0 to 1
 * @returns the smallest value that is not exceeded by that share of all (nearest rank); undefined for none
 */
export function percentile(values: readonly number[], quantile: number): number | undefined {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.max(0, Math.ceil(quantile * sorted.length) - 1)]
}

/** @returns the middle value, the mean of the two middle ones for an even count; undefined for none */
export function median(values: readonly (number | undefined)[]): number | undefined {
  const sorted = values.filter(value => value !== undefined).sort((a, b) => a - b)
  const upper = sorted[sorted.length >> 1]
  const lower = sorted[(sorted.length - 1) >> 1]
  return upper === undefined || lower === undefined ? undefined : (upper + lower) / 2
}

/** @returns the quotient, or undefined where a side is missing or the divisor is zero */
export function ratio(value: number | undefined, by: number | undefined): number | undefined {
  return value === undefined || by === undefined || by === 0 ? undefined : value / by
}
