const MILLISECONDS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}
const BYTES: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 }

const scaled = (digits: string | undefined, factor: number | undefined): number | undefined => {
  const product = Number(digits) * (factor ?? Number.NaN)
  return Number.isSafeInteger(product) ? product : undefined
}

/** Milliseconds of `10s`, `5m`, `1d` and the like; a plain number counts milliseconds. `undefined` if it is neither. */
export const parseDuration = (value: string | number): number | undefined => {
  if (typeof value === 'number') return value
  const [, digits, unit] = /^(\d+)\s*([a-z]*)$/.exec(value) ?? []
  return scaled(digits, MILLISECONDS[unit || 'ms'])
}

/** Bytes of `500K`, `50M`, `2 GiB` and the like; a plain number counts bytes. `undefined` if it is neither. */
export const parseSize = (value: string | number): number | undefined => {
  if (typeof value === 'number') return value
  const [, digits, unit] = /^(\d+)\s*([KMG]?)(?:i?B)?$/.exec(value) ?? []
  return scaled(digits, BYTES[unit ?? ''])
}

const largestUnit = (value: number, units: Readonly<Record<string, number>>): string => {
  const fitting = Object.entries(units).filter(([, factor]) => value % factor === 0)
  const [unit, factor] = value === 0 ? ['', 1] : (fitting.at(-1) ?? ['', 1])
  return `${value / factor}${unit}`
}

/** The inverse of `parseDuration`: 60000 → `1m`. */
export const formatDuration = (milliseconds: number): string => largestUnit(milliseconds, MILLISECONDS)

/** The inverse of `parseSize`: 1048576 → `1M`. */
export const formatSize = (bytes: number): string => largestUnit(bytes, BYTES)
