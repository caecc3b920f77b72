import test from 'ava'
import { testDatabases } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { type Person, registerPerson } from '../../test-kit/person.ts'
import { startTestServer } from '../../test-kit/server.ts'

type Json = Record<string, unknown>

const BASE = '/_matrix/client/v1/chat.tessera'

const directOf = (id: string): string => `${BASE}/direct/${encodeURIComponent(id)}`
const roomOf = (roomId: string): string => `/rooms/${encodeURIComponent(roomId)}`

const waiting = async (person: Person, kind = 'conversation_requested'): Promise<Json[]> =>
  (await person.get(`${BASE}/notifications?kind=${kind}`))['items'] as Json[]

testDatabases(test, 'B closed the window and A asks for attention', async (t, _, config) => {
  const server = await startTestServer({ database: config })
  t.teardown(server.close)
  const [alice, bob] = [await registerPerson(server, 'alice'), await registerPerson(server, 'bob')]
  const ask = () => alice.put(directOf(bob.userId), { request: true })
  const invited = await ask()
  t.like(invited, { membership: 'invite', requested: false }, 'the invitation waits for them already')
  const roomId = String(invited['room_id'])
  await bob.put(directOf(alice.userId))
  t.deepEqual(await waiting(bob), [])

  t.like(await ask(), { membership: 'join', requested: true })
  const [request] = await waiting(bob)
  t.like(request, {
    room: { room_id: roomId },
    sender: { user_id: alice.userId },
    messages_waiting: 0,
    actions: ['open', 'dismiss'],
  })
  for (let again = 0; again < 20; again++) await ask()
  t.deepEqual(await waiting(bob), [request], 'one waits, since it was first asked')
  const said = await alice.say(roomId, 'Are you there?')
  await eventually('a message waits as well', async () => (await waiting(bob))[0]?.['messages_waiting'] === 1)

  const withdraw = `${directOf(bob.userId)}/request`
  await alice.request('DELETE', withdraw)
  t.deepEqual(await waiting(bob), [], 'withdrawn')
  t.is(await alice.code('DELETE', withdraw), '200 -', 'what is not there may be withdrawn')
  t.is(await alice.code('DELETE', `${directOf('@nobody:localhost')}/request`), '404 M_NOT_FOUND')

  await ask()
  const { id } = (await waiting(bob))[0] ?? {}
  await bob.request('DELETE', `${BASE}/notifications/${id}`)
  t.deepEqual(await waiting(bob), [], 'closed')
  const read = () => bob.post(`${roomOf(roomId)}/receipt/m.read/${encodeURIComponent(said)}`)
  await ask()
  await read()
  await eventually('read', async () => (await waiting(bob)).length === 0)
  await ask()
  await read()
  t.deepEqual(await waiting(bob), [], 'they have been there again, though there was nothing new to read')
  await ask()
  await bob.say(roomId, 'Here')
  await eventually('answered', async () => (await waiting(bob)).length === 0)
})

