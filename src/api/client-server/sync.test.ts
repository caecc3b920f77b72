import test from 'ava'
import { newPerson, serverTests } from '../../test-kit/people.ts'
import { bodies, contents, roomOf, stateOf, types } from '../../test-kit/shown.ts'

const onServer = serverTests(test)

onServer(
  'an initial sync tells all rooms with their state; an incremental one what came after',
  async (t, server) => {
    const ann = await newPerson(server, 'ann')
    const bob = await newPerson(server, 'bob')
    const roomId = await roomOf(ann, [bob], { name: 'Tea', topic: 'Leaves' })
    await bob.send(roomId, 'hello')
    const first = await ann.sync()
    const room = first.rooms?.join?.[roomId]
    const timeline = room?.timeline.events ?? []
    t.deepEqual(bodies(timeline), ['hello'])
    t.is(timeline.length, 10)
    t.true(room?.timeline.limited === false || stateOf(room).size > 0)
    const known = new Set([...(room?.state?.events ?? []), ...timeline].map(({ type }) => type))
    for (const type of ['m.room.create', 'm.room.name', 'm.room.topic', 'm.room.member'])
      t.true(known.has(type))
    t.deepEqual(room?.summary, { 'm.joined_member_count': 2, 'm.invited_member_count': 0 })

    const idle = await ann.sync({ since: first.next_batch })
    t.is(idle.rooms, undefined)
    const eventId = await bob.send(roomId, 'again')
    const second = await ann.sync({ since: idle.next_batch })
    const news = second.rooms?.join?.[roomId]
    t.deepEqual(
      news?.timeline.events.map(event => event.event_id),
      [eventId],
    )
    t.deepEqual(news?.state?.events, [])
    t.false(news?.timeline.limited)
    t.is(news?.timeline.prev_batch.split('.')[1], idle.next_batch.split('.')[1])
    t.is(news?.summary, undefined, 'nothing about the members has changed')
    t.deepEqual(Object.keys(second.rooms ?? {}), ['join'])
  },
)

onServer('a limited timeline joins /messages without loss or repetition', async (t, server) => {
  const ann = await newPerson(server)
  const bob = await newPerson(server)
  const roomId = await roomOf(ann, [bob])
  const { next_batch: since } = await ann.sync()
  for (let n = 0; n < 25; n++) await bob.send(roomId, `${n}`)
  const filter = { room: { timeline: { limit: 5 } } }
  const room = (await ann.sync({ since, filter })).rooms?.join?.[roomId]
  t.true(room?.timeline.limited)
  t.deepEqual(bodies(room?.timeline.events), ['20', '21', '22', '23', '24'])
  const gap: unknown[] = []
  let from: string | undefined = room?.timeline.prev_batch
  while (from !== undefined) {
    const page = await ann.messages(roomId, { dir: 'b', from, to: since, limit: 7 })
    gap.unshift(...bodies(page.chunk).reverse())
    from = page.end
  }
  t.deepEqual(
    gap,
    Array.from({ length: 20 }, (_, n) => `${n}`),
  )
  const forwards = await ann.messages(roomId, {
    dir: 'f',
    from: since,
    to: room?.timeline.prev_batch,
    limit: 50,
  })
  t.deepEqual(bodies(forwards.chunk), gap)
  t.is(forwards.end, undefined)
  t.is(forwards.start, since, '"this will be the same as the value given in `from`"')
  const first = await ann.messages(roomId, { dir: 'f', limit: 2 })
  const again = await ann.messages(roomId, { dir: 'f', limit: 2, from: first.start })
  t.deepEqual(types(again.chunk), types(first.chunk), 'a `start` is a token like others')
  const newest = await ann.messages(roomId, { dir: 'f', from: room?.timeline.prev_batch })
  t.deepEqual(bodies(newest.chunk), ['20', '21', '22', '23', '24'])
  t.is((await ann.messages(roomId, { dir: 'f', from: newest.end })).end, undefined, 'nothing so far')
  await bob.send(roomId, '25')
  const later = await ann.messages(roomId, { dir: 'f', from: newest.end })
  t.deepEqual(bodies(later.chunk), ['25'], 'who has caught up can go on from there')
})

