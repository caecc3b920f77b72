import test from 'ava'
import { newPerson, serverTests } from '../../test-kit/people.ts'
import { bodies, contents, membersTold, roomOf, stateOf, types } from '../../test-kit/shown.ts'

const onServer = serverTests(test)

onServer('events are chosen by type, sender, room and url, each with its exclusion', async (t, server) => {
  const ann = await newPerson(server)
  const bob = await newPerson(server)
  const roomId = await roomOf(ann, [bob])
  const other = await roomOf(ann, [bob])
  const { next_batch: since } = await ann.sync()
  await ann.send(roomId, 'by ann')
  await bob.send(roomId, { body: 'picture', url: 'mxc://x/y' })
  await bob.send(roomId, { body: 'sticker' }, 'm.sticker')
  await bob.send(roomId, { body: 'question' }, 'm.s?icker')
  await bob.send(other, 'elsewhere')
  const told = async (timeline: object, room: object = {}) => {
    const { rooms } = await ann.sync({ since, filter: { room: { timeline, ...room } } })
    return Object.values(rooms?.join ?? {})
      .flatMap(one => bodies(one.timeline.events))
      .sort()
  }
  const all = ['by ann', 'elsewhere', 'picture', 'question', 'sticker']
  t.deepEqual(await told({}), all)
  t.deepEqual(await told({ types: ['m.st*'] }), ['sticker'])
  t.deepEqual(await told({ types: ['m.s?icker'] }), ['question'])
  t.deepEqual(await told({ types: ['m.*'], not_types: ['*.message'] }), ['question', 'sticker'])
  t.deepEqual(await told({ types: [] }), [])
  t.deepEqual(await told({ senders: [ann.userId] }), ['by ann'])
  t.deepEqual(await told({ not_senders: [bob.userId] }), ['by ann'])
  t.deepEqual(await told({ senders: [ann.userId], not_senders: [ann.userId] }), [])
  t.deepEqual(await told({ contains_url: true }), ['picture'])
  t.deepEqual(
    await told({ contains_url: false }),
    all.filter(body => body !== 'picture'),
  )
  t.deepEqual(await told({ rooms: [other] }), ['elsewhere'])
  t.deepEqual(await told({ not_rooms: [roomId] }), ['elsewhere'])
  t.deepEqual(await told({}, { rooms: [other] }), ['elsewhere'])
  t.deepEqual(
    await told({}, { not_rooms: [other] }),
    all.filter(body => body !== 'elsewhere'),
  )
  t.deepEqual(await told({}, { rooms: [other], not_rooms: [other] }), [])

  const page = await ann.messages(roomId, { dir: 'b', limit: 1, filter: { contains_url: true } })
  t.deepEqual(bodies(page.chunk), ['picture'])
  const nothing = await ann.messages(roomId, { dir: 'b', filter: { rooms: [other] } })
  t.deepEqual(nothing.chunk, [])
})

onServer('state and account data are filtered for themselves', async (t, server) => {
  const ann = await newPerson(server)
  const roomId = await roomOf(ann, [], { name: 'Tea', topic: 'Leaves' })
  await ann.setAccountData('org.a', { a: 1 })
  await ann.setAccountData('org.b', { b: 1 })
  await ann.setAccountData('org.a', { a: 1 }, roomId)
  await ann.setAccountData('org.b', { b: 1 }, roomId)
  const told = async (filter: object) => {
    const { rooms, account_data: global } = await ann.sync({ filter })
    const room = rooms?.join?.[roomId]
    const ours = (all: string[]) => all.filter(type => type.startsWith('org.')).sort()
    return {
      state: [...stateOf(room).keys()].filter(key => /name|topic/.test(key)).sort(),
      global: ours(types(global?.events)),
      local: ours(types(room?.account_data?.events)),
    }
  }
  const timeline = { limit: 1 }
  t.deepEqual(await told({ room: { timeline, state: { types: ['m.room.name'] } } }), {
    state: ['m.room.name '],
    global: ['org.a', 'org.b'],
    local: ['org.a', 'org.b'],
  })
  const none = { state: { types: [] }, account_data: { types: ['org.a'] } }
  t.deepEqual(await told({ account_data: { not_types: ['org.a'] }, room: { timeline, ...none } }), {
    state: [],
    global: ['org.b'],
    local: ['org.a'],
  })
  const elsewhere = { rooms: ['!other:localhost'] }
  t.deepEqual(
    await told({
      account_data: { types: ['org.*'], limit: 1 },
      room: { timeline, state: elsewhere, account_data: elsewhere },
    }),
    { state: [], global: ['org.b'], local: [] },
  )
})

