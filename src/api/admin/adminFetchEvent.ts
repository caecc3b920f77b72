import { endpoint } from '../../http/endpoint.ts'

export const adminFetchEvent = endpoint('adminFetchEvent', async ({ path }, { administration }) => ({
  event: await administration.rooms.event(path.eventId),
}))
