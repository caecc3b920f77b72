import { type StateMap, stateMapKey } from '../event/event.ts'
import type { LoadEvent } from './auth-graph.ts'
import { parseStateMapKey } from './state-key.ts'

/** A point of the state that a resolution has set back against the word of all sides. */
export interface Reset {
  readonly type: string
  readonly stateKey: string
  /** What each side held: event IDs. */
  readonly held: readonly string[]
  /** What came out; `undefined` if the point is empty. */
  readonly resolved: string | undefined
}

const POWER_LEVELS = stateMapKey('m.room.power_levels', '')

/**
 * Finds what people call a state reset: a membership on which all sides agreed that came out as another or not at all,
 * and power levels that came out missing, or as an event that no side held. Neither is wrong by the algorithm; both are
 * worth looking at.
 */
export const findResets = (sides: readonly StateMap[], resolved: StateMap, load: LoadEvent): Reset[] => {
  const [first, ...others] = sides
  const resets: Reset[] = []
  for (const key of first?.keys() ?? []) {
    const point = parseStateMapKey(key)
    const isMember = point?.type === 'm.room.member'
    if (point === undefined || !(isMember || key === POWER_LEVELS)) continue
    const held = sides.flatMap(side => side.get(key) ?? [])
    const outcome = resolved.get(key)
    if (held.length <= others.length || (outcome !== undefined && held.includes(outcome) && !isMember))
      continue
    if (isMember) {
      const memberships = new Set(held.map(eventId => load(eventId)?.content['membership']))
      const [agreed] = memberships
      const after = outcome === undefined ? undefined : load(outcome)?.content['membership']
      if (memberships.size > 1 || agreed === after) continue
    }
    resets.push({ ...point, held: [...new Set(held)], resolved: outcome })
  }
  return resets
}
