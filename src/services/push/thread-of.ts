import { MAIN_TIMELINE, relationOf, threadBy } from '../../core/relations.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { Answer } from '../answer.ts'

/** "Implementations are encouraged to do a maximum of 3 hops to find a thread." */
const MAX_HOPS = 3

/** The thread that an event belongs to: the ID of its root, or `main` (module "Push", "Marking notifications as read"). */
export const threadOf = (read: RoomReaders, stored: StoredEvent): Answer<string> =>
  relationOf(stored.event) === undefined ? MAIN_TIMELINE : threadByRelations(read, stored)

const threadByRelations = async (read: RoomReaders, stored: StoredEvent): Promise<string> => {
  let { event } = stored
  for (let hop = 0; hop <= MAX_HOPS; hop++) {
    const relation = relationOf(event)
    if (relation === undefined) break
    const thread = threadBy(relation)
    if (thread !== undefined) return thread
    const parent = hop === MAX_HOPS ? undefined : await read.events.byId(relation.parentId)
    if (parent?.roomNid !== stored.roomNid) break
    event = parent.event
  }
  return MAIN_TIMELINE
}
