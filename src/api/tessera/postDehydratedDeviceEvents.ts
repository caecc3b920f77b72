import { endpoint, reply } from '../../http/endpoint.ts'

/** Of an earlier draft, by which clients ask until a batch is empty. */
export const postDehydratedDeviceEvents = endpoint(
  'postDehydratedDeviceEvents',
  async ({ requester, path, body }, { encryption }) => {
    const { events, position } = await encryption.dehydrated.batch(
      requester.userId,
      path.deviceId,
      body.next_batch,
    )
    return reply({ json: { events, next_batch: String(position) } })
  },
)
