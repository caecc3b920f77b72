import { endpoint } from '../../http/endpoint.ts'

export const getLocalAliases = endpoint(
  'getLocalAliases',
  async ({ requester, path }, { directory, roomReading }) => {
    await roomReading.requirePresence(requester, path.roomId)
    return { aliases: await directory.ofRoom(path.roomId) }
  },
)
