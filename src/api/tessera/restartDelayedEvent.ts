import { endpoint } from '../../http/endpoint.ts'

export const restartDelayedEvent = endpoint(
  'restartDelayedEvent',
  async ({ requester, path }, { delayedEvents }) => {
    await delayedEvents.act(requester, path.delayId, 'restart')
    return {}
  },
)
