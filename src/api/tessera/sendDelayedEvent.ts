import { endpoint } from '../../http/endpoint.ts'

export const sendDelayedEvent = endpoint(
  'sendDelayedEvent',
  async ({ requester, path }, { delayedEvents }) => {
    await delayedEvents.act(requester, path.delayId, 'send')
    return {}
  },
)
