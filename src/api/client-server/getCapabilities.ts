import { endpoint } from '../../http/endpoint.ts'

export const getCapabilities = endpoint(
  'getCapabilities',
  async ({ requester }, { accounts, delayedEvents }) => ({
    capabilities: {
      ...accounts.capabilities(requester),
      // Not as `m.delayed_events` yet: what begins with `m.` is "reserved for definition in the Matrix specification".
      'org.matrix.msc4140.delayed_events': delayedEvents.capability,
    },
  }),
)
