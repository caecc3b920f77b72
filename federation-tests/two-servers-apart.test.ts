/** What two servers have of each other: what was missed, certificates, directories. */
import test from 'ava'
import { personOf, registerPerson } from '../src/test-kit/person.ts'
import { syncAs } from '../src/test-kit/syncing.ts'
import { createAuthority } from '../src/test-kit/tls.ts'
import { hears, type Json, pair, sites, start, TEA } from './two-sites.ts'

test('a server that was away catches up with what was said', async t => {
  const [first, second] = await sites(t)
  const tea = await start(t, first, [second])
  const cake = await start(t, second, [first])
  const [alice, bob] = [await registerPerson(tea, 'alice'), await registerPerson(cake, 'bob')]
  const roomId = await alice.createOpenRoom({ room_alias_name: 'tea' })
  await bob.join(`#tea:${TEA}`)
  await alice.say(roomId, 'before')
  await hears(bob, roomId, 'before')

  await cake.close()
  for (const body of ['one', 'two', 'three']) await alice.say(roomId, body)
  const returned = personOf(await start(t, second, [first]), bob)
  await returned.say(roomId, 'I am back')
  await hears(alice, roomId, 'I am back')
  await hears(returned, roomId, 'three')
  const page = await returned.get(`/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=10`)
  const bodies = (page['chunk'] as { content: Json }[]).flatMap(({ content }) => content['body'] ?? [])
  t.deepEqual(
    bodies.filter(body => body !== 'I am back'),
    ['three', 'two', 'one', 'before'],
  )
})

test('a server whose certificate nobody has signed is not talked to', async t => {
  const [first, second] = await sites(t)
  const tea = await start(t, first, [second])
  const cake = await start(t, second, [first], { authority: await createAuthority('Nobody') })
  const [alice, bob] = [await registerPerson(tea, 'alice'), await registerPerson(cake, 'bob')]
  const roomId = await alice.createRoom()
  const invite = `/rooms/${encodeURIComponent(roomId)}/invite`
  const { status } = await alice.request('POST', invite, { user_id: bob.userId })
  t.true(status >= 400, `the invitation was answered ${status}`)
  t.is((await syncAs(bob)).body['rooms'], undefined)
  t.regex(await alice.code('GET', `/profile/${encodeURIComponent(bob.userId)}`), /^(404|502|504) /)
  // The other way its certificate is not asked for, but its keys are, which makes its requests worth nothing.
  const open = await alice.createOpenRoom({ room_alias_name: 'open' })
  t.regex(await bob.code('POST', `/join/${encodeURIComponent(open)}?via=${TEA}`, {}), /^[45]/)
})

test('the directory and the spaces of the other server', async t => {
  const { alice, bob } = await pair(t)
  const open = await alice.createOpenRoom({ name: 'open', visibility: 'public' })
  const restricted = {
    name: 'for members',
    initial_state: [{ type: 'm.room.join_rules', content: { join_rule: 'invite' } }],
  }
  const closed = await alice.createRoom(restricted)
  const space = await alice.createOpenRoom({ name: 'space', creation_content: { type: 'm.space' } })
  for (const child of [open, closed]) await alice.setState(space, 'm.space.child', { via: [TEA] }, child)
  const listed = await bob.get(`/publicRooms?server=${TEA}`)
  const told = { creator: alice.userId, is_public: true, alt_aliases: [], invited_members: 0 }
  t.like(listed, {
    chunk: [{ room_id: open, name: 'open', 'chat.tessera.record': told }],
    total_room_count_estimate: 1,
  })
  t.like(await bob.get(`/_matrix/client/v1/chat.tessera/rooms/${open}/record?via=${TEA}`), {
    ...{ ...told, room_id: open, joined_members: 1, media: ['text', 'audio', 'video', 'screenshare'] },
  })
  const search = (term: string) =>
    bob.post(`/publicRooms?server=${TEA}`, { filter: { generic_search_term: term } })
  t.is(((await search('open'))['chunk'] as Json[]).length, 1)
  t.deepEqual((await search('nothing'))['chunk'], [])
  const own = await bob.createOpenRoom({ name: 'own', creation_content: { type: 'm.space' } })
  await bob.setState(own, 'm.space.child', { via: [TEA] }, space)
  const tree = await bob.get(`/_matrix/client/v1/rooms/${encodeURIComponent(own)}/hierarchy`)
  t.deepEqual(
    (tree['rooms'] as Json[]).map(room => room['name']),
    ['own', 'space', 'open'],
  )
})

test('a directory is kept from other servers where the settings say so', async t => {
  const { alice, bob } = await pair(t, { room_directory: { over_federation: false } })
  await alice.createOpenRoom({ name: 'open', visibility: 'public' })
  t.is(((await alice.get('/publicRooms'))['chunk'] as Json[]).length, 1)
  t.is(await bob.code('GET', `/publicRooms?server=${TEA}`), '403 M_FORBIDDEN')
})
