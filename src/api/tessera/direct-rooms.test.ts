import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { listed, pathOf } from '../../test-kit/direct-rooms.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { type Person, personOf, registerPerson } from '../../test-kit/person.ts'
import { startTestServer } from '../../test-kit/server.ts'
import { syncAs } from '../../test-kit/syncing.ts'

type Json = Record<string, unknown>

const open = (person: Person, other: string | Person, body: Json = {}): Promise<Json> =>
  person.put(pathOf(other), body)

const inviteOf = async (person: Person, roomId: string): Promise<Json | undefined> => {
  const rooms = (await syncAs(person)).body['rooms'] as { invite?: Record<string, Json> } | undefined
  return rooms?.invite?.[roomId]
}

testDatabases(test, 'A opens a chat with B', async (t, _, config) => {
  const server = await startTestServer({ database: config })
  t.teardown(server.close)
  const [alice, bob] = [await registerPerson(server, 'alice'), await registerPerson(server, 'bob')]
  const opened = await open(alice, bob)
  const roomId = String(opened['room_id'])
  t.like(opened, { created: true, membership: 'invite', key: [alice.userId, bob.userId] })
  t.deepEqual(await listed(alice, bob), [roomId])
  t.is(await listed(bob, alice), undefined, 'the other has not accepted')
  const shown = (await inviteOf(bob, roomId))?.['invite_state'] as { events: Json[] }
  t.like(
    shown.events.find(event => event['state_key'] === bob.userId),
    { content: { membership: 'invite', is_direct: true } },
  )
  const record = await bob.get(`/_matrix/client/v1/chat.tessera/rooms/${encodeURIComponent(roomId)}/record`)
  t.deepEqual(record['direct_key'], [alice.userId, bob.userId])
  await bob.join(roomId)
  await eventually('the room is in the list of who accepted', async () => {
    const rooms = await listed(bob, alice)
    return Array.isArray(rooms) && rooms.includes(roomId)
  })
  t.like(await open(bob, alice), { room_id: roomId, created: false, membership: 'join' })
  t.like(await open(alice, bob), { room_id: roomId, created: false, membership: 'join' })
  await alice.say(roomId, 'Hello')
  await bob.say(roomId, 'Hello to you')
  const { timeline } = await syncAs(alice)
  t.true(timeline(roomId).some(({ content }) => content['body'] === 'Hello to you'))

  const state = `/rooms/${encodeURIComponent(roomId)}/state`
  t.deepEqual(
    [(await bob.request('GET', `${state}/m.room.name/`)).status],
    [404],
    'the room has no name of its own: clients show the other one',
  )
})

testDatabases(test, 'B closed the window and A wants to talk again', async (t, _, config) => {
  const server = await startTestServer({ database: config })
  t.teardown(server.close)
  const [alice, bob] = [await registerPerson(server, 'alice'), await registerPerson(server, 'bob')]
  const { room_id: roomId } = await open(alice, bob)
  await open(bob, alice)
  await bob.leave(String(roomId))
  t.like(await open(alice, bob), { room_id: roomId, created: false, membership: 'invite' })
  t.not(await inviteOf(bob, String(roomId)), undefined)
  t.like(await open(bob, alice), { room_id: roomId, created: false, membership: 'join' })
  // Who has left themselves comes back to the same room, too.
  await bob.leave(String(roomId))
  t.like(await open(bob, alice), { room_id: roomId, membership: 'join' })
  await bob.say(String(roomId), 'Here again')
  // An upgrade takes the place of the room.
  const { replacement_room: upgraded } = await alice.post(
    `/rooms/${encodeURIComponent(String(roomId))}/upgrade`,
    { new_version: '11' },
  )
  t.like(await open(alice, bob), { room_id: upgraded, created: false })
  t.like(await open(bob, alice), { room_id: upgraded, created: false, membership: 'join' })
})

