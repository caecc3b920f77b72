import { endpoint } from '../../http/endpoint.ts'

export const adminGetRoom = endpoint('adminGetRoom', ({ path }, { administration }) =>
  administration.rooms.details(path.roomId),
)