testDatabases(test, 'C is invited into A’s and B’s chat', async (t, _, config) => {
  const server = await startTestServer({ database: config })
  t.teardown(server.close)
  const [alice, bob] = [await registerPerson(server, 'alice'), await registerPerson(server, 'bob')]
  const [carol, dave] = [await registerPerson(server, 'carol'), await registerPerson(server, 'dave')]
  const roomId = String((await alice.put(directOf(bob.userId)))['room_id'])
  await bob.put(directOf(alice.userId))
  await alice.say(roomId, 'One')
  const two = await bob.say(roomId, 'Twho')
  await bob.say(roomId, '* Two', {
    'm.new_content': { msgtype: 'm.text', body: 'Two' },
    'm.relates_to': { rel_type: 'm.replace', event_id: two },
  })
  await alice.redact(roomId, await alice.say(roomId, 'Secret'))
  await bob.say(roomId, 'Three')

  const extend = `${directOf(roomId)}/extend`
  const opened = await alice.post(extend, { invite: [carol.userId], history: 50 })
  const newRoomId = String(opened['room_id'])
  t.like(opened, { history: { mode: 'quoted', messages: 3 }, not_invited: [] })
  t.not(newRoomId, roomId)
  await carol.join(newRoomId)
  await bob.join(newRoomId)
  const { chunk } = await carol.get(`${roomOf(newRoomId)}/messages?dir=b&limit=50`)
  const events = chunk as { type: string; sender: string; content: Json }[]
  const history = events.find(({ type }) => type === 'chat.tessera.room.history')
  t.is(history?.sender, alice.userId, 'quoted by who has asked, in nobody else’s name')
  const messages = history?.content['messages'] as Json[]
  t.deepEqual(
    messages.map(({ sender, content }) => [sender, (content as Json)['body']]),
    [
      [alice.userId, 'One'],
      [bob.userId, 'Two'],
      [bob.userId, 'Three'],
    ],
  )
  t.true(messages.every(message => typeof message['origin_server_ts'] === 'number'))
  const fallback = events.find(({ content }) => content['chat.tessera.fallback'] !== undefined)
  t.regex(String(fallback?.content['body']), /@bob:localhost: Three/)
  t.notRegex(JSON.stringify(events), /Secret/)

  const state = (room: string, type: string, key = '') =>
    alice.get(`${roomOf(room)}/state/${type}/${encodeURIComponent(key)}`)
  t.deepEqual(await state(newRoomId, 'chat.tessera.room.extends'), { room_id: roomId })
  t.deepEqual(await state(roomId, 'chat.tessera.room.extended', newRoomId), { room_id: newRoomId })
  t.like(await alice.put(directOf(bob.userId)), { room_id: roomId, created: false }, 'the two go back')
  t.is(await carol.code('GET', `${roomOf(roomId)}/state`), '403 M_FORBIDDEN')

  const mistaken = String((await alice.post(extend, { invite: [dave.userId] }))['room_id'])
  const kick = await alice.code('POST', `${roomOf(mistaken)}/kick`, { user_id: dave.userId })
  t.is(kick, '200 -', 'an invitation is taken back')
  t.is(await carol.code('POST', extend, { invite: [dave.userId] }), '404 M_NOT_FOUND')
  t.is(await alice.code('POST', extend, { invite: [] }), '400 M_INVALID_PARAM')
  t.is(await alice.code('POST', extend, { invite: [bob.userId] }), '400 M_INVALID_PARAM')
  t.is(await alice.code('POST', extend, { invite: ['carol'] }), '400 M_INVALID_PARAM')
  t.is(await alice.code('POST', extend, { invite: ['@nobody:localhost'] }), '404 M_NOT_FOUND')
  t.is(await alice.code('POST', extend, { history: 5 }), '400 M_MISSING_PARAM')
  t.is(await alice.code('POST', extend, { invite: [carol.userId], history: -1 }), '400 M_INVALID_PARAM')
  await alice.leave(roomId)
  await alice.post(`${roomOf(roomId)}/forget`)
  t.is(await alice.code('POST', extend, { invite: [carol.userId] }), '403 M_FORBIDDEN')

  const algorithm = 'm.megolm.v1.aes-sha2'
  const secret = String((await carol.put(directOf(dave.userId), { encryption: algorithm }))['room_id'])
  const encrypted = await carol.post(`${directOf(secret)}/extend`, { invite: [bob.userId], history: 5 })
  t.like(encrypted, { history: { mode: 'key_bundle', messages: 0 } })
  const path = `${roomOf(String(encrypted['room_id']))}/state/m.room.encryption/`
  t.deepEqual(await carol.get(path), { algorithm })
})

test('what was said in a room of an old version comes along as far as new rooms take it', async t => {
  const server = await startTestServer()
  t.teardown(server.close)
  const [alice, bob] = [await registerPerson(server, 'alice'), await registerPerson(server, 'bob')]
  const carol = await registerPerson(server, 'carol')
  const old = await alice.createRoom({ is_direct: true, invite: [bob.userId], room_version: '5' })
  t.is((await bob.put(directOf(alice.userId)))['room_id'], old)
  await bob.say(old, 'Half', { 'org.example.ratio': 0.5 })
  const opened = await alice.post(`${directOf(old)}/extend`, { invite: [carol.userId], history: 50 })
  t.like(opened, { history: { mode: 'quoted', messages: 1 }, not_invited: [] })
})

test('nobody learns from a request for attention that they are ignored', async t => {
  const server = await startTestServer()
  t.teardown(server.close)
  const [alice, bob] = [await registerPerson(server, 'alice'), await registerPerson(server, 'bob')]
  await alice.put(directOf(bob.userId))
  await bob.put(directOf(alice.userId))
  const ignored = { ignored_users: { [alice.userId]: {} } }
  await bob.put(`/user/${encodeURIComponent(bob.userId)}/account_data/m.ignored_user_list`, ignored)
  t.like(await alice.put(directOf(bob.userId), { request: true }), { membership: 'join', requested: true })
  t.deepEqual(await waiting(bob), [])
})
