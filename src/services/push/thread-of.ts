import { relationOf } from '../../core/relations.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { Answer } from '../answer.ts'

/** The thread ID of everything that is in no thread. */
export const MAIN_TIMELINE = 'main'

/** "Implementations are encouraged to do a maximum of 3 hops to find a thread." */
const MAX_HOPS = 3

/** The thread that an event belongs to: the ID of its root, or `main` (module "Push", "Marking notifications as read"). */
export const threadOf = (read: RoomReaders, stored: StoredEvent): Answer<string> =>
  relationOf(stored.event) === undefined ? MAIN_TIMELINE : threadBy(read, stored)

const threadBy = async (read: RoomReaders, stored: StoredEvent): Promise<string> => {
  let { event } = stored
  for (let hop = 0; hop <= MAX_HOPS; hop++) {
    const relation = relationOf(event)
    if (relation === undefined) break
    if (relation.relType === 'm.thread') return relation.parentId
    const parent = hop === MAX_HOPS ? undefined : await read.events.byId(relation.parentId)
    if (parent?.roomNid !== stored.roomNid) break
    event = parent.event
  }
  return MAIN_TIMELINE
}
