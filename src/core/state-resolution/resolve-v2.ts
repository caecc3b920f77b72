import { type Refusal, type RoomEvent, type StateMap, stateMapKey } from '../event/event.ts'
import { authDifference } from './auth-difference.ts'
import { type AuthGraph, type LoadEvent, openAuthGraph } from './auth-graph.ts'
import { eventsBetween } from './conflicted-subgraph.ts'
import { iterativeAuthChecks } from './iterative-auth.ts'
import { mainlineSort } from './mainline-sort.ts'
import { selectAndSortPowerEvents } from './power-sort.ts'
import type { Resolution, ResolveOptions } from './resolution.ts'
import { splitConflicted } from './split.ts'

/** State resolution v2 (rooms/v2.md) and v2.1 (rooms/v12.md), which differs in two places. */
export const resolveV2 = (
  variant: 'v2' | 'v2.1',
  stateSets: readonly StateMap[],
  load: LoadEvent,
  options: ResolveOptions,
): Resolution => {
  const { unconflicted, conflicted } = splitConflicted(stateSets, 'is a conflict')
  const refused = new Map<string, Refusal>()
  if (conflicted.size === 0) return { state: unconflicted, conflicted, refused }
  const graph = openAuthGraph(load, options.generationOf)
  const fullConflicted = fullConflictedSet(variant, stateSets, conflicted, graph, options)
  const checks = { load, isRejected: options.isRejected ?? (() => false), refused }

  // 1. The power events in conflict and what they rest on, in reverse topological power ordering.
  const powerEvents = selectAndSortPowerEvents(fullConflicted, load)
  // 2. Checked "starting from the unconflicted state map"; since v12 "from an empty state map".
  const state = new Map<string, string>(variant === 'v2' ? unconflicted : [])
  iterativeAuthChecks(state, powerEvents, checks)
  // 3. "All remaining events", in mainline ordering.
  const powerLevels = state.get(stateMapKey('m.room.power_levels', ''))
  const rest = remaining(fullConflicted, powerEvents, load)
  const sorted = mainlineSort(rest, powerLevels === undefined ? undefined : load(powerLevels), graph)
  // 4. Checked on the partially resolved state.
  iterativeAuthChecks(state, sorted, checks)
  // 5. "Replacing any event with the event with the same key from the unconflicted state map."
  for (const [key, eventId] of unconflicted) state.set(key, eventId)
  return { state, conflicted, refused }
}

/**
 * "The union of the conflicted state set and the auth difference"; since v12 "and the conflicted state subgraph".
 */
const fullConflictedSet = (
  variant: 'v2' | 'v2.1',
  stateSets: readonly StateMap[],
  conflicted: ReadonlyMap<string, readonly string[]>,
  graph: AuthGraph,
  options: ResolveOptions,
): Set<string> => {
  const full = new Set([...conflicted.values()].flat())
  const subgraph = options.conflictedSubgraph ?? (eventIds => eventsBetween(eventIds, graph))
  const between = variant === 'v2.1' ? subgraph(full) : []
  const sets = stateSets.map(stateSet => [...stateSet.values()])
  const difference = options.authDifference?.(sets) ?? authDifference(sets, graph)
  return new Set([...full, ...between, ...difference])
}

const remaining = (all: ReadonlySet<string>, picked: readonly RoomEvent[], load: LoadEvent): RoomEvent[] => {
  const done = new Set(picked.map(event => event.eventId))
  return [...all].filter(eventId => !done.has(eventId)).flatMap(eventId => load(eventId) ?? [])
}
