import type { AuthGraph } from './auth-graph.ts'

/**
 * The conflicted state subgraph (rooms/v12.md): "starting from an event in the conflicted state set and following
 * auth_events edges may lead to another event in the conflicted state set. The union of all such paths (including
 * endpoints)".
 *
 * @param eventIds the events between which paths are sought
 * @returns the events on such paths; endpoints are among them only if a path joins them to another
 */
export const eventsBetween = (eventIds: ReadonlySet<string>, graph: AuthGraph): Set<string> => {
  const visited = walkDown(eventIds, graph)
  // From the oldest generation up, an event is met after all its auth events: it leads down to an endpoint if one of
  // them is an endpoint or leads on to one. All that was visited is on a path that started at an endpoint.
  const leading = new Set<string>()
  const joined = new Set<string>()
  for (const { eventId, authEvents } of visited.sort((a, b) => a.generation - b.generation)) {
    for (const authEvent of authEvents) {
      if (!eventIds.has(authEvent) && !leading.has(authEvent)) continue
      leading.add(eventId)
      if (eventIds.has(authEvent)) joined.add(authEvent)
    }
  }
  return leading.union(joined)
}

interface Visited {
  readonly eventId: string
  readonly generation: number
  readonly authEvents: readonly string[]
}

/** All events that paths from `eventIds` pass through, down to the oldest generation where a path may still end. */
const walkDown = (eventIds: ReadonlySet<string>, graph: AuthGraph): Visited[] => {
  let oldest = Number.POSITIVE_INFINITY
  for (const eventId of eventIds) oldest = Math.min(oldest, graph.generationOf(eventId))
  const visited: Visited[] = []
  const seen = new Set(eventIds)
  const pending = [...eventIds]
  for (let eventId = pending.pop(); eventId !== undefined; eventId = pending.pop()) {
    const generation = graph.generationOf(eventId)
    if (generation <= oldest) continue
    const authEvents = graph.load(eventId)?.authEvents ?? []
    visited.push({ eventId, generation, authEvents })
    for (const authEvent of authEvents) {
      if (seen.has(authEvent)) continue
      seen.add(authEvent)
      pending.push(authEvent)
    }
  }
  return visited
}
