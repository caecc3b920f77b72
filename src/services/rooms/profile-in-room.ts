import { MatrixError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import { contentShown } from './room-summary.ts'
import type { RoomWriter } from './room-writer.ts'

/**
 * The name and picture of a user in a room, as its state has them; without those that it has not.
 * Throws `M_FORBIDDEN` for a room that is not known here.
 */
export const profileInRoom = async (
  writer: RoomWriter,
  { userId, roomId }: { readonly userId: string; readonly roomId: string },
): Promise<JsonObject> => {
  const head = await writer.head(roomId)
  if (head === undefined) throw new MatrixError('M_FORBIDDEN', 'You are not in this room')
  const entry = head.entry('m.room.member', userId)
  const [stored] = entry === undefined ? [] : await writer.context.read.events.byNids([entry.nid])
  const { displayname, avatar_url } = stored === undefined ? {} : contentShown(stored)
  return {
    ...(displayname === undefined ? {} : { displayname }),
    ...(avatar_url === undefined ? {} : { avatar_url }),
  }
}
