import { hash } from 'node:crypto'
import { MatrixError } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import type { Requester } from '../services/requester.ts'

const pretended = (requester: Requester, parts: readonly string[]): string =>
  hash('sha256', JSON.stringify([requester.tokenId, ...parts]), 'base64url')

/** The ID of an event that there is not; the same where the same is asked for again. */
export const pretendedEvent = (requester: Requester, ...parts: readonly string[]): { event_id: string } => ({
  event_id: `$${pretended(requester, parts)}`,
})

/** The ID of a room that there is not. */
export const pretendedRoom = (requester: Requester, ...parts: readonly string[]): string =>
  `!${pretended(requester, parts)}`

/** The reason that somebody gives for coming, going, or sending others away: none of those whom nobody is to hear. */
export const heardReason = ({ isShadowBanned }: Requester, reason: string | undefined): string | undefined =>
  isShadowBanned ? undefined : reason

/** The same for a membership that is written as state: of those whom nobody is to hear it says no more than itself. */
export const heardMembership = (
  { isShadowBanned }: Requester,
  type: string,
  content: JsonObject,
): JsonObject =>
  isShadowBanned && type === 'm.room.member' ? { membership: content['membership'] ?? null } : content

/** Refuses to make a room for certain people where its maker is to reach nobody. @throws {MatrixError} `M_FORBIDDEN` */
export const refuseUnheard = ({ isShadowBanned }: Requester): void => {
  if (isShadowBanned) throw new MatrixError('M_FORBIDDEN', 'A room with others cannot be made now.')
}
