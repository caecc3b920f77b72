import type { ServiceRecord } from './name-resolver.ts'

const drawOne = (records: readonly ServiceRecord[], random: () => number): ServiceRecord | undefined => {
  const total = records.reduce((sum, { weight }) => sum + weight, 0)
  // "A random number between 0 and the sum … inclusive": whoever weighs nothing keeps a very small chance.
  let left = Math.floor(random() * (total + 1))
  return records.find(({ weight }) => {
    if (left <= weight) return true
    left -= weight
    return false
  })
}

/**
 * SRV records in the order in which to try them (RFC 2782): by priority, and drawn by weight among equals.
 *
 * @param random from 0 up to, not including, 1.
 */
export const orderServices = (records: readonly ServiceRecord[], random: () => number): ServiceRecord[] => {
  const left = records.toSorted((a, b) => a.priority - b.priority || a.weight - b.weight)
  const ordered: ServiceRecord[] = []
  for (;;) {
    const next = drawOne(
      left.filter(({ priority }) => priority === left[0]?.priority),
      random,
    )
    if (next === undefined) return ordered
    ordered.push(next)
    left.splice(left.indexOf(next), 1)
  }
}
