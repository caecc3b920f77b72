import test from 'ava'
import { FederationError } from '../../network/federation-client.ts'
import { testDatabase } from '../../test-kit/database.ts'
import { newRoom, testRooms } from '../../test-kit/rooms.ts'
import { federatedDiscovery } from './federated.ts'
import { createDiscovery } from './index.ts'
import type { Hierarchy, RemoteDiscovery } from './ports.ts'

const ALICE = '@alice:here.test'
const BOB = '@bob:here.test'

const remoteRoom = (roomId: string, more: object = {}, children: readonly string[] = []) => ({
  summary: {
    room_id: roomId,
    num_joined_members: 7,
    world_readable: false,
    guest_can_join: false,
    join_rule: 'public',
    ...more,
  },
  childrenState: children.map(child => ({
    type: 'm.space.child',
    state_key: child,
    sender: '@x:there.test',
    content: { via: ['there.test'] },
    origin_server_ts: 1,
  })),
})

/** Discovery of a server that asks others, which answer as given. */
const discoveryOver = async (t: Parameters<typeof testDatabase>[0], answers: Partial<RemoteDiscovery>) => {
  const { core, rooms, clock } = await testRooms(await testDatabase(t))
  const unexpected = async (): Promise<never> => {
    throw new Error('nobody was to be asked')
  }
  const remote = { publicRooms: unexpected, hierarchy: unexpected, reachBack: unexpected, ...answers }
  return {
    core,
    rooms,
    clock,
    discovery: createDiscovery({ core, rooms, remote, hasDirectory: true, directoryIsForServers: true }),
  }
}

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

test('rooms of a space that only others know are asked for, once, and shown to whom they may be', async t => {
  const asked: string[] = []
  const there: Record<string, Hierarchy> = {
    '!space:there.test': {
      room: remoteRoom('!space:there.test', { room_type: 'm.space', name: 'far space' }, [
        '!a:there.test',
        '!b:there.test',
      ]),
      children: [remoteRoom('!a:there.test', { name: 'far a' }), remoteRoom('!evil:there.test')],
      inaccessibleChildren: [],
    },
    '!b:there.test': {
      room: remoteRoom('!b:there.test', {
        name: 'far b',
        join_rule: 'restricted',
        allowed_room_ids: ['!no:x'],
      }),
      children: [],
      inaccessibleChildren: [],
    },
  }
  const { discovery, rooms, clock } = await discoveryOver(t, {
    hierarchy: async (servers, { roomId }) => {
      asked.push(`${servers.join(',')} ${roomId}`)
      return there[roomId]
    },
  })
  const space = await rooms.roomCreation.create(
    newRoom(rooms, ALICE, { name: 'near', isPublic: true, creationContent: { type: 'm.space' } }),
    { isDirect: false },
  )
  for (const child of ['!space:there.test', '!gone:there.test']) {
    const content = { via: ['there.test', 'here.test'] }
    const change = { roomId: space, type: 'm.space.child', stateKey: child, content }
    await rooms.sending.state({ ...requester, userId: ALICE }, change)
  }
  const names = async () =>
    (await discovery.spaceHierarchy.page(BOB, space, { suggestedOnly: false })).rooms.map(room => room.name)
  t.deepEqual(await names(), ['near', 'far space', 'far a'])
  const first = [...asked].sort()
  t.deepEqual(first, [
    'there.test !b:there.test',
    'there.test !gone:there.test',
    'there.test !space:there.test',
  ])
  t.deepEqual(await names(), ['near', 'far space', 'far a'])
  t.deepEqual(asked.slice(3), ['there.test !gone:there.test'], 'what was answered is remembered for a while')
  await clock.advance(10 * 60_000)
  await names()
  t.is(asked.length, 7)
  const summary = await discovery.roomSummaries.summary(BOB, '!space:there.test', ['there.test'])
  t.like(summary, { name: 'far space', num_joined_members: 7, membership: 'leave' })
  const hidden = discovery.roomSummaries.summary(BOB, '!b:there.test', [])
  await t.throwsAsync(hidden, { message: /may not see/ })
})

