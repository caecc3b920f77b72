import { MatrixError } from '../../core/errors.ts'
import { endpoint } from '../../http/endpoint.ts'

export const inviteUser = endpoint(
  'inviteUser',
  async ({ requester, path, body }, services) => {
    const { invitations, identityInvitations } = services
    const { user_id: userId, medium, address, id_server: idServer, id_access_token: accessToken } = body
    if (userId === undefined) {
      if (medium === undefined || address === undefined) {
        throw new MatrixError('M_MISSING_PARAM', 'Say whom to invite: user_id is missing')
      }
      const byAddress = {
        sender: requester.userId,
        roomId: path.roomId,
        medium,
        address,
        reason: body.reason,
      }
      const plan = invitations.plan(body['chat.tessera.invitation'])
      await identityInvitations.send({ ...byAddress, idServer, accessToken }, plan)
      return {}
    }
    const plan = invitations.plan(body['chat.tessera.invitation'])
    const invitation = { sender: requester.userId, userId, roomId: path.roomId, reason: body.reason }
    await invitations.sending.send(invitation, plan)
    return {}
  },
  { pretend: () => ({}) },
)
