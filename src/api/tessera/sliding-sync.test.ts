/** Sliding sync over HTTP, as Element X speaks it. */
import test from 'ava'
import { newPerson, Person, Refused, serverTests } from '../../test-kit/people.ts'
import { bodies, roomOf } from '../../test-kit/shown.ts'
import { list, only, type SlidRoom, slide, stateKeys } from '../../test-kit/sliding-client.ts'

const onServer = serverTests(test)

onServer('windows on the list: the most recent rooms first, each once', async (t, server) => {
  const ann = await newPerson(server)
  const rooms: string[] = []
  for (const name of ['one', 'two', 'three', 'four']) rooms.push(await ann.createRoom({ name }))
  const [one = '', two = '', three = '', four = ''] = rooms
  const first = await slide(ann, list(1))
  t.deepEqual(first.lists, { all: { count: 4 } })
  t.deepEqual(Object.keys(first.rooms), [four, three])
  t.like(first.rooms[four], { initial: true, name: 'four', limited: true, num_live: 0, joined_count: 1 })
  t.deepEqual(stateKeys(first.rooms[four] ?? {}), ['m.room.create '])
  const wider = await slide(ann, list(9), first.pos)
  t.deepEqual(Object.keys(wider.rooms), [two, one])
  t.deepEqual((await slide(ann, list(9), wider.pos)).rooms, {})
  const again = await slide(ann, list(9), wider.pos)
  await ann.send(one, 'hello')
  await ann.setState(two, 'm.room.name', { name: '' })
  const news = await slide(ann, list(9), again.pos)
  t.deepEqual(Object.keys(news.rooms), [two, one], 'ordered by what happened last')
  t.like(news.rooms[one], { initial: undefined, name: undefined, limited: false, num_live: 1 })
  t.deepEqual(bodies(news.rooms[one]?.timeline), ['hello'])
  t.is(news.rooms[two]?.name, null)
  const { chunk } = await ann.messages(one, { dir: 'b', from: news.rooms[one]?.prev_batch, limit: 1 })
  t.is(chunk[0]?.type, 'm.room.name', 'prev_batch leads on in /messages')
  t.is((await ann.messages(one, { dir: 'b', from: news.pos, limit: 1 })).chunk[0]?.content['body'], 'hello')
})

onServer('an invitation stands among the rooms where it came', async (t, server) => {
  const [ann, bob] = [await newPerson(server), await newPerson(server)]
  const [older, newer] = [await bob.createRoom(), await bob.createRoom()]
  const invitation = await ann.createRoom({ invite: [bob.account.userId] })
  await bob.send(newer, 'later')
  const { rooms } = await slide(bob, list(9))
  t.deepEqual(Object.keys(rooms), [newer, invitation, older])
  const stamps = Object.values(rooms).map(room => room.bump_stamp ?? 0)
  t.deepEqual(
    stamps,
    stamps.toSorted((a, b) => b - a),
    'so do clients that sort them by themselves',
  )
  t.deepEqual(Object.keys((await slide(bob, list(0))).rooms), [newer])
})

onServer('a response that did not arrive is made again; other tokens are refused', async (t, server) => {
  const [ann, bob] = [await newPerson(server), await newPerson(server)]
  const roomId = await ann.createRoom()
  const { pos } = await slide(ann, list(9))
  const idle = await slide(ann, list(9), pos)
  await ann.send(roomId, 'first')
  const lost = await slide(ann, list(9), idle.pos)
  await ann.send(roomId, 'second')
  const made = await slide(ann, list(9, { timeline_limit: 5 }), idle.pos)
  t.deepEqual(bodies(made.rooms[roomId]?.timeline).slice(-2), ['first', 'second'])
  const unknown = { code: '400 M_UNKNOWN_POS' }
  await t.throwsAsync(slide(bob, list(9), made.pos), unknown, 'nobody else may go on with it')
  await t.throwsAsync(slide(ann, { ...list(9), conn_id: 'other' }, made.pos), unknown)
  const other = await slide(ann, { ...list(9), conn_id: 'other' })
  t.true(other.rooms[roomId]?.initial)
  t.deepEqual((await slide(ann, list(9), made.pos)).rooms, {}, 'connections do not disturb each other')
  await t.throwsAsync(slide(ann, list(9), lost.pos), unknown, 'the client has gone on from another')
  const pairs = (of: number) => Array.from({ length: 400 }, (_, n) => [`t${of}.${n}`, ''])
  const many = { room_subscriptions: {}, ...list(9, { required_state: pairs(0) }) }
  const subscribed = (of: number) => ({ [`!${of}:x`]: { required_state: pairs(of), timeline_limit: 1 } })
  t.truthy((await slide(ann, { ...many, room_subscriptions: subscribed(0) })).pos, 'the same once more')
  const tooMany = { ...many, room_subscriptions: { ...subscribed(1), ...subscribed(2) } }
  for (const bad of [tooMany, { lists: [] }, list(9, { ranges: 'x' }), list(9, { required_state: [['a']] })])
    await t.throwsAsync(slide(ann, bad), { instanceOf: Refused, message: /^400/ })
})

