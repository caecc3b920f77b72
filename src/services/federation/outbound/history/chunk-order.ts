import type { RoomEvent } from '../../../../core/event/event.ts'

/**
 * Of fetched events those that history leads to from `from`, newest first: each before those that it refers to, and
 * otherwise the deeper before the flatter. Whatever else a peer has slipped in is left out.
 */
export const newestFirst = (
  from: readonly string[],
  fetched: ReadonlyMap<string, RoomEvent>,
): RoomEvent[] => {
  const reached = new Map<string, RoomEvent>()
  const queue = [...from]
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    const event = fetched.get(id)
    if (event === undefined || reached.has(id)) continue
    reached.set(id, event)
    queue.push(...event.prevEvents)
  }
  /** By event: how many of those reached refer to it and are not placed yet. */
  const referrers = new Map<string, number>()
  for (const event of reached.values()) {
    for (const id of new Set(event.prevEvents)) referrers.set(id, (referrers.get(id) ?? 0) + 1)
  }
  const ready = [...reached.values()].filter(event => !referrers.has(event.eventId))
  const ordered: RoomEvent[] = []
  while (ready.length > 0) {
    ready.sort(shallowFirst)
    const event = ready.pop()
    if (event === undefined) break
    ordered.push(event)
    for (const id of new Set(event.prevEvents)) {
      const left = (referrers.get(id) ?? 0) - 1
      referrers.set(id, left)
      const next = left === 0 ? reached.get(id) : undefined
      if (next !== undefined) ready.push(next)
    }
  }
  return ordered
}

const shallowFirst = (a: RoomEvent, b: RoomEvent): number =>
  a.depth - b.depth || a.originServerTs - b.originServerTs || (a.eventId < b.eventId ? -1 : 1)
