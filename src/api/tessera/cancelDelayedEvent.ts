import { endpoint } from '../../http/endpoint.ts'

export const cancelDelayedEvent = endpoint(
  'cancelDelayedEvent',
  async ({ requester, path }, { delayedEvents }) => {
    await delayedEvents.act(requester, path.delayId, 'cancel')
    return {}
  },
)
