/** The number of characters to insert, delete, replace or swap with their neighbour to make `b` of `a`. */
const distance = (a: string, b: string): number => {
  const table = [Array.from({ length: b.length + 1 }, (_, column) => column)]
  const at = (row: number, column: number): number => table[row]?.[column] ?? Number.POSITIVE_INFINITY
  for (let row = 1; row <= a.length; row++) {
    const line = [row]
    table.push(line)
    for (let column = 1; column <= b.length; column++) {
      const [same, swapped] = [
        a[row - 1] === b[column - 1],
        a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1],
      ]
      line.push(
        Math.min(
          at(row - 1, column) + 1,
          at(row, column - 1) + 1,
          at(row - 1, column - 1) + (same ? 0 : 1),
          swapped && row > 1 && column > 1 ? at(row - 2, column - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      )
    }
  }
  return at(a.length, b.length)
}

const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '')

/**
 * The candidate that somebody who typed `name` most likely meant, if one is near: at most a third of its
 * characters differ. Case, `-` and `_` count for nothing, so that `serverName` finds `server_name`.
 */
export const didYouMean = (name: string, candidates: readonly string[]): string | undefined => {
  const typed = plain(name).slice(0, 64)
  const [best] = candidates
    .map(candidate => ({ candidate, distance: distance(typed, plain(candidate)) }))
    .filter(each => each.distance <= Math.max(1, Math.floor(each.candidate.length / 3)))
    .sort((a, b) => a.distance - b.distance)
  return best?.candidate
}
