import { endpoint } from '../../http/endpoint.ts'

export const getRoomVisibilityOnDirectory = endpoint(
  'getRoomVisibilityOnDirectory',
  async ({ path }, { publicRooms }) => ({
    visibility: (await publicRooms.isPublished(path.roomId)) ? 'public' : 'private',
  }),
)
