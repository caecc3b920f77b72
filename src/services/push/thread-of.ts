import type { RoomEvent } from '../../core/event/event.ts'
import { isJsonObject } from '../../core/json.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'

/** The thread ID of everything that is in no thread. */
export const MAIN_TIMELINE = 'main'

/** "Implementations are encouraged to do a maximum of 3 hops to find a thread." */
const MAX_HOPS = 3

/** The thread that an event belongs to: the ID of its root, or `main` (module "Push", "Marking notifications as read"). */
export const threadOf = async (read: RoomReaders, stored: StoredEvent): Promise<string> => {
  let { event } = stored
  for (let hop = 0; hop <= MAX_HOPS; hop++) {
    const relation = relationOf(event)
    if (relation === undefined) break
    if (relation.type === 'm.thread') return relation.eventId
    const parent = hop === MAX_HOPS ? undefined : await read.events.byId(relation.eventId)
    if (parent?.roomNid !== stored.roomNid) break
    event = parent.event
  }
  return MAIN_TIMELINE
}

const relationOf = ({ content }: RoomEvent): { type: string; eventId: string } | undefined => {
  const relation = content['m.relates_to']
  if (!isJsonObject(relation)) return undefined
  const { rel_type: type, event_id: eventId } = relation
  return typeof type === 'string' && typeof eventId === 'string' ? { type, eventId } : undefined
}
