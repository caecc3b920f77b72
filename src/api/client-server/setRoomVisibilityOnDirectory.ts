import { endpoint } from '../../http/endpoint.ts'

export const setRoomVisibilityOnDirectory = endpoint(
  'setRoomVisibilityOnDirectory',
  async ({ requester, path, body }, { publicRooms, directory, roomRules }) => {
    const isPublished = body.visibility !== 'private'
    if (isPublished) roomRules.checkPublication(requester, await directory.ofRoom(path.roomId), path.roomId)
    await publicRooms.publish(requester, path.roomId, isPublished)
    return {}
  },
  { pretend: ({ body }) => (body.visibility === 'private' ? undefined : {}) },
)