onServer(
  'who gives up a request and asks otherwise goes on from whichever answer comes',
  async (t, server) => {
    const ann = await newPerson(server)
    const roomId = await ann.createRoom()
    const wide = list(9, { timeline_limit: 9, required_state: [['*', '*']] })
    for (const which of [0, 1]) {
      const { pos } = await slide(ann, list(0))
      await ann.send(roomId, `said ${which}`)
      const answers = await Promise.all([slide(ann, wide, pos), slide(ann, list(0), pos)])
      const [got, other] = which === 0 ? answers : answers.toReversed()
      for (const { rooms } of answers) t.is(bodies(rooms[roomId]?.timeline).at(-1), `said ${which}`)
      const { rooms } = await slide(ann, which === 0 ? wide : list(0), got?.pos)
      t.deepEqual(bodies(rooms[roomId]?.timeline), [], 'that was received')
      await t.throwsAsync(slide(ann, list(0), other?.pos), { code: '400 M_UNKNOWN_POS' })
    }
  },
)

onServer(
  'a device that is logged out while it waits hears nothing of what comes after',
  async (t, server) => {
    const [ann, bob] = [await newPerson(server), await newPerson(server)]
    const roomId = await roomOf(ann, [bob])
    const lost = new Person(server, await server.login(bob.userId))
    const { pos } = await slide(lost, list(9))
    const waiting = slide(lost, list(9), pos, 30_000)
    // By then it waits.
    for (let count = 0; count < 3; count++) await slide(bob, list(9))
    await bob.api('POST', '/logout/all', {})
    await ann.send(roomId, 'a secret')
    t.deepEqual((await waiting).rooms, {})
  },
)

onServer('who waits is woken by what concerns their rooms', async (t, server) => {
  const [ann, bob] = [await newPerson(server), await newPerson(server)]
  const roomId = await roomOf(ann, [bob])
  const { pos } = await slide(ann, list(9))
  const waiting = slide(ann, list(9), pos, 30_000)
  await bob.send(roomId, 'hello')
  t.deepEqual(bodies(only(await waiting, roomId).timeline), ['hello'])
})

onServer('who waits sees a room only once they are in it, and then as it is', async (t, server) => {
  const [ann, bob] = [await newPerson(server), await newPerson(server)]
  const wanted = list(9, {
    timeline_limit: 20,
    required_state: [
      ['m.room.create', ''],
      ['m.room.member', '$ME'],
    ],
  })
  const own = (room: SlidRoom | undefined) =>
    room?.required_state?.find(({ type }) => type === 'm.room.member')?.content['membership']
  const invitedTo = await ann.createRoom({ invite: [bob.account.userId] })
  let { pos } = await slide(bob, wanted)
  const joining = slide(bob, wanted, pos, 30_000)
  await bob.api('POST', `/join/${encodeURIComponent(invitedTo)}`, {})
  const joined = await joining
  t.like(joined.rooms[invitedTo], { initial: true, membership: 'join' })
  t.is(own(joined.rooms[invitedTo]), 'join')
  ;({ pos } = await slide(bob, wanted, joined.pos))
  const making = slide(bob, wanted, pos, 30_000)
  const made = await bob.createRoom()
  const room = only(await making, made)
  t.like(room, { initial: true, membership: 'join' })
  t.is(own(room), 'join')
  t.is(room.timeline?.[0]?.type, 'm.room.create')
})

