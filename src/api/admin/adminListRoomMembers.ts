import { endpoint } from '../../http/endpoint.ts'

export const adminListRoomMembers = endpoint('adminListRoomMembers', async ({ path }, { administration }) => {
  const members = await administration.rooms.members(path.roomId)
  return { members, total: members.length }
})
