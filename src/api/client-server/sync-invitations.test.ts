import test from 'ava'
import { newPerson, type ShownEvent, serverTests } from '../../test-kit/people.ts'
import { types } from '../../test-kit/shown.ts'

const onServer = serverTests(test)

onServer(
  'invitations come with stripped state, and go when they are refused, withdrawn or accepted',
  async (t, server) => {
    const ann = await newPerson(server)
    const bob = await newPerson(server)
    const invite = async () => {
      const roomId = await ann.createRoom({ preset: 'private_chat', name: 'Tea', topic: 'Leaves' })
      const { next_batch: before } = await bob.sync()
      await ann.change('invite', roomId, bob, { reason: 'come' })
      const told = await bob.sync({ since: before })
      return { roomId, told, events: told.rooms?.invite?.[roomId]?.invite_state.events ?? [] }
    }
    const { roomId, told, events } = await invite()
    const own = events.find(event => event.type === 'm.room.member' && event.state_key === bob.userId)
    t.is(own?.content['membership'], 'invite')
    t.is(own?.content['reason'], 'come')
    t.is(own?.sender, ann.userId)
    for (const type of ['m.room.create', 'm.room.join_rules', 'm.room.name', 'm.room.topic', 'm.room.member'])
      t.true(types(events).includes(type), type)
    const keys = new Set(events.flatMap(event => Object.keys(event)))
    t.deepEqual([...keys].sort(), ['content', 'sender', 'state_key', 'type'])
    t.deepEqual((await bob.sync()).rooms?.invite?.[roomId]?.invite_state.events, events)

    await bob.change('leave', roomId)
    const refused = await bob.sync({ since: told.next_batch })
    t.is(refused.rooms?.invite, undefined)
    const left = refused.rooms?.leave?.[roomId]
    t.deepEqual(
      left?.timeline.events.map(({ content }) => content['membership']),
      ['leave'],
    )
    t.deepEqual(left?.state?.events, [], 'of the room itself nothing is told')
    t.is((await bob.sync()).rooms?.invite?.[roomId], undefined)

    const second = await invite()
    await ann.change('kick', second.roomId, bob)
    const withdrawn = await bob.sync({ since: second.told.next_batch })
    t.is(withdrawn.rooms?.leave?.[second.roomId]?.timeline.events[0]?.sender, ann.userId)

    const third = await invite()
    await bob.change('join', third.roomId)
    const accepted = await bob.sync({ since: third.told.next_batch })
    t.deepEqual(Object.keys(accepted.rooms ?? {}), ['join'])
    t.truthy(accepted.rooms?.join?.[third.roomId])
  },
)

onServer('knocks are told, and what becomes of them', async (t, server) => {
  const ann = await newPerson(server)
  const bob = await newPerson(server)
  const joinRules = { type: 'm.room.join_rules', state_key: '', content: { join_rule: 'knock' } }
  const roomId = await ann.createRoom({ name: 'Tea', initial_state: [joinRules] })
  const { next_batch: since } = await bob.sync()
  await bob.api('POST', `/knock/${encodeURIComponent(roomId)}`, { reason: 'please' })
  const knocked = await bob.sync({ since })
  const events = knocked.rooms?.knock?.[roomId]?.knock_state.events ?? []
  t.true(types(events).includes('m.room.create'))
  const own = events.find(event => event.state_key === bob.userId)
  t.is(own?.content['membership'], 'knock')
  t.truthy((await bob.sync()).rooms?.knock?.[roomId])
  await ann.change('invite', roomId, bob)
  const invited = await bob.sync({ since: knocked.next_batch })
  t.truthy(invited.rooms?.invite?.[roomId])
  t.is(invited.rooms?.knock, undefined)
})