testDatabases(test, 'both reopen at once', async (t, _, config) => {
  const directory = mkdtempSync(join(tmpdir(), 'tessera-direct-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const server = await startTestServer({ database: config, directory })
  t.teardown(server.close)
  const alice = await registerPerson(server, 'alice')
  const bob = await registerPerson(server, 'bob')
  // On PostgreSQL the two speak to different processes.
  const second = config.kind === 'sqlite' ? server : await startTestServer({ database: config, directory })
  if (second !== server) t.teardown(second.close)
  const elsewhere = personOf(second, bob)
  const atOnce = async (): Promise<string> => {
    const answers = await Promise.all([open(alice, bob), open(elsewhere, alice), open(alice, bob)])
    const ids = new Set(answers.map(answer => String(answer['room_id'])))
    t.is(ids.size, 1, 'both were given the same room')
    t.true(answers.filter(answer => answer['created'] === true).length <= 1)
    return [...ids][0] ?? ''
  }
  const first = await atOnce()
  t.is(await atOnce(), first)
  await alice.leave(first)
  await elsewhere.leave(first)
  const again = await atOnce()
  t.not(again, first, 'nobody was left to let anybody in')
  await alice.say(again, 'There you are')
  const { joined } = await elsewhere.get(`/rooms/${encodeURIComponent(again)}/joined_members`)
  t.deepEqual(Object.keys(joined as Json).sort(), [alice.userId, bob.userId])
})

test('rooms of plain clients are found; what is no person has no room', async t => {
  const server = await startTestServer()
  t.teardown(server.close)
  const [alice, bob] = [await registerPerson(server, 'alice'), await registerPerson(server, 'bob')]
  const plain = await alice.createRoom({ is_direct: true, invite: [bob.userId] })
  t.like(await open(bob, alice), { room_id: plain, created: false, membership: 'join' })
  t.like(await open(alice, bob), { room_id: plain, created: false, membership: 'join' })
  const another = await alice.createRoom({ is_direct: true, invite: [bob.userId] })
  t.not(another, plain, 'createRoom means what Matrix says')

  t.is(await alice.code('PUT', pathOf(alice)), '400 M_INVALID_PARAM')
  t.is(await alice.code('PUT', pathOf('@nobody:localhost')), '404 M_NOT_FOUND')
  t.is(await alice.code('PUT', pathOf('bob')), '400 M_INVALID_PARAM')
  t.is(await alice.code('PUT', pathOf(`@${'b'.repeat(300)}:localhost`)), '400 M_INVALID_PARAM')
  t.is(await alice.code('PUT', pathOf('@far:away.invalid')), '502 M_CONNECTION_FAILED')
  const { joined_rooms: rooms } = await alice.get('/joined_rooms')
  t.deepEqual((rooms as string[]).toSorted(), [plain, another].toSorted(), 'no room was left over')
  const filter = encodeURIComponent(JSON.stringify({ room: { include_leave: true } }))
  const { rooms: synced } = await alice.get(`/sync?filter=${filter}`)
  t.deepEqual(Object.keys((synced as { leave?: Json }).leave ?? {}), [], 'nor is one kept that was in vain')

  const carol = await registerPerson(server, 'carol')
  const banning = await carol.createRoom({ is_direct: true, invite: [alice.userId] })
  t.like(await open(alice, carol), { room_id: banning })
  await carol.post(`/rooms/${encodeURIComponent(banning)}/ban`, { user_id: alice.userId })
  t.is(await alice.code('PUT', pathOf(carol)), '403 M_FORBIDDEN')
})

test('who was sent away is not let in again in the name of who did so', async t => {
  const server = await startTestServer()
  t.teardown(server.close)
  const [alice, bob] = [await registerPerson(server, 'alice'), await registerPerson(server, 'bob')]
  const roomId = String((await open(alice, bob))['room_id'])
  await open(bob, alice)
  await alice.post(`/rooms/${encodeURIComponent(roomId)}/kick`, { user_id: bob.userId })
  const again = await open(bob, alice)
  t.like(again, { created: true, membership: 'invite' }, 'there is a room for alice to come into, or not')
  t.not(again['room_id'], roomId)
  t.is(await inviteOf(bob, roomId), undefined)
  t.is(await bob.code('POST', `/join/${encodeURIComponent(roomId)}`), '403 M_FORBIDDEN')
  t.like(await open(alice, bob), { room_id: again['room_id'], created: false, membership: 'join' })
})

test('a room from which nobody may invite is replaced where one of the two has left it', async t => {
  const server = await startTestServer()
  t.teardown(server.close)
  const [alice, bob] = [await registerPerson(server, 'alice'), await registerPerson(server, 'bob')]
  const plain = await alice.createRoom({
    ...{ is_direct: true, invite: [bob.userId], preset: 'private_chat' },
    power_level_content_override: { invite: 50 },
  })
  t.like(await open(bob, alice), { room_id: plain })
  await alice.leave(plain)
  const again = await open(bob, alice)
  t.like(again, { created: true, membership: 'invite' }, 'bob cannot ask alice back into the old one')
  t.like(await open(alice, bob), { room_id: again['room_id'], created: false, membership: 'join' })

  const carol = await registerPerson(server, 'carol')
  const another = await alice.createRoom({
    ...{ is_direct: true, invite: [carol.userId], preset: 'private_chat' },
    power_level_content_override: { invite: 50 },
  })
  t.like(await open(carol, alice), { room_id: another })
  await alice.leave(another)
  t.like(await open(alice, carol), { created: true, membership: 'invite' }, 'nor is alice let in by carol')

  const dan = await registerPerson(server, 'dan')
  const knocked = await alice.createRoom({
    ...{ is_direct: true, invite: [dan.userId], preset: 'private_chat' },
    initial_state: [{ type: 'm.room.join_rules', content: { join_rule: 'knock' } }],
    power_level_content_override: { invite: 50 },
  })
  t.like(await open(dan, alice), { room_id: knocked })
  await alice.leave(knocked)
  await alice.post(`/knock/${knocked}`, {})
  t.like(await open(dan, alice), { created: true, membership: 'invite' }, 'nor if she knocks')
})

test('the operator may have plain clients reuse the direct room', async t => {
  const server = await startTestServer({ settings: { rooms: { reuse_direct_rooms: true } } })
  t.teardown(server.close)
  const [alice, bob] = [await registerPerson(server, 'alice'), await registerPerson(server, 'bob')]
  const direct = { is_direct: true, invite: [bob.userId], preset: 'trusted_private_chat' }
  const encryption = { type: 'm.room.encryption', content: { algorithm: 'm.megolm.v1.aes-sha2' } }
  const first = await alice.createRoom({ ...direct, initial_state: [{ ...encryption, state_key: '' }] })
  t.is(await alice.createRoom(direct), first)
  t.is(await bob.createRoom({ is_direct: true, invite: [alice.userId] }), first)
  const content = await bob.get(`/rooms/${encodeURIComponent(first)}/state/m.room.encryption/`)
  t.deepEqual(content, encryption.content)
  t.not(await alice.createRoom({ invite: [bob.userId] }), first, 'it is not asked for as a direct room')
  t.not(await alice.createRoom({ ...direct, room_alias_name: 'two' }), first)
})
