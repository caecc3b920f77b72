import { endpoint } from '../../http/endpoint.ts'

export const deleteDehydratedDevice = endpoint(
  'deleteDehydratedDevice',
  async ({ requester }, { encryption }) => ({
    device_id: await encryption.dehydrated.delete(requester.userId),
  }),
)
