import { type Json, list, object } from './api.ts'

const KINDS = ['m.read', 'm.read.private'] as const

/**
 * Up to which event a user has read a room, as a sync response tells it (client-server API, "Receipts"); `undefined` where
 * it tells nothing of that. Who has read a thread has not read the room.
 */
export const readUpTo = (ephemeral: Json, userId: string): string | undefined => {
  let [found, newest]: [string | undefined, number] = [undefined, -1]
  for (const { type, content } of list(ephemeral['events'])) {
    if (type !== 'm.receipt') continue
    for (const [eventId, receipts] of Object.entries(object(content))) {
      for (const kind of KINDS) {
        const { ts, thread_id: thread } = object(object(object(receipts)[kind])[userId])
        if (typeof ts !== 'number' || ts <= newest || (thread ?? 'main') !== 'main') continue
        ;[found, newest] = [eventId, ts]
      }
    }
  }
  return found
}
