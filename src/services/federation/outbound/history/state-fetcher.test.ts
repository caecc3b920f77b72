import test from 'ava'
import type { RoomEvent } from '../../../../core/event/event.ts'
import { versionOf } from '../../../../test-kit/pdus.ts'
import type { OutboundContext } from '../context.ts'
import { fetchStateBefore } from './state-fetcher.ts'

test('the state of a room of hundreds of thousands is fetched', async t => {
  const ids = Array.from({ length: 61 }, (_, index) => `$${index}`)
  const many = Array(500_000).fill({})
  let verified = 0
  const context = {
    federation: {
      getStateIds: async () => ({ stateIds: ids, authChainIds: [] }),
      getState: async () => ({ state: many, authChain: many }),
    },
    core: {
      writer: { head: async () => undefined },
      context: { read: { events: { nidsOf: async () => new Map() } } },
    },
    verifyEvents: async (pdus: readonly unknown[]) => {
      verified = pdus.length
      return []
    },
  } as unknown as OutboundContext
  const event = { roomId: '!r:a.test', eventId: '$e', version: versionOf('11') } as RoomEvent
  t.deepEqual(await fetchStateBefore(context, 'a.test', event, { alsoNeeded: [], timeoutMs: 1 }), [])
  t.is(verified, 1_000_000)
})
