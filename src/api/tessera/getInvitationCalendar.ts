import { endpoint, reply } from '../../http/endpoint.ts'
import { SAFE_CONTENT } from '../media-reply.ts'

export const getInvitationCalendar = endpoint(
  'getInvitationCalendar',
  async ({ requester, path, query }, { invitations }) => {
    const { text, contentType } = await invitations.listing.calendar(
      requester.userId,
      path.roomId,
      query.user_id,
    )
    const headers = { ...SAFE_CONTENT, 'Content-Disposition': 'attachment; filename="invite.ics"' }
    return reply({ body: text, contentType, headers })
  },
)
