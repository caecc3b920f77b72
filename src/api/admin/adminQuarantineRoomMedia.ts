import { endpoint } from '../../http/endpoint.ts'

export const adminQuarantineRoomMedia = endpoint(
  'adminQuarantineRoomMedia',
  async ({ requester, path }, { administration, media }) => {
    const nid = await administration.rooms.nidOf(path.roomId)
    const count = nid === undefined ? 0 : await media.moderation.quarantineRoom(nid, requester.userId)
    return { num_quarantined: count }
  },
)
