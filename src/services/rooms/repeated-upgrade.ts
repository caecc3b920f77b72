import type { JsonObject } from '../../core/json.ts'
import type { RoomVersion } from '../../core/room-versions.ts'
import type { EventTemplate } from './local-event.ts'
import { powerContext } from './redaction-effect.ts'
import type { RoomHead } from './room-head.ts'
import type { RoomSender, SendOptions } from './room-sender.ts'
import { contentShown } from './room-summary.ts'
import type { RoomWriter } from './room-writer.ts'

/** So long the same wish is the same request again: its answer was lost on the way, or somebody has clicked twice. */
const REPEATED_MS = 300_000

/** The replacement that this user has made of a room moments ago by the very same wish; `undefined` if there is none. */
export const madeLately = async (
  writer: RoomWriter,
  userId: string,
  head: RoomHead,
  wish: { readonly version: RoomVersion; readonly additionalCreators: readonly string[] },
): Promise<string | undefined> => {
  const { version, additionalCreators } = wish
  const { read, clock } = writer.context
  const tombstone = head.entry('m.room.tombstone', '')
  const [stored] = tombstone === undefined ? [] : await read.events.byNids([tombstone.nid])
  if (stored?.event.sender !== userId || stored.event.originServerTs < clock.now() - REPEATED_MS)
    return undefined
  const { replacement_room: roomId } = contentShown(stored)
  const replacement = typeof roomId === 'string' ? await writer.head(roomId) : undefined
  if (replacement?.version.id !== version.id) return undefined
  const { create } = await powerContext(read, replacement)
  const { predecessor, additional_creators: creators = [] } = create?.content ?? {}
  const isSame =
    (predecessor as JsonObject | undefined)?.['room_id'] === head.room.roomId &&
    JSON.stringify(creators) === JSON.stringify(version.auth.privilegedCreators ? additionalCreators : [])
  return isSame ? replacement.room.roomId : undefined
}

class Replaced extends Error {}

/**
 * Sends what a room says last; answers `false` where it was replaced since it was looked at: another process may do so at the same
 * moment, and a room leads to one replacement.
 */
export const unlessReplaced = async (
  sender: Pick<RoomSender, 'sendAll'>,
  before: RoomHead,
  farewells: readonly EventTemplate[],
  options: Omit<SendOptions, 'transaction' | 'check'>,
): Promise<boolean> => {
  const tombstoneOf = (head: RoomHead): string | undefined => head.entry('m.room.tombstone', '')?.eventId
  const known = tombstoneOf(before)
  const check = async (head: RoomHead): Promise<void> => {
    if (tombstoneOf(head) !== known) throw new Replaced()
  }
  try {
    await sender.sendAll(before.room.roomId, farewells, { ...options, check })
    return true
  } catch (error) {
    if (error instanceof Replaced) return false
    throw error
  }
}

/** Has a replacement go that nobody was sent to. */
export const abandon = async (
  { context }: Pick<RoomWriter, 'context'>,
  sender: Pick<RoomSender, 'send'>,
  userId: string,
  roomId: string,
): Promise<void> => {
  const { db, read, write } = context
  const room = await read.rooms.byId(roomId)
  if (room === undefined) return
  await sender.send(
    roomId,
    { type: 'm.room.member', sender: userId, stateKey: userId, content: { membership: 'leave' } },
    { statements: [write.rooms.publish(room.nid, false), write.summaries.publish(room.nid, false)] },
  )
  await db.commit({ statements: [write.memberships.forget(userId, room.nid)] })
}