onServer(
  'state in a gap is told as of the start of the timeline, or of its end if asked',
  async (t, server) => {
    const ann = await newPerson(server)
    const bob = await newPerson(server)
    const roomId = await roomOf(ann, [bob])
    const { next_batch: since } = await bob.sync()
    await ann.setState(roomId, 'm.room.topic', { topic: 'one' })
    await ann.setState(roomId, 'm.room.topic', { topic: 'two' })
    await ann.send(roomId, 'a')
    await ann.setState(roomId, 'm.room.topic', { topic: 'three' })
    await ann.send(roomId, 'b')
    const filter = { room: { timeline: { limit: 3 } } }
    const before = (await bob.sync({ since, filter })).rooms?.join?.[roomId]
    t.deepEqual(types(before?.timeline.events), ['m.room.message', 'm.room.topic', 'm.room.message'])
    t.deepEqual(
      before?.state?.events.map(event => event.content),
      [{ topic: 'two' }],
    )
    const after = (await bob.sync({ since, filter, use_state_after: true })).rooms?.join?.[roomId]
    t.deepEqual(
      after?.state_after?.events.map(event => event.content),
      [{ topic: 'three' }],
    )
    t.is(after?.state, undefined)
    const unstable = await bob.sync({ since, filter, 'org.matrix.msc4222.use_state_after': true })
    const room = unstable.rooms?.join?.[roomId]
    t.deepEqual(
      room?.['org.matrix.msc4222.state_after']?.events.map(({ content }) => content),
      [{ topic: 'three' }],
    )
    t.is(room?.state, undefined)
    t.is(room?.state_after, undefined)

    const all = (await bob.sync({ since, use_state_after: true })).rooms?.join?.[roomId]
    t.deepEqual(
      all?.state_after?.events.map(event => event.content),
      [{ topic: 'three' }],
      'also without a gap',
    )
    t.deepEqual((await bob.sync({ since })).rooms?.join?.[roomId]?.state?.events, [])
    await ann.send(roomId, 'c')
    const { next_batch: later } = await bob.sync()
    await ann.send(roomId, 'd')
    const none = (await bob.sync({ since: later, use_state_after: true })).rooms?.join?.[roomId]
    t.deepEqual(none?.state_after, { events: [] }, '"required, even if it is empty"')
  },
)

onServer(
  'what a filter keeps out of the timeline is told as state, so that none is lost',
  async (t, server) => {
    const ann = await newPerson(server)
    const bob = await newPerson(server)
    const roomId = await roomOf(ann, [bob])
    const filter = { room: { timeline: { types: ['m.room.message'], limit: 2 } } }
    const { next_batch: since } = await bob.sync({ filter })
    await ann.send(roomId, 'a')
    await ann.setState(roomId, 'm.room.topic', { topic: 'hidden' })
    await ann.send(roomId, 'b')
    const incremental = (await bob.sync({ since, filter })).rooms?.join?.[roomId]
    t.deepEqual(bodies(incremental?.timeline.events), ['a', 'b'])
    t.false(incremental?.timeline.limited)
    t.deepEqual(
      incremental?.state?.events.map(event => event.content),
      [{ topic: 'hidden' }],
    )
    const initial = (await bob.sync({ filter })).rooms?.join?.[roomId]
    t.deepEqual(stateOf(initial).get('m.room.topic ')?.content, { topic: 'hidden' })
  },
)

