import test from 'ava'
import { newPerson, Person, serverTests } from '../../test-kit/people.ts'
import { bodies, roomOf, stateOf, types } from '../../test-kit/shown.ts'
import { list, slide } from '../../test-kit/sliding-client.ts'

const onServer = serverTests(test)

onServer('only the device that sent an event is told its transaction ID', async (t, server) => {
  const ann = await newPerson(server, 'twofold')
  const other = new Person(server, await server.login(ann.userId))
  const bob = await newPerson(server)
  const roomId = await roomOf(ann, [bob])
  const path = `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/my-transaction`
  await ann.api('PUT', path, { msgtype: 'm.text', body: 'x' })
  const seenBy = async (person: Person) =>
    (await person.sync()).rooms?.join?.[roomId]?.timeline.events.at(-1)?.unsigned?.['transaction_id']
  t.is(await seenBy(ann), 'my-transaction')
  t.is(await seenBy(other), undefined)
  t.is(await seenBy(bob), undefined)
  const page = await ann.messages(roomId, { dir: 'b', limit: 1 })
  t.is(page.chunk[0]?.unsigned?.['transaction_id'], 'my-transaction')
})

onServer(
  'unsigned tells age, membership, what was replaced, and why something was redacted',
  async (t, server) => {
    const ann = await newPerson(server)
    const bob = await newPerson(server)
    const roomId = await roomOf(ann)
    const first = await ann.setState(roomId, 'm.room.topic', { topic: 'one' })
    await bob.change('join', roomId)
    await ann.setState(roomId, 'm.room.topic', { topic: 'two' })
    const oops = await ann.send(roomId, 'oops')
    const { next_batch: since } = await bob.sync()
    await ann.redact(roomId, oops)
    const filter = { room: { timeline: { limit: 50 } } }
    const timeline = (await bob.sync({ filter })).rooms?.join?.[roomId]?.timeline.events ?? []
    const topics = timeline.filter(({ type }) => type === 'm.room.topic')
    t.deepEqual(
      topics.map(event => event.unsigned?.['membership']),
      ['leave', 'join'],
    )
    t.is(topics[1]?.unsigned?.['replaces_state'], first)
    t.deepEqual(topics[1]?.unsigned?.['prev_content'], { topic: 'one' })
    const redacted = timeline.find(event => event.event_id === oops)
    t.deepEqual(redacted?.content, {})
    t.like(redacted?.unsigned?.['redacted_because'], {
      type: 'm.room.redaction',
      sender: ann.userId,
      redacts: oops,
    })
    t.true(Number(redacted?.unsigned?.['age']) >= 0)
    const news = (await bob.sync({ since })).rooms?.join?.[roomId]?.timeline.events
    t.deepEqual(types(news), ['m.room.redaction'])

    await ann.redact(roomId, first)
    const again = (await bob.sync({ filter })).rooms?.join?.[roomId]?.timeline.events ?? []
    const topic = again.findLast(({ type }) => type === 'm.room.topic')
    t.deepEqual(topic?.unsigned?.['prev_content'], {}, 'what was redacted is gone from here as well')
  },
)

const visibility = (value: string) => ({
  type: 'm.room.history_visibility',
  state_key: '',
  content: { history_visibility: value },
})

onServer('history from before joining is seen as the room says', async (t, server) => {
  const seen: Record<string, unknown[]> = {}
  for (const value of ['world_readable', 'shared', 'invited', 'joined']) {
    const ann = await newPerson(server)
    const bob = await newPerson(server)
    const roomId = await roomOf(ann, [], { initial_state: [visibility(value)] })
    await ann.setState(roomId, 'm.room.topic', { topic: 'of old' })
    await ann.setState(roomId, 'm.room.topic', { topic: 'newer' })
    await ann.send(roomId, 'early')
    await ann.change('invite', roomId, bob)
    await ann.send(roomId, 'invited')
    await bob.change('join', roomId)
    await ann.send(roomId, 'joined')
    await bob.change('leave', roomId)
    await ann.send(roomId, 'away')
    await bob.change('join', roomId)
    await ann.setState(roomId, 'm.room.topic', { topic: 'newest' })
    const filter = { room: { timeline: { limit: 50 } } }
    const room = (await bob.sync({ filter })).rooms?.join?.[roomId]
    seen[value] = bodies(room?.timeline.events)
    const page = await bob.messages(roomId, { dir: 'b', limit: 50 })
    t.deepEqual(bodies(page.chunk).reverse(), seen[value])
    t.is(page.end, undefined)
    const topics = room?.timeline.events.filter(({ type }) => type === 'm.room.topic')
    t.deepEqual(
      topics?.at(-1)?.unsigned?.['prev_content'],
      { topic: 'newer' },
      'it was the state in their time',
    )
    const older = value === 'joined' || value === 'invited'
    t.is(stateOf(room).get('m.room.topic ')?.unsigned?.['prev_content'] !== undefined, false)
    t.is(topics?.length, older ? 1 : 3)
  }
  t.deepEqual(seen, {
    world_readable: ['early', 'invited', 'joined', 'away'],
    shared: ['early', 'invited', 'joined', 'away'],
    invited: ['invited', 'joined'],
    joined: ['joined'],
  })
})

