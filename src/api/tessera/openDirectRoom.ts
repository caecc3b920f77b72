import { endpoint } from '../../http/endpoint.ts'

export const openDirectRoom = endpoint(
  'openDirectRoom',
  async ({ requester, path, body }, { directRooms }) => {
    const { encryption } = body ?? {}
    const settings = encryption === undefined ? {} : { encryption }
    const opened = await directRooms.open(requester.userId, path.userId, settings)
    return {
      room_id: opened.roomId,
      created: opened.isNew,
      key: [...opened.key],
      membership: opened.otherMembership,
    }
  },
)
