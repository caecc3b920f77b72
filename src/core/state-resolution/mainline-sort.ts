import type { RoomEvent } from '../event/event.ts'
import type { LoadEvent } from './auth-graph.ts'
import { powerLevelsBehind } from './auth-lookup.ts'
import { compareByTime } from './power-sort.ts'

/**
 * Step 3 of the algorithm: "take all remaining events and order them by the mainline ordering based on the power level
 * in the partially resolved state" (rooms/v2.md, "Mainline ordering").
 *
 * @param powerLevels P, the power levels event in the partially resolved state. Without one, no event has a place on
 *   the mainline, and time decides.
 */
export const mainlineSort = (
  events: readonly RoomEvent[],
  powerLevels: RoomEvent | undefined,
  load: LoadEvent,
): RoomEvent[] => {
  const positionOf = mainlinePositions(powerLevels, load)
  return events
    .map(event => ({ event, position: positionOf(event) }))
    .sort((x, y) => {
      // "The mainline position of x is greater than that of y", that is, based on an earlier event in the mainline.
      if (x.position !== y.position) return x.position > y.position ? -1 : 1
      return compareByTime(x.event, y.event)
    })
    .map(({ event }) => event)
}

/** The mainline position of an event, infinite where its power levels never meet the mainline. */
const mainlinePositions = (
  powerLevels: RoomEvent | undefined,
  load: LoadEvent,
): ((e: RoomEvent) => number) => {
  // "Repeatedly fetch P_{i+1}, the power levels event in the auth_events of P_i." P_0 has position 0.
  const positions = new Map<string, number>()
  for (let p = powerLevels; p !== undefined && !positions.has(p.eventId); p = powerLevelsBehind(p, load)) {
    positions.set(p.eventId, positions.size)
  }
  return event => {
    // "Find the smallest index j ≥ 1 for which e_j belongs to the mainline of P": e itself does not count.
    const passed: string[] = []
    let e = powerLevelsBehind(event, load)
    while (e !== undefined && !positions.has(e.eventId)) {
      // Remembered below, so that no side line is walked twice; infinite for now, so that a circle ends.
      positions.set(e.eventId, Number.POSITIVE_INFINITY)
      passed.push(e.eventId)
      e = powerLevelsBehind(e, load)
    }
    const position = e === undefined ? undefined : positions.get(e.eventId)
    for (const eventId of passed) positions.set(eventId, position ?? Number.POSITIVE_INFINITY)
    return position ?? Number.POSITIVE_INFINITY
  }
}