onServer('a stored filter counts like an inline one; one that is none is refused', async (t, server) => {
  const ann = await newPerson(server)
  const roomId = await roomOf(ann)
  for (const body of ['a', 'b', 'c']) await ann.send(roomId, body)
  const path = `/user/${encodeURIComponent(ann.userId)}/filter`
  const { filter_id: filter = '' } = await ann.api('POST', path, { room: { timeline: { limit: 2 } } })
  t.deepEqual(bodies((await ann.sync({ filter })).rooms?.join?.[roomId]?.timeline.events), ['b', 'c'])
  for (const wrong of [
    '{',
    '{"room":{"timeline":{"limit":"2"}}}',
    '{"room":{"rooms":"!a"}}',
    '{"event_format":"x"}',
  ])
    await t.throwsAsync(ann.sync({ filter: wrong }), { message: /M_INVALID_PARAM/ }, wrong)
  await t.throwsAsync(ann.sync({ filter: 'unknown' }), { message: /M_NOT_FOUND/ })
})

onServer('only the fields that are asked for come, or the event as it travels', async (t, server) => {
  const ann = await newPerson(server)
  const roomId = await roomOf(ann)
  await ann.send(roomId, { body: 'x', 'm.relates': { key: 'k', other: 1 } })
  const last = async (filter: object) =>
    (await ann.sync({ filter })).rooms?.join?.[roomId]?.timeline.events.at(-1)
  const some = await last({ event_fields: ['content.body', 'content.m\\.relates.key'] })
  t.deepEqual(some?.content, { body: 'x', 'm.relates': { key: 'k' } })
  t.is(some?.unsigned, undefined)
  t.is(some?.sender, ann.userId)
  const raw = await last({ event_format: 'federation' })
  t.like(raw, { type: 'm.room.message', depth: 7, content: { body: 'x' } })
  t.truthy(raw?.event_id)
  t.is(typeof raw?.unsigned?.['age'], 'number')
})

onServer('lazy loading introduces who speaks, once', async (t, server) => {
  const [ann, bob, cat, dan] = await Promise.all([1, 2, 3, 4].map(() => newPerson(server, 'lazy')))
  if (!ann || !bob || !cat || !dan) return t.fail()
  const roomId = await roomOf(ann, [bob, cat, dan], { name: 'Tea' })
  await bob.send(roomId, 'hello')
  const lazily = { lazy_load_members: true }
  const filter = { room: { timeline: { limit: 1 }, state: lazily } }
  const first = await membersTold(ann, roomId, { filter })
  t.deepEqual(first.members, [ann.userId, bob.userId], 'the speaker, and the user')
  await bob.send(roomId, 'again')
  const second = await membersTold(ann, roomId, { filter, since: first.since })
  t.deepEqual(second.members, [])
  const repeated = { room: { state: { ...lazily, include_redundant_members: true } } }
  t.deepEqual((await membersTold(ann, roomId, { filter: repeated, since: first.since })).members, [
    bob.userId,
  ])
  await cat.send(roomId, 'me too')
  const third = await membersTold(ann, roomId, { filter, since: second.since })
  t.deepEqual(third.members, [cat.userId])
  // The answer was lost on its way: with the older token it is all told again.
  t.deepEqual((await membersTold(ann, roomId, { filter, since: second.since })).members, [cat.userId])
  t.deepEqual((await membersTold(ann, roomId, { filter })).members, [ann.userId, cat.userId])

  await dan.api('PUT', `/profile/${encodeURIComponent(dan.userId)}/displayname`, { displayname: 'Daniel' })
  await bob.send(roomId, 'one')
  await bob.send(roomId, 'two')
  const gap = await membersTold(ann, roomId, { filter, since: third.since })
  t.true(gap.room?.timeline.limited)
  t.true(gap.members.includes(dan.userId), 'what changed in a gap is told, whoever speaks')
  const page = await ann.messages(roomId, { dir: 'b', limit: 1, filter: lazily })
  t.deepEqual(
    page.state?.map(event => event.state_key),
    [bob.userId],
  )
})

