import { endpoint } from '../../http/endpoint.ts'

export const updateDelayedEvent = endpoint(
  'updateDelayedEvent',
  async ({ requester, path, body }, { delayedEvents }) => {
    await delayedEvents.act(requester, path.delayId, body.action)
    return {}
  },
)
