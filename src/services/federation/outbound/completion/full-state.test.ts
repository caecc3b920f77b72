import test from 'ava'
import type { RoomEvent } from '../../../../core/event/event.ts'
import { parsePdu } from '../../../../core/event/format.ts'
import type { JsonObject } from '../../../../core/json.ts'
import { deepestMembers } from '../../../../test-kit/deepest-members.ts'
import { BEFORE, partialGuest } from '../../../../test-kit/partial-guest.ts'
import { PeerRoom } from '../../../../test-kit/peer-room.ts'
import type { OutboundContext } from '../context.ts'
import { storeEvents, storeFullState } from './full-state.ts'

const idsOf = (events: readonly RoomEvent[]): string[] => events.map(({ eventId }) => eventId)

/** A server that lacks members, and what a peer tells of the state; signatures are taken to be right. */
const lacking = async (t: Parameters<typeof partialGuest>[0]) => {
  const peers = new PeerRoom('11', BEFORE)
  const { core } = await partialGuest(t, peers)
  const { joins, leaves } = deepestMembers(peers, 400)
  const create = peers.event('CREATE')
  const context = {
    core,
    federation: {
      getStateIds: async () => ({ stateIds: idsOf([create, ...leaves]), authChainIds: idsOf(joins) }),
      getState: async () => ({
        state: [create, ...leaves].map(({ pdu }) => pdu),
        authChain: joins.map(({ pdu }) => pdu),
      }),
    },
    verifyEvents: async (pdus: JsonObject[]) => pdus.map(pdu => parsePdu(pdu, peers.version)),
  } as unknown as OutboundContext
  return { context, peers, joins, leaves }
}

test('members are stored after what authorises them also where all are as deep as can be', async t => {
  const { context, peers, joins, leaves } = await lacking(t)
  const place = {
    ...{ roomId: peers.roomId, version: peers.version },
    ...{ eventId: peers.event('ME').eventId, createEventId: peers.event('CREATE').eventId },
  }
  const { learnt, unverified } = await storeFullState(context, 'alice.test', place, {
    signal: AbortSignal.timeout(60_000),
    onProgress: () => undefined,
  })
  t.is(unverified.size, 0)
  t.deepEqual(new Set(learnt.keys()), new Set(idsOf([...joins, ...leaves])))
})

test('so are those that came with a join', async t => {
  const { context, peers, joins, leaves } = await lacking(t)
  const learnt = await storeEvents(context, peers.roomId, [...joins, ...leaves])
  t.deepEqual(new Set(learnt.keys()), new Set(idsOf([...joins, ...leaves])))
})
