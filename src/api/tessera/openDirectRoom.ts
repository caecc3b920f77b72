import { endpoint } from '../../http/endpoint.ts'
import { refuseUnheard } from '../pretended.ts'

export const openDirectRoom = endpoint(
  'openDirectRoom',
  async ({ requester, path, body }, { directRooms, directRequests, roomRules }) => {
    const { encryption, request } = body ?? {}
    const opened = await directRooms.open(requester.userId, path.userId, {
      ...(encryption === undefined ? {} : { encryption }),
      isUnheard: requester.isShadowBanned === true,
      beforeMaking: () => {
        refuseUnheard(requester)
        roomRules.checkCreation(requester)
      },
    })
    return {
      room_id: opened.roomId,
      created: opened.isNew,
      key: [...opened.key],
      membership: opened.otherMembership,
      ...(request === true ? { requested: await directRequests.request(requester, opened) } : {}),
    }
  },
)
