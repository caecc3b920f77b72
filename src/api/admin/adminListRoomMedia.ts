import { endpoint } from '../../http/endpoint.ts'

export const adminListRoomMedia = endpoint(
  'adminListRoomMedia',
  async ({ path }, { administration, media }) => {
    const nid = await administration.rooms.nidOf(path.roomId)
    return nid === undefined ? { local: [], remote: [] } : media.moderation.filesInRoom(nid)
  },
)