onServer('a room joined meanwhile comes with all of its state', async (t, server) => {
  const ann = await newPerson(server)
  const bob = await newPerson(server)
  const roomId = await roomOf(ann, [], { name: 'Tea' })
  await bob.setAccountData('m.tag', { tags: { early: {} } }, roomId)
  for (let n = 0; n < 5; n++) await ann.send(roomId, `${n}`)
  const { next_batch: since } = await bob.sync()
  await bob.change('join', roomId)
  const filter = { room: { timeline: { limit: 3 } } }
  const room = (await bob.sync({ since, filter })).rooms?.join?.[roomId]
  t.true(room?.timeline.limited)
  t.deepEqual(types(room?.timeline.events), ['m.room.message', 'm.room.message', 'm.room.member'])
  t.true(stateOf(room).has('m.room.create '))
  t.deepEqual(stateOf(room).get('m.room.name ')?.content, { name: 'Tea' })
  t.deepEqual(room?.summary, { 'm.joined_member_count': 2, 'm.invited_member_count': 0 })
  t.deepEqual(
    room?.account_data?.events.map(({ type }) => type),
    ['m.tag'],
  )

  const { next_batch: joined } = await bob.sync()
  await bob.change('leave', roomId)
  await ann.send(roomId, 'while bob is away')
  await bob.change('join', roomId)
  const back = (await bob.sync({ since: joined })).rooms?.join?.[roomId]
  t.deepEqual(types(back?.timeline.events), ['m.room.member', 'm.room.message', 'm.room.member'])
  t.deepEqual(back?.state?.events, [], 'the client was never without the room')
})

onServer('full_state tells all state again, and the timeline since the token', async (t, server) => {
  const ann = await newPerson(server)
  const bob = await newPerson(server)
  const roomId = await roomOf(ann, [bob], { name: 'Tea' })
  const quiet = await roomOf(bob)
  await ann.send(roomId, 'old')
  const { next_batch: since } = await bob.sync()
  await ann.send(roomId, 'new')
  await bob.api('PUT', `/profile/${encodeURIComponent(bob.userId)}/displayname`, { displayname: 'Bobby' })
  const rooms = (await bob.sync({ since, full_state: true, timeout: 60_000 })).rooms?.join
  t.deepEqual(bodies(rooms?.[roomId]?.timeline.events), ['new'])
  t.deepEqual(stateOf(rooms?.[roomId]).get('m.room.name ')?.content, { name: 'Tea' })
  t.true(stateOf(rooms?.[quiet]).has('m.room.create '))
  const later = await bob.sync()
  const idle = await bob.sync({ since: later.next_batch, full_state: true, timeout: 60_000 })
  t.deepEqual(idle.rooms?.join?.[roomId]?.timeline.events, [])
  t.true(stateOf(idle.rooms?.join?.[roomId]).has('m.room.create '))
})

onServer('full_state tells that somebody types no more', async (t, server) => {
  const ann = await newPerson(server)
  const bob = await newPerson(server)
  const roomId = await roomOf(ann, [bob])
  const typing = (is: boolean): Promise<unknown> =>
    ann.api('PUT', `/rooms/${roomId}/typing/${encodeURIComponent(ann.userId)}`, { typing: is })
  await typing(true)
  const shown = await bob.sync()
  t.deepEqual(contents(shown.rooms?.join?.[roomId]?.ephemeral?.events), [{ user_ids: [ann.userId] }])
  await typing(false)
  const whole = await bob.sync({ since: shown.next_batch, full_state: true })
  t.deepEqual(contents(whole.rooms?.join?.[roomId]?.ephemeral?.events), [{ user_ids: [] }])
})

onServer('account data is told when it changes, and no more once it is deleted', async (t, server) => {
  const ann = await newPerson(server)
  const roomId = await roomOf(ann)
  await ann.setAccountData('org.a', { a: 1 })
  const { next_batch: since } = await ann.sync()
  await ann.setAccountData('org.a', { a: 2 })
  await ann.setAccountData('m.tag', { tags: { x: {} } }, roomId)
  const news = await ann.sync({ since })
  t.deepEqual(contents(news.account_data?.events), [{ a: 2 }])
  t.deepEqual(contents(news.rooms?.join?.[roomId]?.account_data?.events), [{ tags: { x: {} } }])
  t.deepEqual(news.rooms?.join?.[roomId]?.timeline.events, [])
  const deletion = `/_matrix/client/unstable/org.matrix.msc3391/user/${ann.userId}/account_data/org.a`
  await server.request('DELETE', deletion, { token: ann.account.accessToken })
  t.deepEqual(contents((await ann.sync({ since: news.next_batch })).account_data?.events), [{}])
  t.false(types((await ann.sync()).account_data?.events).includes('org.a'))
})
