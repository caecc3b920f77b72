import { serverNameOf } from '../../core/ids.ts'
import type { NewEvent } from '../../storage/rooms/event-writer.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomHead } from './room-head.ts'
import type { RoomsContext } from './room-writer.ts'

/** Lets an event be found that is about to be stored: as it will be, but without its position, which nobody knows yet. */
export const noteDrafted = (
  { read }: RoomsContext,
  head: RoomHead,
  { nid, roomNid, rejected, softFailed = false, withheld = false, generation, event }: NewEvent,
  { redactedBy, isNew }: { redactedBy: number | undefined; isNew: boolean },
): StoredEvent => {
  const position = undefined
  const stored = { nid, roomNid, position, rejected, softFailed, withheld, generation, event, redactedBy }
  read.events.remember(stored, isNew)
  head.drafted.push(nid)
  head.unsettled.set(event.eventId, event)
  return stored
}

/** Puts into the caches what has become of an event that is stored. */
export const noteStored = (
  { read, metrics, serverName }: RoomsContext,
  done: { stored: StoredEvent; position: number; touched: readonly number[]; isPlain: boolean },
): void => {
  const { stored, position, touched, isPlain } = done
  read.events.place(stored.nid, position)
  read.events.forget(touched)
  if (isPlain) tellOfMessage(read.news, stored, position)
  metrics?.stored(serverNameOf(stored.event.sender) === serverName ? 'local' : 'remote')
}

/** Spares those who follow the stream reading what has just been stored. */
const tellOfMessage = (
  news: RoomsContext['read']['news'],
  { nid, roomNid, event }: StoredEvent,
  position: number,
): void => {
  const { type, stateKey, sender } = event
  if (stateKey !== undefined) return
  news.stored({
    position,
    nid,
    roomNid,
    type,
    stateKey,
    sender,
    softFailed: false,
    redactedBy: undefined,
    forked: false,
  })
}
