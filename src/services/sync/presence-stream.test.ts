import test from 'ava'
import type { Presence } from '../ephemeral/presence.ts'
import { OFFLINE, PresenceStates } from '../ephemeral/presence-states.ts'
import { PresenceStream } from './presence-stream.ts'
import type { SyncRequest } from './sync-request.ts'
import { NO_NEWS } from './sync-source.ts'

const ALICE = '@alice:a.test'
const BOB = '@bob:a.test'

test('whoever has come into a room while nobody watched them is told who is there', async t => {
  const states = new PresenceStates(0)
  states.set(BOB, { ...OFFLINE, presence: 'online' })
  states.announce(BOB, new Set([2]), 1)
  const presence = {
    ...{ states, enabled: true },
    content: ({ presence }: { presence: string }) => ({ presence }),
  } as unknown as Presence
  const stream = new PresenceStream(presence, {
    joinedRooms: async () => new Map([[2, 20]]),
    cameUnseen: (_, after) => new Set(after < 20 ? [2] : []),
  })
  const request = {
    ...{ requester: { userId: ALICE }, ignored: new Set() },
    filter: { presence: { matches: () => true, limit: 10 } },
  } as unknown as SyncRequest
  const bob = JSON.stringify({ type: 'm.presence', sender: BOB, content: { presence: 'online' } })
  t.deepEqual(await stream.news(request, 1, 1, { after: 10, upTo: 30 }), {
    events: new Map([['presence', [bob]]]),
  })
  t.is(await stream.news(request, 1, 1, { after: 20, upTo: 30 }), NO_NEWS)
})
