import { endpoint } from '../../http/endpoint.ts'
import { refuseUnheard } from '../pretended.ts'

export const extendDirectRoom = endpoint(
  'extendDirectRoom',
  async ({ requester, path, body, limit }, { directExtension, roomRules }) => {
    const { invite, history = 0 } = body
    // The other of the two is invited, too.
    limit('invite', invite.length + 1)
    refuseUnheard(requester)
    roomRules.checkCreation(requester)
    const opened = await directExtension.extend(requester, path.roomId, { invite, history })
    return { room_id: opened.roomId, history: opened.history, not_invited: [...opened.notInvited] }
  },
)
