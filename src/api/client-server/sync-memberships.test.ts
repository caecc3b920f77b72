import test from 'ava'
import { newPerson, type Person, type ShownEvent, serverTests } from '../../test-kit/people.ts'
import { bodies, membersTold, roomOf, stateOf, types } from '../../test-kit/shown.ts'

const onServer = serverTests(test)

onServer('who leaves, is kicked or banned is told up to that, and nothing later', async (t, server) => {
  const ann = await newPerson(server)
  for (const how of ['leave', 'kick', 'ban']) {
    const bob = await newPerson(server)
    const roomId = await roomOf(ann, [bob])
    const { next_batch: since } = await bob.sync()
    await ann.send(roomId, 'before')
    if (how === 'leave') await bob.change('leave', roomId)
    else await ann.change(how, roomId, bob)
    await ann.send(roomId, 'after')
    await ann.setState(roomId, 'm.room.topic', { topic: 'secret' })
    const told = await bob.sync({ since })
    const room = told.rooms?.leave?.[roomId]
    t.is(told.rooms?.join, undefined)
    t.deepEqual(bodies(room?.timeline.events), ['before'])
    t.is(room?.timeline.events.at(-1)?.content['membership'], how === 'ban' ? 'ban' : 'leave')
    t.deepEqual(room?.state?.events, [])
    t.is((await bob.sync({ since: told.next_batch })).rooms, undefined)
    t.is((await bob.sync()).rooms?.leave, undefined)
    const filter = { room: { include_leave: true, timeline: { limit: 2 } } }
    const archived = (await bob.sync({ filter })).rooms?.leave?.[roomId]
    t.deepEqual(bodies(archived?.timeline.events), ['before'])
    t.false(JSON.stringify(archived).includes('secret'))
    const page = await bob.messages(roomId, { dir: 'b', from: archived?.timeline.prev_batch, limit: 100 })
    t.is(page.chunk.at(-1)?.type, 'm.room.create')
    if (how !== 'leave') continue
    await bob.change('forget', roomId)
    t.is((await bob.sync({ filter })).rooms?.leave, undefined, 'forgotten')
    await ann.change('ban', roomId, bob)
    t.is((await bob.sync({ filter })).rooms?.leave, undefined, 'a ban brings nothing back')
    t.is((await bob.sync({ since: told.next_batch })).rooms, undefined)
    await t.throwsAsync(bob.messages(roomId, { dir: 'b' }))
  }
})

onServer('a room left and forgotten on one device does not stay on another', async (t, server) => {
  const ann = await newPerson(server)
  const bob = await newPerson(server)
  const roomId = await roomOf(ann, [bob])
  const { next_batch: since } = await bob.sync()
  await bob.change('leave', roomId)
  await bob.change('forget', roomId)
  const room = (await bob.sync({ since })).rooms?.leave?.[roomId]
  t.deepEqual(
    room?.timeline.events.map(({ content }) => content['membership']),
    ['leave'],
  )
  await ann.change('invite', roomId, bob)
  const invited = await bob.sync({ since })
  t.truthy(invited.rooms?.invite?.[roomId])
  await bob.change('leave', roomId)
  await bob.change('forget', roomId)
  const declined = await bob.sync({ since: invited.next_batch })
  t.deepEqual(Object.keys(declined.rooms?.leave ?? {}), [roomId], 'nor does an invitation')
})

onServer('a ban after leaving tells the ban, not what happened between', async (t, server) => {
  const ann = await newPerson(server)
  const bob = await newPerson(server)
  const roomId = await roomOf(ann, [bob])
  await bob.change('leave', roomId)
  const { next_batch: since } = await bob.sync()
  await ann.send(roomId, 'unseen')
  await ann.setState(roomId, 'm.room.topic', { topic: 'secret' })
  await ann.change('ban', roomId, bob)
  const room = (await bob.sync({ since })).rooms?.leave?.[roomId]
  t.deepEqual(
    room?.timeline.events.map(({ content }) => content['membership']),
    ['ban'],
  )
  t.deepEqual(room?.state?.events, [])
  const state = await bob.api<ShownEvent[]>('GET', `/rooms/${roomId}/state`)
  t.false(JSON.stringify(state).includes('secret'))
})

onServer('joining and leaving between two syncs tells the room as left', async (t, server) => {
  const ann = await newPerson(server)
  const bob = await newPerson(server)
  const roomId = await roomOf(ann, [], { name: 'Tea' })
  await ann.send(roomId, 'early')
  const { next_batch: since } = await bob.sync()
  await bob.change('join', roomId)
  await ann.send(roomId, 'during')
  await bob.change('leave', roomId)
  await ann.send(roomId, 'late')
  const filter = { room: { timeline: { limit: 3 } } }
  const room = (await bob.sync({ since, filter })).rooms?.leave?.[roomId]
  t.deepEqual(types(room?.timeline.events), ['m.room.member', 'm.room.message', 'm.room.member'])
  t.true(room?.timeline.limited)
  t.deepEqual(stateOf(room).get('m.room.name ')?.content, { name: 'Tea' })
})

