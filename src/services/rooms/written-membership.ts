import { checkShownAs } from '../../core/display-profile.ts'
import { MatrixError } from '../../core/errors.ts'
import { isUserId, serverNameOf } from '../../core/ids.ts'
import type { JsonObject } from '../../core/json.ts'
import type { MemberProfile } from './ports.ts'
import { restrictedJoin } from './restricted-join.ts'
import type { RoomWriter } from './room-writer.ts'

/** A member event as a client has written it by itself, with `PUT …/state/m.room.member/{userId}`. */
export interface WrittenMembership {
  readonly sender: string
  readonly roomId: string
  readonly userId: string
  readonly content: JsonObject
}

/** Why nobody lets a user into a restricted room. */
export const REFUSALS = {
  refused: 'You are not in any of the rooms whose members may join this one',
  elsewhere: 'Nobody who is in this room may let others into it',
}

/**
 * What becomes of its content. Who may come into a restricted room is for a server to vouch for, never for a client to say;
 * and people who come in, are invited or knock have their name and picture with them, unless the client gives others.
 *
 * Throws `M_FORBIDDEN` for a join that meets none of the room's conditions; and as `checkShownAs`.
 */
export const writtenMembership = async (
  parts: { readonly writer: RoomWriter; readonly profile: MemberProfile },
  { sender, roomId, userId, content: given }: WrittenMembership,
): Promise<JsonObject> => {
  const { writer, profile } = parts
  const { join_authorised_via_users_server: _, ...content } = given
  checkShownAs(content)
  const { membership } = content
  const isShown = membership === 'join' || membership === 'invite' || membership === 'knock'
  if (!isShown || !isUserId(userId) || serverNameOf(userId) !== writer.context.serverName) return content
  const shown = { ...(await profile(userId)), ...content }
  const head = membership === 'join' && sender === userId ? await writer.head(roomId) : undefined
  if (head === undefined) return shown
  const restricted = await restrictedJoin(writer.context, head, userId)
  if (restricted.kind === 'unrestricted') return shown
  if (restricted.kind === 'authorised') return { ...shown, join_authorised_via_users_server: restricted.by }
  throw new MatrixError('M_FORBIDDEN', REFUSALS[restricted.kind])
}
