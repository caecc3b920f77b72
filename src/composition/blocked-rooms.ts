import { MatrixError } from '../core/errors.ts'
import type { InvitationReceiver } from '../services/federation/inbound/invitations.ts'
import type { RoomServices } from '../services/rooms/index.ts'

/** Lets nobody of this server into rooms that its operators do not want here, nor anybody be invited to them. */
export const blockRooms = (
  roomIds: readonly string[],
  parts: {
    readonly memberships: Pick<RoomServices['memberships'], 'joinChecks' | 'invitationChecks'>
    readonly received: Pick<InvitationReceiver, 'checks'>
  },
): void => {
  const blocked = new Set(roomIds)
  if (blocked.size === 0) return
  const refuse = async ({ roomId }: { readonly roomId: string }): Promise<void> => {
    if (blocked.has(roomId))
      throw new MatrixError('M_FORBIDDEN', 'The operators of this server have blocked this room')
  }
  parts.memberships.joinChecks.push(refuse)
  parts.memberships.invitationChecks.push(refuse)
  parts.received.checks.push(refuse)
}
