import { endpoint, reply } from '../../http/endpoint.ts'

export const getDehydratedDeviceEvents = endpoint(
  'getDehydratedDeviceEvents',
  async ({ requester, path, query }, { encryption }) =>
    reply({ json: await encryption.dehydrated.events(requester.userId, path.deviceId, query.from) }),
)
