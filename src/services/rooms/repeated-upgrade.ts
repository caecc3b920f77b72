import type { JsonObject } from '../../core/json.ts'
import type { RoomVersion } from '../../core/room-versions.ts'
import { powerContext } from './redaction-effect.ts'
import type { RoomHead } from './room-head.ts'
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
