import type { RoomEvent } from '../event/event.ts'
import type { AuthGraph } from './auth-graph.ts'
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
  graph: AuthGraph,
): RoomEvent[] => {
  const positionOf = mainlinePositions(powerLevels, graph)
  return events
    .map(event => ({ event, position: positionOf(event) }))
    .sort((x, y) => {
      // "The mainline position of x is greater than that of y", that is, based on an earlier event in the mainline.
      if (x.position !== y.position) return x.position > y.position ? -1 : 1
      return compareByTime(x.event, y.event)
    })
    .map(({ event }) => event)
}

/** Answers the mainline position of events, infinite where their power levels never meet the mainline. */
const mainlinePositions = (
  powerLevels: RoomEvent | undefined,
  { load, generationOf }: AuthGraph,
): ((event: RoomEvent) => number) => {
  if (powerLevels === undefined) return () => Number.POSITIVE_INFINITY
  const positions = new Map<string, number>()
  let mainlineLength = 0
  let next: RoomEvent | undefined = powerLevels
  // "Repeatedly fetch P_{i+1}, the power levels event in the auth_events of P_i": only as far back as anybody asks,
  // which is the generation of the event that is sought.
  const extendTo = (generation: number): void => {
    while (next !== undefined && !positions.has(next.eventId) && generationOf(next.eventId) >= generation) {
      positions.set(next.eventId, mainlineLength++)
      next = powerLevelsBehind(next, load)
    }
  }
  return event => {
    // "Find the smallest index j ≥ 1 for which e_j belongs to the mainline of P": e itself does not count.
    const passed: string[] = []
    let position: number | undefined
    for (let e = powerLevelsBehind(event, load); e !== undefined; e = powerLevelsBehind(e, load)) {
      extendTo(generationOf(e.eventId))
      position = positions.get(e.eventId)
      if (position !== undefined) break
      // Remembered, so that no side line is walked twice; infinite for now, so that a circle ends.
      positions.set(e.eventId, Number.POSITIVE_INFINITY)
      passed.push(e.eventId)
    }
    for (const eventId of passed) positions.set(eventId, position ?? Number.POSITIVE_INFINITY)
    return position ?? Number.POSITIVE_INFINITY
  }
}