onServer(
  'a knock that is withdrawn where nobody is left to hear it is told to have ended',
  async (t, server) => {
    const ann = await newPerson(server)
    const bob = await newPerson(server)
    const joinRules = { type: 'm.room.join_rules', state_key: '', content: { join_rule: 'knock' } }
    const roomId = await ann.createRoom({ initial_state: [joinRules] })
    await bob.api('POST', `/knock/${encodeURIComponent(roomId)}`, {})
    const knocked = await bob.sync()
    t.truthy(knocked.rooms?.knock?.[roomId])
    await ann.change('leave', roomId)
    await bob.change('leave', roomId)
    const ended = await bob.sync({ since: knocked.next_batch })
    t.deepEqual(ended.rooms?.leave?.[roomId]?.timeline.events.at(-1)?.content['membership'], 'leave')
    t.is((await bob.sync()).rooms?.knock, undefined)
  },
)

onServer(
  'whoever takes state from state_after, or keeps members out of timelines, hears there of the end',
  async (t, server) => {
    const ann = await newPerson(server)
    const bob = await newPerson(server)
    const knocking = { type: 'm.room.join_rules', state_key: '', content: { join_rule: 'knock' } }
    const ends = {
      leave: [['invite', 'leave'], () => bob.change('leave', roomId)],
      withdraw: [['invite', 'leave'], () => ann.change('kick', roomId, bob)],
      refuse: [['knock', 'leave'], () => ann.change('kick', roomId, bob)],
      banAfterLeaving: [['leave', 'ban'], () => ann.change('ban', roomId, bob)],
    } as const
    let roomId = ''
    for (const [how, [[first, last], end]] of Object.entries(ends)) {
      roomId = await ann.createRoom({ initial_state: [knocking] })
      if (first === 'knock') await bob.api('POST', `/knock/${encodeURIComponent(roomId)}`, {})
      else await ann.change('invite', roomId, bob)
      if (first === 'leave') {
        await bob.change('join', roomId)
        await bob.change('leave', roomId)
      }
      const { next_batch: since } = await bob.sync()
      await end()
      const own = (events: readonly ShownEvent[] = []) =>
        events.filter(event => event.state_key === bob.userId).map(({ content }) => content['membership'])
      const after = (await bob.sync({ since, use_state_after: true })).rooms?.leave?.[roomId]
      t.deepEqual(own(after?.timeline.events), [last], how)
      t.deepEqual(own(after?.state_after?.events), [last], how)
      const filter = { room: { timeline: { not_types: ['m.room.member'] } } }
      const kept = (await bob.sync({ since, filter })).rooms?.leave?.[roomId]
      t.deepEqual(own(kept?.timeline.events), [], how)
      t.deepEqual(own(kept?.state?.events), [last], how)
    }
  },
)

onServer('an invitation that was not wanted is told once it is', async (t, server) => {
  const ann = await newPerson(server)
  const bob = await newPerson(server)
  const wishes = {
    'm.ignored_user_list': [{ ignored_users: { [ann.userId]: {} } }, { ignored_users: {} }],
    'org.matrix.msc4155.invite_permission_config': [{ ignored_users: [ann.userId] }, {}],
  } as const
  for (const [type, [unwanted, wanted]] of Object.entries(wishes)) {
    await bob.setAccountData(type, unwanted)
    const roomId = await ann.createRoom({ name: 'Tea' })
    await ann.change('invite', roomId, bob)
    const before = await bob.sync()
    t.is(before.rooms?.invite?.[roomId], undefined)
    await bob.setAccountData(type, wanted)
    const told = await bob.sync({ since: before.next_batch })
    t.deepEqual(told.rooms?.invite?.[roomId], (await bob.sync()).rooms?.invite?.[roomId], type)
    t.truthy(told.rooms?.invite?.[roomId], type)
    t.is((await bob.sync({ since: told.next_batch })).rooms, undefined, 'and that is all')
    // Whatever else changes in the same moment is told as it is.
    await bob.setAccountData(type, unwanted)
    await bob.setAccountData(type, wanted)
    await bob.change('leave', roomId)
    const ended = await bob.sync({ since: told.next_batch })
    t.is(ended.rooms?.invite, undefined)
    t.truthy(ended.rooms?.leave?.[roomId])
  }
})
