import { endpoint } from '../../http/endpoint.ts'
import { roomNamed } from '../administered-rooms.ts'

export const adminTieRoomEnds = endpoint('adminTieRoomEnds', async ({ path }, services) => {
  const { roomId } = await roomNamed(path.roomIdOrAlias, services)
  const before = (await services.administration.rooms.ends(roomId)).length
  return { deleted: Math.max(0, before - (await services.administration.tieEnds(roomId))) }
})
