import type { RoomEvent } from '../../core/event/event.ts'
import { isJsonObject } from '../../core/json.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import { powerContext } from './redaction-effect.ts'
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

/**
 * Whether a room says of itself that it has replaced another. That other one's word is not enough: whoever may close it can name any room
 * there.
 */
export const hasReplaced = async (
  read: RoomReaders,
  replacement: RoomHead,
  replaced: RoomHead,
): Promise<boolean> => {
  const { predecessor } = (await powerContext(read, replacement)).create?.content ?? {}
  return isJsonObject(predecessor) && predecessor['room_id'] === replaced.room.roomId
}
