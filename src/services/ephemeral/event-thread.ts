import { MAIN_TIMELINE, relationOf, threadBy } from '../../core/relations.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'

/** "a maximum of 3 hops is recommended to cover indirect relationships" */
const MAX_HOPS = 3

/**
 * Whether a receipt for this event may stand under a thread ID: that of the event's thread, or `main` for one that is
 * in none. A thread's root, and what else relates to it, is in the main timeline; but a client that has shown the root
 * alone marks its thread as read by it, which is let pass. What is redacted is shown without its relation, in the main
 * timeline, with all that relates to it; a client that has not heard of that yet has it in its thread.
 */
export const mayMarkThread = async (
  read: RoomReaders,
  stored: StoredEvent,
  threadId: string,
): Promise<boolean> => {
  const chain = [stored.event.eventId]
  let { event } = stored
  let isTorn = stored.redactedBy !== undefined
  for (let hop = 0; hop <= MAX_HOPS; hop++) {
    const relation = relationOf(event)
    if (relation === undefined) break
    const thread = threadBy(relation)
    if (thread !== undefined) return thread === threadId || (isTorn && threadId === MAIN_TIMELINE)
    chain.push(relation.parentId)
    const parent = await read.events.byId(relation.parentId)
    if (parent?.roomNid !== stored.roomNid) break
    event = parent.event
    isTorn ||= parent.redactedBy !== undefined
  }
  return threadId === MAIN_TIMELINE || chain.includes(threadId)
}