onServer('a long history that is hidden costs the joining nothing', async (t, server) => {
  const ann = await newPerson(server)
  const bob = await newPerson(server)
  const roomId = await roomOf(ann, [], { initial_state: [visibility('joined')] })
  for (let n = 0; n < 30; n++) await ann.send(roomId, `${n}`)
  await bob.change('join', roomId)
  const room = (await bob.sync()).rooms?.join?.[roomId]
  const shown = types(room?.timeline.events)
  t.is(shown.at(-1), 'm.room.member')
  t.is(shown.at(-2), 'm.room.history_visibility', 'what came before it was shared')
  t.false(room?.timeline.limited)
  const page = await bob.messages(roomId, { dir: 'b', limit: 3 })
  t.deepEqual(types(page.chunk), shown.slice(-3).reverse(), 'one page gets there')
})

onServer('who is ignored stays silent, but for state, and invites in vain', async (t, server) => {
  const ann = await newPerson(server)
  const bob = await newPerson(server)
  const roomId = await roomOf(ann, [bob])
  const { next_batch: since } = await ann.sync()
  await ann.setAccountData('m.ignored_user_list', { ignored_users: { [bob.userId]: {}, [ann.userId]: {} } })
  await bob.send(roomId, 'can you hear me?')
  await ann.send(roomId, 'what a silence')
  await bob.api('PUT', `/profile/${encodeURIComponent(bob.userId)}/displayname`, { displayname: 'Loud' })
  const invitedTo = await bob.createRoom({ invite: [ann.userId] })
  const told = await ann.sync({ since })
  const timeline = told.rooms?.join?.[roomId]?.timeline.events
  t.deepEqual(bodies(timeline), ['what a silence'])
  t.true(types(timeline).includes('m.room.member'), 'state is told')
  t.is(told.rooms?.invite, undefined)
  t.is((await ann.sync()).rooms?.invite, undefined)
  const page = await ann.messages(roomId, { dir: 'b', limit: 50 })
  t.deepEqual(bodies(page.chunk), ['what a silence'])

  await ann.setAccountData('m.ignored_user_list', { ignored_users: {} })
  await bob.send(roomId, 'and now?')
  const heard = await ann.sync({ since: told.next_batch })
  t.deepEqual(bodies(heard.rooms?.join?.[roomId]?.timeline.events), ['and now?'])
  const missed = await ann.sync({ since })
  t.deepEqual(bodies(missed.rooms?.join?.[roomId]?.timeline.events), ['what a silence', 'and now?'])
  const fresh = await ann.sync()
  t.true(bodies(fresh.rooms?.join?.[roomId]?.timeline.events).includes('can you hear me?'))
  t.truthy((await ann.sync()).rooms?.invite?.[invitedTo], 'a fresh sync shows what was withheld')
})

onServer('a token that is none is refused', async (t, server) => {
  const ann = await newPerson(server)
  const roomId = await roomOf(ann)
  for (const since of ['s', 's72594_4483_1934', 's1.e-', 's1.eX', 's2.e1', `s1.${'e'.repeat(400)}`])
    await t.throwsAsync(ann.sync({ since }), { message: /400 M_INVALID_PARAM/ }, since)
  await t.throwsAsync(ann.messages(roomId, { dir: 'b', from: 'x' }), { message: /400 M_INVALID_PARAM/ })
  const begun = await ann.sync({ since: '' })
  t.truthy(begun.rooms?.join?.[roomId], 'an empty token is none')
  const answer = await ann.sync({ since: 's1' })
  t.truthy(answer.rooms?.join?.[roomId], 'a token without positions is the beginning of everything')
  const ahead = await ann.sync({ since: 's1.e999999999' })
  t.is(ahead.rooms, undefined)
  t.regex(ahead.next_batch, /e999999999/, 'a token never goes back')
})

onServer('a room whose name is redacted is called by who is in it', async (t, server) => {
  const [ann, bob] = [await newPerson(server), await newPerson(server)]
  const roomId = await roomOf(ann, [bob])
  const name = await ann.setState(roomId, 'm.room.name', { name: 'rude' })
  const filter = { room: { state: { lazy_load_members: true } } }
  const before = await bob.sync({ filter })
  const slid = await slide(bob, list(9))
  t.is(before.rooms?.join?.[roomId]?.summary?.['m.heroes'], undefined)
  t.is(slid.rooms[roomId]?.heroes, undefined)
  await ann.send(roomId, 'first')
  const said = await bob.sync({ filter, since: before.next_batch })
  t.is(said.rooms?.join?.[roomId]?.summary, undefined)

  await ann.redact(roomId, name)
  const redacted = await bob.sync({ filter, since: said.next_batch })
  t.deepEqual(redacted.rooms?.join?.[roomId]?.summary?.['m.heroes'], [ann.userId])
  t.like((await slide(bob, list(9), slid.pos)).rooms[roomId], {
    name: null,
    heroes: [{ user_id: ann.userId }],
  })
  t.deepEqual((await bob.sync({ filter })).rooms?.join?.[roomId]?.summary?.['m.heroes'], [ann.userId])
  const message = await ann.send(roomId, 'second')
  await ann.redact(roomId, message)
  const later = await bob.sync({ filter, since: redacted.next_batch })
  t.is(later.rooms?.join?.[roomId]?.summary, undefined, 'who redacts a message renames nothing')
})
