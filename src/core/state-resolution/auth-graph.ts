import type { RoomEvent } from '../event/event.ts'

/** Answers an event by its ID; `undefined` for those that are not here, which resolution passes over. */
export type LoadEvent = (eventId: string) => RoomEvent | undefined

/** The graph that `auth_events` span, with what the walks over it need. */
export interface AuthGraph {
  readonly load: LoadEvent
  /**
   * The length of the longest auth path from an event to one without auth events: always greater than that of all its
   * auth events. (`depth` would not do: it is whatever the sender wrote.)
   */
  readonly generationOf: (eventId: string) => number
}

/** The generation of an event whose auth events have these. */
export const generationAfter = (authEvents: readonly { readonly generation: number }[]): number =>
  authEvents.reduce((greatest, { generation }) => Math.max(greatest, generation + 1), 0)

/**
 * Opens the auth graph. Who stores generations passes them: a walk then stops where all paths have met. Otherwise they are
 * found out by walking chains to their end, each event once.
 */
export const openAuthGraph = (
  load: LoadEvent,
  stored: ((eventId: string) => number | undefined) | undefined,
): AuthGraph => {
  const measured = new Map<string, number>()
  const known: KnownGenerations = {
    get: eventId => stored?.(eventId) ?? measured.get(eventId),
    set: (eventId, generation) => measured.set(eventId, generation),
  }
  return { load, generationOf: eventId => known.get(eventId) ?? measure(eventId, load, known) }
}

interface KnownGenerations {
  get(eventId: string): number | undefined
  set(eventId: string, generation: number): void
}

interface Frame {
  readonly eventId: string
  readonly authEvents: readonly string[]
  next: number
  generation: number
}

/** Depth-first without recursion: chains are longer than any stack. Every event on the way enters `known`. */
const measure = (eventId: string, load: LoadEvent, known: KnownGenerations): number => {
  const frames: Frame[] = []
  const enter = (id: string): void => {
    // Stands while the event is being measured, so that a circle (v1 and v2 give event IDs freely) ends here.
    known.set(id, 0)
    frames.push({ eventId: id, authEvents: load(id)?.authEvents ?? [], next: 0, generation: 0 })
  }
  enter(eventId)
  for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
    const authEvent = frame.authEvents[frame.next++]
    if (authEvent === undefined) {
      known.set(frame.eventId, frame.generation)
      frames.pop()
      continue
    }
    const generation = known.get(authEvent)
    if (generation !== undefined) frame.generation = Math.max(frame.generation, generation + 1)
    else {
      // Comes back to this auth event once it is measured.
      frame.next--
      enter(authEvent)
    }
  }
  return known.get(eventId) ?? 0
}
