import { endpoint } from '../../http/endpoint.ts'

export const getDehydratedDevice = endpoint('getDehydratedDevice', ({ requester }, { encryption }) =>
  encryption.dehydrated.get(requester.userId),
)