onServer(
  'lazy loading leaves introductions to the timeline where it makes them itself',
  async (t, server) => {
    const ann = await newPerson(server)
    const bob = await newPerson(server)
    const roomId = await roomOf(ann, [], { name: 'Tea' })
    const filter = { room: { state: { lazy_load_members: true } } }
    const { since } = await membersTold(ann, roomId, { filter })
    await bob.change('join', roomId)
    await bob.send(roomId, 'hello')
    const told = await membersTold(ann, roomId, { filter, since })
    t.deepEqual(told.members, [])
    await bob.send(roomId, 'again')
    t.deepEqual((await membersTold(ann, roomId, { filter, since: told.since })).members, [])

    const short = { room: { timeline: { limit: 1 }, state: { lazy_load_members: true } } }
    const asBob = (since?: string) => membersTold(bob, roomId, { filter: short, since })
    await ann.send(roomId, 'hi')
    const met = await asBob()
    t.deepEqual(met.members, [ann.userId, bob.userId].sort())
    await bob.change('leave', roomId)
    const away = await asBob(met.since)
    await bob.change('join', roomId)
    const back = await asBob(away.since)
    t.false(back.members.includes(ann.userId))
    await ann.send(roomId, 'welcome')
    t.deepEqual((await asBob(back.since)).members, [ann.userId], 'known before, but that was another time')
  },
)

onServer('whoever comes back into a room is told who has changed there meanwhile', async (t, server) => {
  const [ann, bob, cat] = await Promise.all([1, 2, 3].map(() => newPerson(server, 'back')))
  if (!ann || !bob || !cat) return t.fail()
  for (const visibility of ['shared', 'joined']) {
    const roomId = await roomOf(ann, [bob, cat], { name: 'Tea' })
    const asBob = (since: string | undefined, limit: number) => {
      const filter = { room: { timeline: { limit }, state: { lazy_load_members: true } } }
      return membersTold(bob, roomId, { filter, since })
    }
    const toldOfCat = ({ room }: Awaited<ReturnType<typeof asBob>>) =>
      contents(room?.state?.events.filter(event => event.state_key === cat.userId)).map(
        content => (content as { membership: string }).membership,
      )
    await ann.setState(roomId, 'm.room.history_visibility', { history_visibility: visibility })
    await cat.send(roomId, 'hello')
    await ann.send(roomId, 'hi')
    const met = await asBob(undefined, 2)
    t.deepEqual(met.members, [ann.userId, bob.userId, cat.userId].sort())
    await bob.change('leave', roomId)
    const away = await asBob(met.since, 10)
    await bob.change('join', roomId)
    const back = await asBob(away.since, 1)
    t.deepEqual(toldOfCat(back), [], 'the same')
    await bob.change('leave', roomId)
    const awayAgain = await asBob(back.since, 10)
    await ann.change('ban', roomId, cat)
    await bob.change('join', roomId)
    // Where only those who are there see what happens, a longer timeline begins before the ban and leaves it out.
    const backAgain = await asBob(awayAgain.since, visibility === 'joined' ? 3 : 1)
    t.deepEqual(toldOfCat(backAgain), ['ban'], visibility)
    t.false(back.members.includes(ann.userId))
  }
})
