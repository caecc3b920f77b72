import { endpoint } from '../../http/endpoint.ts'
import { roomNamed } from '../administered-rooms.ts'

export const adminListRoomEnds = endpoint('adminListRoomEnds', async ({ path }, services) => {
  const { roomId } = await roomNamed(path.roomIdOrAlias, services)
  const ends = await services.administration.rooms.ends(roomId)
  const results = ends.map(({ eventId, depth, ts }) => ({
    event_id: eventId,
    state_group: null,
    depth,
    received_ts: ts,
  }))
  return { count: results.length, results }
})
