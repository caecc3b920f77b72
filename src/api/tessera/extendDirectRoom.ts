import { endpoint } from '../../http/endpoint.ts'

export const extendDirectRoom = endpoint(
  'extendDirectRoom',
  async ({ requester, path, body }, { directExtension }) => {
    const { invite, history = 0 } = body
    const opened = await directExtension.extend(requester, path.roomId, { invite, history })
    return { room_id: opened.roomId, history: opened.history, not_invited: [...opened.notInvited] }
  },
)
