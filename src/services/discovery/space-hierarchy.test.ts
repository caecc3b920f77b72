import test from 'ava'
import { discoveryOver, remoteRoom } from '../../test-kit/discovery.ts'
import { newRoom } from '../../test-kit/rooms.ts'
import type { Hierarchy } from './ports.ts'

const ALICE = '@alice:here.test'
const BOB = '@bob:here.test'
const requester = { deviceId: 'D', tokenId: 't', isGuest: false, isAdmin: false }

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

test('a space most of whose rooms are on servers that are gone is shown without them, and soon', async t => {
  const { discovery, rooms, clock } = await discoveryOver(t, {
    hierarchy: async () => {
      await clock.sleep(10_000)
      return undefined
    },
  })
  const space = await rooms.roomCreation.create(
    newRoom(rooms, ALICE, { name: 'near', isPublic: true, creationContent: { type: 'm.space' } }),
    { isDirect: false },
  )
  for (let n = 0; n < 60; n++) {
    const content = { via: [`gone${n}.test`] }
    const change = { roomId: space, type: 'm.space.child', stateKey: `!r${n}:gone${n}.test`, content }
    await rooms.sending.state({ ...requester, userId: ALICE }, change)
  }
  const page = discovery.spaceHierarchy.page(BOB, space, { suggestedOnly: false })
  await clock.advance(30_000)
  const names = (await Promise.race([page, clock.sleep(1).then(() => undefined)]))?.rooms
  t.deepEqual(
    names?.map(room => room.name),
    ['near'],
  )
})

test('what a server says of a room in a space of its own is nothing to the spaces of others', async t => {
  const honest = remoteRoom('!lobby:there.test', { name: 'lobby', room_type: 'm.space' }, [
    '!hall:there.test',
  ])
  const forged = remoteRoom('!lobby:there.test', { name: 'forged', room_type: 'm.space' }, [
    '!trap:evil.test',
  ])
  const evil = (roomId: string): Hierarchy | undefined => {
    const names = ['!lobby:there.test']
    const room = remoteRoom(roomId, { room_type: 'm.space' }, names)
    if (roomId === '!evil:evil.test') return { room, children: [forged], inaccessibleChildren: [] }
    return roomId === forged.summary.room_id
      ? { room: forged, children: [], inaccessibleChildren: [] }
      : undefined
  }
  const { discovery, rooms } = await discoveryOver(t, {
    hierarchy: async ([server], { roomId }) => {
      if (server === 'evil.test') return evil(roomId)
      return roomId === honest.summary.room_id
        ? { room: honest, children: [], inaccessibleChildren: [] }
        : undefined
    },
  })
  const spaceWith = async (child: string, via: readonly string[]): Promise<string> => {
    const settings = { isPublic: true, creationContent: { type: 'm.space' } }
    const space = await rooms.roomCreation.create(newRoom(rooms, ALICE, settings), { isDirect: false })
    const change = { roomId: space, type: 'm.space.child', stateKey: child, content: { via } }
    await rooms.sending.state({ ...requester, userId: ALICE }, change)
    return space
  }
  const names = async (space: string) =>
    (await discovery.spaceHierarchy.page(BOB, space, { suggestedOnly: false })).rooms.map(room => room.name)
  t.deepEqual((await names(await spaceWith('!evil:evil.test', ['evil.test']))).at(-1), 'forged')
  t.deepEqual((await names(await spaceWith('!lobby:there.test', ['evil.test']))).at(-1), 'forged')
  t.deepEqual((await names(await spaceWith('!lobby:there.test', ['there.test']))).at(-1), 'lobby')
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

test('rooms that are found late, or not any more, move none from page to page', async t => {
  const there = new Map<string, Hierarchy>()
  const { discovery, rooms } = await discoveryOver(t, {
    hierarchy: async (_, { roomId }) => there.get(roomId),
  })
  const space = await rooms.roomCreation.create(
    newRoom(rooms, ALICE, { name: 'near', isPublic: true, creationContent: { type: 'm.space' } }),
    { isDirect: false },
  )
  const idOf = (name: string): string => `!${name}:there.test`
  const appears = (name: string): void => {
    const room = remoteRoom(idOf(name), { name })
    there.set(idOf(name), { room, children: [], inaccessibleChildren: [] })
  }
  const setChild = (name: string, content: { order?: string; via?: string[] }) =>
    rooms.sending.state(
      { ...requester, userId: ALICE },
      { roomId: space, type: 'm.space.child', stateKey: idOf(name), content },
    )
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f'])
    await setChild(name, { order: name, via: ['there.test'] })
  for (const name of ['b', 'c', 'd', 'e', 'f']) appears(name)
  const page = async (limit: number, from?: string) => {
    const { rooms: shown, next_batch: next } = await discovery.spaceHierarchy.page(BOB, space, {
      ...{ suggestedOnly: false, limit },
      ...(from === undefined ? {} : { from }),
    })
    return { names: shown.map(room => room.name), next }
  }
  const first = await page(3)
  t.deepEqual(first.names, ['near', 'b', 'c'])
  appears('a')
  const second = await page(2, first.next)
  t.deepEqual(second.names, ['d', 'e'], 'nothing is shown again')
  await setChild('b', {})
  t.deepEqual((await page(2, first.next)).names, ['d', 'e'], 'nothing is left out')
  t.deepEqual((await page(2, second.next)).names, ['f'])
  await setChild('c', {})
  t.deepEqual((await page(2, first.next)).names, ['e', 'f'], 'where its end is gone the number decides')
  t.deepEqual((await page(2, 'h2.50.0')).names, ['d', 'e'], 'as in tokens of before')
  await t.throwsAsync(page(2, 'h2.50.1'), { message: /cannot change/ })
  await t.throwsAsync(page(2, 'h2'), { message: /not a token/ })
  const another = await rooms.roomCreation.create(
    newRoom(rooms, ALICE, { isPublic: true, creationContent: { type: 'm.space' } }),
    { isDirect: false },
  )
  const elsewhere = { suggestedOnly: false, ...(first.next === undefined ? {} : { from: first.next }) }
  await t.throwsAsync(discovery.spaceHierarchy.page(BOB, another, elsewhere), { message: /another room/ })
})