onServer('subscriptions: more of one room, at once; members as they are needed', async (t, server) => {
  const [ann, bob, carl] = [await newPerson(server), await newPerson(server), await newPerson(server)]
  const roomId = await roomOf(ann, [bob, carl])
  for (const text of ['1', '2', '3']) await bob.send(roomId, text)
  const { pos } = await slide(ann, list(9))
  const required_state = [
    ['m.room.create', ''],
    ['m.room.member', '$LAZY'],
    ['m.room.member', '$ME'],
  ]
  const subscribed = { ...list(9), room_subscriptions: { [roomId]: { timeline_limit: 3, required_state } } }
  const more = await slide(ann, subscribed, pos)
  const room = only(more, roomId)
  t.like(room, { expanded_timeline: true, limited: true, initial: undefined, num_live: 0 })
  t.deepEqual(bodies(room.timeline), ['1', '2', '3'])
  t.deepEqual(stateKeys(room), [`m.room.member ${ann.userId}`, `m.room.member ${bob.userId}`].toSorted())
  await carl.send(roomId, '4')
  await bob.send(roomId, '5')
  const next = await slide(ann, subscribed, more.pos)
  t.deepEqual(
    stateKeys(only(next, roomId)),
    [`m.room.member ${carl.userId}`],
    'who is known already is not told again',
  )
  await ann.setState(roomId, 'm.room.topic', { topic: 't' })
  const wild = {
    ...list(9),
    room_subscriptions: { [roomId]: { timeline_limit: 3, required_state: [['*', '*']] } },
  }
  const all = only(await slide(ann, wild, next.pos), roomId)
  t.true(stateKeys(all).includes('m.room.topic '))
  t.true(stateKeys(all).includes('m.room.power_levels '), 'state that was not wanted before')
  const elsewhere = await bob.createRoom()
  t.deepEqual((await slide(carl, { room_subscriptions: { [elsewhere]: {}, '!no:x': {}, no: {} } })).rooms, {})
})

onServer('invitations, joining, leaving, being put out', async (t, server) => {
  const [ann, bob] = [await newPerson(server), await newPerson(server)]
  const roomId = await ann.createRoom({ name: 'Tea' })
  await ann.change('invite', roomId, bob)
  const invited = await slide(bob, list(9))
  t.like(only(invited, roomId), { initial: true, membership: 'invite' })
  t.true(only(invited, roomId).invite_state?.some(({ type }) => type === 'm.room.name'))
  await bob.change('join', roomId)
  const joined = await slide(bob, list(9), invited.pos)
  t.like(only(joined, roomId), { initial: true, membership: 'join', name: 'Tea', num_live: 1 })
  await ann.send(roomId, 'before')
  await ann.change('kick', roomId, bob)
  await ann.send(roomId, 'after')
  await ann.setState(roomId, 'm.room.create.secret', { secret: true })
  const kicked = await slide(bob, list(9, { timeline_limit: 9, required_state: [['*', '*']] }), joined.pos)
  t.is(only(kicked, roomId).membership, 'leave')
  t.deepEqual(bodies(only(kicked, roomId).timeline), ['before'])
  t.false(JSON.stringify(kicked).includes('secret'))
  t.deepEqual((await slide(bob, list(9), kicked.pos)).rooms, {})
  const anew = await slide(bob, list(9))
  t.like(only(anew, roomId), { initial: true, membership: 'leave' }, 'whoever was put out is told')
  const own = await bob.createRoom()
  const { pos } = await slide(bob, list(9), anew.pos)
  await bob.change('leave', own)
  t.is(only(await slide(bob, list(9), pos), own).membership, 'leave')
  t.deepEqual(
    Object.keys((await slide(bob, list(9))).rooms),
    [roomId],
    'who has left of their own accord knows',
  )
})

onServer('lists by direct rooms, types, encryption, invitations, tags and spaces', async (t, server) => {
  const [ann, bob] = [await newPerson(server), await newPerson(server)]
  const plain = await ann.createRoom()
  const secret = await ann.createRoom({
    initial_state: [{ type: 'm.room.encryption', content: { algorithm: 'm.megolm.v1.aes-sha2' } }],
  })
  const space = await ann.createRoom({ creation_content: { type: 'm.space' } })
  await ann.setState(space, 'm.space.child', { via: ['x'] }, plain)
  await ann.setAccountData('m.direct', { [bob.userId]: [secret] })
  await ann.setAccountData('m.tag', { tags: { 'm.favourite': {} } }, plain)
  const invitation = await bob.createRoom()
  await bob.change('invite', invitation, ann)
  const passing = async (filters: object): Promise<string[]> =>
    Object.keys((await slide(ann, list(9, { filters }))).rooms).toSorted()
  const cases: [object, string[]][] = [
    [{ is_dm: true }, [secret]],
    [{ is_dm: false, is_invite: false }, [plain, space]],
    [{ is_encrypted: true }, [secret]],
    [{ is_invite: true }, [invitation]],
    [{ room_types: ['m.space'] }, [space]],
    [{ not_room_types: ['m.space'], is_invite: false }, [plain, secret]],
    [{ room_types: [null], is_encrypted: false, is_invite: false }, [plain]],
    [{ tags: ['m.favourite'] }, [plain]],
    [{ not_tags: ['m.favourite'], room_types: [null], is_invite: false }, [secret]],
    [{ spaces: [space, '!unknown:x'] }, [plain]],
    [{}, [plain, secret, space, invitation]],
  ]
  for (const [filters, expected] of cases)
    t.deepEqual(await passing(filters), expected.toSorted(), JSON.stringify(filters))
  t.true((await slide(ann, list(9))).rooms[secret]?.is_dm)
})