onServer(
  'a room without a name is called by its members, whose number is told when it changes',
  async (t, server) => {
    const people = await Promise.all(Array.from({ length: 7 }, () => newPerson(server, 'hero')))
    const [ann, bob, ...others] = people
    if (!ann || !bob) return t.fail()
    const roomId = await roomOf(ann)
    const { next_batch: since } = await ann.sync()
    await bob.change('join', roomId)
    for (const other of others) await ann.change('invite', roomId, other)
    const filter = { room: { timeline: { limit: 1 }, state: { lazy_load_members: true } } }
    const { members, room, since: later } = await membersTold(ann, roomId, { since, filter })
    const heroes = [bob, ...others].slice(0, 5).map(({ userId }) => userId)
    t.deepEqual(room?.summary, {
      'm.joined_member_count': 2,
      'm.invited_member_count': 5,
      'm.heroes': heroes,
    })
    for (const hero of heroes) t.true(members.includes(hero), 'heroes are introduced')
    await ann.setState(roomId, 'm.room.name', { name: 'Tea' })
    const named = await membersTold(ann, roomId, { since: later, filter })
    t.deepEqual(named.room?.summary, { 'm.joined_member_count': 2, 'm.invited_member_count': 5 })
    await ann.setState(roomId, 'm.room.name', {})
    for (const other of others) await ann.change('kick', roomId, other)
    await bob.change('leave', roomId)
    const alone = (await ann.sync({ since: named.since })).rooms?.join?.[roomId]
    t.is(alone?.summary?.['m.joined_member_count'], 1)
    const gone = [bob, ...others].map(({ userId }) => userId)
    const former = (alone?.summary?.['m.heroes'] ?? []) as string[]
    t.is(former.length, 5)
    for (const hero of former) t.true(gone.includes(hero), 'those who were there')
  },
)

onServer(
  'who comes in is told anew what lies before a word that they were told by itself',
  async (t, server) => {
    const ann = await newPerson(server)
    const ends = {
      kicked: [(roomId: string, bob: Person) => ann.change('kick', roomId, bob), 'invite'],
      declined: [(roomId: string, bob: Person) => bob.change('leave', roomId), 'invite'],
      unbanned: [(roomId: string, bob: Person) => ann.change('unban', roomId, bob), 'ban'],
    } as const
    for (const [how, [end, before]] of Object.entries(ends)) {
      const bob = await newPerson(server)
      const roomId = await roomOf(ann, [bob])
      let since = (await bob.sync()).next_batch
      const told = async () => {
        const answer = await bob.sync({ since })
        since = answer.next_batch
        return answer.rooms?.join?.[roomId] ?? answer.rooms?.leave?.[roomId]
      }
      await bob.change('leave', roomId)
      await told()
      await ann.send(roomId, 'unseen')
      await ann.change(before, roomId, bob)
      await told()
      await end(roomId, bob)
      const alone = await told()
      t.deepEqual(types(alone?.timeline.events), ['m.room.member'], how)
      await ann.send(roomId, 'later')
      await ann.change('invite', roomId, bob)
      await bob.change('join', roomId)
      const room = await told()
      t.deepEqual([bodies(room?.timeline.events), room?.timeline.limited], [['later'], true], how)
      const known = new Set(alone?.timeline.events.map(event => event.event_id))
      t.false(room?.timeline.events.some(event => known.has(event.event_id)))
      const page = await bob.messages(roomId, { dir: 'b', from: room?.timeline.prev_batch, limit: 3 })
      t.true(page.chunk.some(event => known.has(event.event_id)))
      t.deepEqual(bodies(page.chunk), ['unseen'])
    }
  },
)

onServer('who comes back into a room is told anew what lies before their leaving', async (t, server) => {
  const ann = await newPerson(server)
  const bob = await newPerson(server)
  const roomId = await roomOf(ann, [bob])
  const { next_batch } = await bob.sync()
  for (let n = 0; n < 12; n++) await ann.send(roomId, `${n}`)
  await ann.change('kick', roomId, bob)
  const { rooms, next_batch: since } = await bob.sync({ since: next_batch })
  t.true(rooms?.leave?.[roomId]?.timeline.limited, 'which clients do not heed')
  await ann.send(roomId, 'unseen')
  await ann.change('invite', roomId, bob)
  await bob.change('join', roomId)
  const room = (await bob.sync({ since })).rooms?.join?.[roomId]
  t.deepEqual([bodies(room?.timeline.events), room?.timeline.limited], [['unseen'], true])
  const page = await bob.messages(roomId, { dir: 'b', from: room?.timeline.prev_batch, limit: 13 })
  t.is(page.chunk[0]?.state_key, bob.userId, 'their leaving')
  t.deepEqual(
    bodies(page.chunk),
    Array.from({ length: 12 }, (_, n) => `${11 - n}`),
  )
})
