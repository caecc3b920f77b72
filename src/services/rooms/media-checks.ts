import { MatrixError } from '../../core/errors.ts'
import { isMediaPolicyType, MEDIA_STATE, missingMedia, type Proposed } from '../../core/media-policy.ts'
import { mediaTypes } from '../../core/room-summary.ts'
import type { RoomHead } from './room-head.ts'
import { contentOfHead } from './room-summary.ts'
import type { RoomsContext } from './room-writer.ts'

/**
 * What servers refuse of their own users because the room's media flags do not allow it; never of others. Throws
 * `M_FORBIDDEN`, which says what flag is missing.
 */
export const checkMedia = (
  context: RoomsContext,
  head: RoomHead,
  event: Proposed,
): Promise<void> | undefined =>
  isMediaPolicyType(event.type) && head.entry(MEDIA_STATE, '') !== undefined
    ? checkFlags(context, head, event)
    : undefined

const checkFlags = async (context: RoomsContext, head: RoomHead, event: Proposed): Promise<void> => {
  const allowed = new Set(mediaTypes(await contentOfHead(context, head)))
  const missing = missingMedia(event, allowed)
  if (missing === undefined) return
  const flags = missing.map(flag => `\`${flag}\``).join(' or ')
  throw new MatrixError(
    'M_FORBIDDEN',
    `This room does not allow ${flags}: see its media types (chat.tessera.room.media)`,
  )
}
