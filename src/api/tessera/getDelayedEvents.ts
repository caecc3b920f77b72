import { endpoint } from '../../http/endpoint.ts'

export const getDelayedEvents = endpoint(
  'getDelayedEvents',
  async ({ requester, query }, { delayedEvents }) =>
    delayedEvents.list(requester, { status: query.status, delayIds: query.delay_id, from: query.from }),
)
