/**
 * How long a response may be cached, going by its `Cache-Control` (`max-age`, `no-store`, `no-cache`) or `Expires`,
 * less its `Age` (RFC 9111), in milliseconds. `undefined` where it does not say.
 *
 * @param headers by lower-case name.
 * @param now milliseconds since 1970.
 */
export const lifetimeOf = (headers: Readonly<Record<string, string>>, now: number): number | undefined => {
  const directives = (headers['cache-control'] ?? '')
    .toLowerCase()
    .split(',')
    .map(part => part.trim())
  if (directives.includes('no-store') || directives.includes('no-cache')) return 0
  const maxAge = directives
    .map(part => /^max-age="?(\d+)"?$/.exec(part)?.[1])
    .find(digits => digits !== undefined)
  const age = /^\d+$/.test(headers['age'] ?? '') ? Number(headers['age']) * 1_000 : 0
  if (maxAge !== undefined) return Math.max(0, Number(maxAge) * 1_000 - age)
  const expires = headers['expires']
  if (expires === undefined) return undefined
  // "A recipient that receives an invalid date format, especially the value "0", … as already expired"
  const until = Date.parse(expires)
  const sent = Date.parse(headers['date'] ?? '')
  if (Number.isNaN(until)) return 0
  return Math.max(0, until - (Number.isNaN(sent) ? now : sent) - age)
}
