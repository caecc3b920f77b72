import { endpoint } from '../../http/endpoint.ts'

/** "such as allowing server administrators to view aliases regardless of membership": tools that list rooms ask for them. */
export const getLocalAliases = endpoint(
  'getLocalAliases',
  async ({ requester, path }, { directory, roomReading }) => {
    if (!requester.isAdmin) await roomReading.requirePresence(requester, path.roomId)
    return { aliases: await directory.ofRoom(path.roomId) }
  },
)
