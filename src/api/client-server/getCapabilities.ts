import { endpoint } from '../../http/endpoint.ts'

export const getCapabilities = endpoint(
  'getCapabilities',
  async ({ requester }, { accounts, delayedEvents }) => ({
    capabilities: {
      ...accounts.capabilities(requester),
      'm.delayed_events': delayedEvents.capability,
      'org.matrix.msc4140.delayed_events': delayedEvents.capability,
    },
  }),
)
