import type { StatePoint } from '../event/event.ts'

/** Reads the key of a state map back into the point that `stateMapKey` made it from; `undefined` for other strings. */
export const parseStateMapKey = (key: string): StatePoint | undefined => {
  const match = /^(0|[1-9][0-9]{0,8}):/.exec(key)
  if (!match) return undefined
  const start = match[0].length
  const end = start + Number(match[1])
  return end > key.length ? undefined : { type: key.slice(start, end), stateKey: key.slice(end) }
}
