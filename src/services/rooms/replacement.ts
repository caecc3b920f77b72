import type { RoomEvent } from '../../core/event/event.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { RoomHead } from './room-head.ts'
import { contentShown } from './room-summary.ts'

/** The room that has replaced another, as that says itself, and the event by which it does; `undefined` where none has. */
export const replacementOf = async (
  { events }: Pick<RoomReaders, 'events'>,
  head: RoomHead,
): Promise<{ readonly roomId: string; readonly tombstone: RoomEvent } | undefined> => {
  const entry = head.entry('m.room.tombstone', '')
  const [stored] = entry === undefined ? [] : await events.byNids([entry.nid])
  const roomId = stored && contentShown(stored)['replacement_room']
  return stored === undefined || typeof roomId !== 'string' ? undefined : { roomId, tombstone: stored.event }
}
