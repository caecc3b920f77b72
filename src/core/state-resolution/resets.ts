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
 * Finds what people call a state reset: a point that all sides held (with different events) and that came out empty; a
 * membership on which all sides agreed that came out as another; power levels that no side held. None of it is wrong
 * by the algorithm; all of it is worth looking at.
 */
export const findResets = (sides: readonly StateMap[], resolved: StateMap, load: LoadEvent): Reset[] => {
  const resets: Reset[] = []
  for (const key of sides[0]?.keys() ?? []) {
    const point = parseStateMapKey(key)
    const held = sides.flatMap(side => side.get(key) ?? [])
    const outcome = resolved.get(key)
    if (point === undefined || held.length < sides.length || !isReset(key, held, outcome, load)) continue
    resets.push({ ...point, held: [...new Set(held)], resolved: outcome })
  }
  return resets
}

const isReset = (
  key: string,
  held: readonly string[],
  outcome: string | undefined,
  load: LoadEvent,
): boolean => {
  if (outcome === undefined) return true
  if (key === POWER_LEVELS) return !held.includes(outcome)
  if (parseStateMapKey(key)?.type !== 'm.room.member') return false
  const membershipOf = (eventId: string) => load(eventId)?.content['membership']
  const [agreed, ...others] = new Set(held.map(membershipOf))
  return others.length === 0 && agreed !== membershipOf(outcome)
}
