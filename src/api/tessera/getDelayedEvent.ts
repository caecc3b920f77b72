import { endpoint } from '../../http/endpoint.ts'

export const getDelayedEvent = endpoint('getDelayedEvent', async ({ requester, path }, { delayedEvents }) =>
  delayedEvents.get(requester, path.delayId),
)
