import test from 'ava'
import { FederationError } from '../../network/federation-client.ts'
import { discoveryOver, remoteRoom } from '../../test-kit/discovery.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { newRoom } from '../../test-kit/rooms.ts'
import { federatedDiscovery } from './federated.ts'
import type { Hierarchy } from './ports.ts'

const ALICE = '@alice:here.test'
const BOB = '@bob:here.test'

test('the directory of another server is handed on, with what was asked for', async t => {
  const asked: unknown[] = []
  const { discovery } = await discoveryOver(t, {
    publicRooms: async (server, query) => {
      asked.push({ server, ...query })
      const { summary } = remoteRoom('!r:there.test', { name: 'R' })
      return { chunk: [summary], nextBatch: 'n', prevBatch: undefined, totalRoomCountEstimate: 9 }
    },
  })
  const request = { limit: 3, since: 's', searchTerm: 'tea', roomTypes: [null] }
  const page = await discovery.publicRooms.list(request, 'there.test')
  t.deepEqual(asked, [
    {
      server: 'there.test',
      limit: 3,
      since: 's',
      filter: { generic_search_term: 'tea', room_types: [null] },
    },
  ])
  t.like(page, { next_batch: 'n', total_room_count_estimate: 9 })
  t.is(page.chunk[0]?.name, 'R')
  t.deepEqual(
    (await discovery.publicRooms.list({}, 'here.test')).chunk,
    [],
    'its own name is no other server',
  )
  await t.throwsAsync(discovery.publicRooms.list({}, 'no name'), { message: /not a server name/ })
})

test('an invitation tells of its room what its stripped state tells, if no server does', async t => {
  const { discovery, core } = await discoveryOver(t, { hierarchy: async () => undefined })
  const { db, write } = core.context
  const put = write.invitations.put(
    {
      userId: BOB,
      roomId: '!far:there.test',
      kind: 'invite',
      sender: '@carol:there.test',
      updatedTs: 1,
      event: { sender: '@carol:there.test' },
      eventId: '$e',
      roomVersion: '11',
      strippedState: [
        { type: 'm.room.create', state_key: '', sender: '@carol:there.test', content: {} },
        { type: 'm.room.name', state_key: '', sender: '@carol:there.test', content: { name: 'Far' } },
      ],
    },
    { stream: 'invites', offset: 0 },
  )
  await db.commit({ statements: [put] })
  const record = await discovery.roomSummaries.record(BOB, '!far:there.test', [])
  t.like(record, { name: 'Far', creator: '@carol:there.test', membership: 'invite', created_ts: undefined })
  await t.throwsAsync(discovery.roomSummaries.record(ALICE, '!far:there.test', []))
})

test('the next server is asked when one does not answer; a directory that is refused says so', async t => {
  const refusal = (server: string) =>
    new FederationError('response', server, 'no', { errcode: 'M_FORBIDDEN' })
  const answer: Hierarchy = { room: remoteRoom('!r:b.test'), children: [], inaccessibleChildren: [] }
  const client: Parameters<typeof federatedDiscovery>[0] = {
    publicRooms: async server => {
      throw refusal(server)
    },
    hierarchy: async server => {
      if (server !== 'b.test') throw refusal(server)
      return answer
    },
  }
  const remote = federatedDiscovery(client, { reachBack: async () => false, clock: new FakeClock() })
  const ask = { roomId: '!r:b.test', suggestedOnly: false }
  t.is(await remote.hierarchy(['a.test', 'b.test'], ask), answer)
  t.is(await remote.hierarchy(['a.test'], ask), undefined)
  await t.throwsAsync(remote.publicRooms('a.test', {}), { name: 'MatrixError', message: 'no' })
})

test('a server that did not answer about one room is not asked about the next', async t => {
  const clock = new FakeClock()
  const asked: string[] = []
  const client: Parameters<typeof federatedDiscovery>[0] = {
    publicRooms: () => Promise.reject(new Error('nobody asks for it')),
    hierarchy: (server, { roomId }, { signal } = {}) => {
      asked.push(`${server} ${roomId}`)
      // It is never found where it is.
      return new Promise((_, reject) =>
        signal?.addEventListener('abort', () => reject(new FederationError('timeout', server, 'no'))),
      )
    },
  }
  const remote = federatedDiscovery(client, { reachBack: async () => false, clock })
  const ask = async (roomId: string, ...servers: string[]) => {
    const answer = remote.hierarchy(servers, { roomId, suggestedOnly: false })
    await clock.advance(20_000)
    return await answer
  }
  t.is(await ask('!r1', 'a.test', 'b.test', 'c.test'), undefined)
  t.deepEqual(asked, ['a.test !r1', 'b.test !r1', 'c.test !r1'])
  t.is(await ask('!r2', 'b.test', 'c.test', 'd.test'), undefined)
  t.deepEqual(asked.slice(3), ['d.test !r2'])
})

test('a room is told of by the next server, where the first does not answer soon; which is known the next time', async t => {
  const clock = new FakeClock()
  const asked: string[] = []
  const answer: Hierarchy = { room: remoteRoom('!r:b.test'), children: [], inaccessibleChildren: [] }
  const client: Parameters<typeof federatedDiscovery>[0] = {
    publicRooms: () => Promise.reject(new Error('nobody asks for it')),
    hierarchy: (server, _, { signal } = {}) => {
      asked.push(server)
      if (server === 'b.test') return Promise.resolve(answer)
      return new Promise((_, reject) =>
        signal?.addEventListener('abort', () => reject(new FederationError('timeout', server, 'no'))),
      )
    },
  }
  const remote = federatedDiscovery(client, { reachBack: async () => false, clock })
  const ask = () => remote.hierarchy(['a.test', 'b.test'], { roomId: '!r:b.test', suggestedOnly: false })
  const first = ask()
  await clock.advance(3_999)
  t.deepEqual(asked, ['a.test'])
  await clock.advance(1)
  t.is(await first, answer)
  await clock.advance(6_000)
  t.is(await ask(), answer)
  t.deepEqual(asked, ['a.test', 'b.test', 'b.test'])
})

test('a page of the directory ends where its rooms are described at length, and nothing is lost by that', async t => {
  const { discovery, rooms } = await discoveryOver(t, {})
  const made: string[] = []
  for (let n = 0; n < 60; n++) {
    const initialState = [{ type: 'm.room.topic', stateKey: '', content: { topic: 'x'.repeat(60_000) } }]
    const roomId = await rooms.roomCreation.create(newRoom(rooms, ALICE, { initialState }), {
      isDirect: false,
    })
    await discovery.publicRooms.publish({ userId: ALICE, isAdmin: false }, roomId, true)
    made.push(roomId)
  }
  const seen: string[] = []
  const lengths: number[] = []
  let since: string | undefined
  let back: string | undefined
  do {
    const page = await discovery.publicRooms.list({ limit: 500, ...(since === undefined ? {} : { since }) })
    lengths.push(page.chunk.length)
    seen.push(...page.chunk.map(room => room.room_id))
    since = page.next_batch
    back = page.prev_batch ?? back
  } while (since !== undefined)
  t.deepEqual(lengths, [34, 26])
  t.deepEqual(seen.toSorted(), made.toSorted())
  const before = await discovery.publicRooms.list({ limit: 500, since: back ?? '' })
  t.deepEqual(
    before.chunk.map(room => room.room_id),
    seen.slice(0, 34),
  )
})