test('a page of a hierarchy holds no more children than anybody can take in', async t => {
  const spaces = Array.from({ length: 12 }, (_, n) => `!s${n}:there.test`)
  const children = Array.from({ length: 1_000 }, (_, n) => `!c${n}:there.test`)
  const { discovery, rooms } = await discoveryOver(t, {
    hierarchy: async (_, { roomId }) => {
      const room = remoteRoom(roomId, { room_type: 'm.space' }, children)
      const [first] = room.childrenState
      if (first !== undefined) Object.assign(first.content, { order: 'a', other: 'x'.repeat(60_000) })
      return spaces.includes(roomId) ? { room, children: [], inaccessibleChildren: [] } : undefined
    },
  })
  const creationContent = { type: 'm.space' }
  const top = await rooms.roomCreation.create(newRoom(rooms, ALICE, { creationContent }), { isDirect: false })
  for (const child of spaces) {
    const change = { roomId: top, type: 'm.space.child', stateKey: child, content: { via: ['there.test'] } }
    await rooms.sending.state({ ...requester, userId: ALICE }, change)
  }
  const request = { suggestedOnly: false, limit: 50, maxDepth: 1 }
  const page = await discovery.spaceHierarchy.page(ALICE, top, request)
  t.is(page.rooms.length, 1 + 9)
  const told = page.rooms[1]?.children_state.find(({ state_key: roomId }) => roomId === '!c0:there.test')
  t.deepEqual(told?.content, { via: ['there.test'], order: 'a' }, 'nor more than is known of a child')
  const from = page.next_batch
  const next = await discovery.spaceHierarchy.page(ALICE, top, { ...request, ...(from && { from }) })
  t.is(new Set([...page.rooms, ...next.rooms].map(room => room.room_id)).size, 13)
  t.is(next.next_batch, undefined)
})

test('another server is told of a space what its users may see', async t => {
  const { discovery, rooms } = await discoveryOver(t, {})
  const make = (fields: object) =>
    rooms.roomCreation.create(newRoom(rooms, ALICE, fields), { isDirect: false })
  const space = await make({ isPublic: true, creationContent: { type: 'm.space' } })
  const [open, closed] = [await make({ isPublic: true, name: 'open' }), await make({ name: 'closed' })]
  const ours = await make({ isPublic: true, name: 'ours', creationContent: { 'm.federate': false } })
  for (const child of [open, closed, ours]) {
    const change = { roomId: space, type: 'm.space.child', stateKey: child, content: { via: ['here.test'] } }
    await rooms.sending.state({ ...requester, userId: ALICE }, change)
  }
  const answer = await discovery.spaceHierarchy.forServer('there.test', space, false)
  t.is(answer.room.children_state.length, 3)
  t.deepEqual(
    answer.children.map(child => child.name),
    ['open'],
  )
  t.deepEqual(answer.inaccessible_children.toSorted(), [closed, ours].toSorted())
  const listed = ({ chunk }: { readonly chunk: readonly { name?: string | undefined }[] }) =>
    chunk.flatMap(room => room.name ?? []).sort()
  t.deepEqual(listed(await discovery.publicRooms.list({})), ['open', 'ours'])
  t.deepEqual(
    listed(await discovery.publicRooms.forServer({})),
    ['open'],
    'what others cannot join is not theirs',
  )
  await t.throwsAsync(discovery.spaceHierarchy.forServer('there.test', closed, false), {
    message: /may not see/,
  })
  const shutOut = { type: 'm.room.server_acl', stateKey: '', content: { allow: ['*'], deny: ['there.test'] } }
  await rooms.sending.state({ ...requester, userId: ALICE }, { roomId: open, ...shutOut })
  const shut = await discovery.spaceHierarchy.forServer('there.test', space, false)
  t.deepEqual(
    shut.inaccessible_children.toSorted(),
    [open, closed, ours].toSorted(),
    'who is shut out cannot join',
  )
  await t.throwsAsync(discovery.spaceHierarchy.forServer('there.test', open, false), {
    message: /may not see/,
  })
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
  const remote = federatedDiscovery(client, async () => false)
  const ask = { roomId: '!r:b.test', suggestedOnly: false }
  t.is(await remote.hierarchy(['a.test', 'b.test'], ask), answer)
  t.is(await remote.hierarchy(['a.test'], ask), undefined)
  await t.throwsAsync(remote.publicRooms('a.test', {}), { name: 'MatrixError', message: 'no' })
})

const requester = { deviceId: 'D', tokenId: 't', isGuest: false, isAdmin: false }

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
