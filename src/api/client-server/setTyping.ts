import { endpoint } from '../../http/endpoint.ts'
import { refuseOthers } from '../own-account.ts'

export const setTyping = endpoint(
  'setTyping',
  async ({ requester, path, body }, { typing, presence }) => {
    refuseOthers(requester, path.userId)
    await typing.set(path.userId, path.roomId, body.typing, body.timeout)
    if (body.typing) presence.active(requester)
    return {}
  },
  { pretend: () => ({}) },
)
