/** Direct rooms between people of two servers, and with people of servers that know nothing of them. */
import test, { type ExecutionContext } from 'ava'
import { eventually } from '../src/test-kit/eventually.ts'
import type { ScriptedPeer } from '../src/test-kit/https-server.ts'
import { type Person, registerPerson } from '../src/test-kit/person.ts'
import { startPlainNeighbour } from '../src/test-kit/plain-server.ts'
import type { RunningTestServer } from '../src/test-kit/server.ts'
import { syncAs } from '../src/test-kit/syncing.ts'
import { startFederatedServers } from './federated-servers.ts'

type Json = Record<string, unknown>

const pathOf = (userId: string): string =>
  `/_matrix/client/v1/chat.tessera/direct/${encodeURIComponent(userId)}`

const open = async (person: Person, other: Person): Promise<string> =>
  String((await person.put(pathOf(other.userId)))['room_id'])

const roomOf = (roomId: string): string => `/rooms/${encodeURIComponent(roomId)}`

const pair = async (t: ExecutionContext): Promise<[Person, Person, RunningTestServer]> => {
  const [tea, cake] = await startFederatedServers(t, ['tea.test', 'cake.test'])
  if (tea === undefined || cake === undefined) throw new Error('two servers were to start')
  return [await registerPerson(tea, 'alice'), await registerPerson(cake, 'bob'), tea]
}

const invitesOf = async (person: Person): Promise<string[]> => {
  const rooms = (await syncAs(person)).body['rooms'] as { invite?: Record<string, Json> } | undefined
  return Object.keys(rooms?.invite ?? {})
}

const joinedBy = async (person: Person): Promise<string[]> =>
  (await person.get('/joined_rooms'))['joined_rooms'] as string[]

const listed = async (person: Person, other: Person): Promise<unknown> => {
  const path = `/user/${encodeURIComponent(person.userId)}/account_data/m.direct`
  const { status, body } = await person.request('GET', path)
  return status === 200 ? body[other.userId] : undefined
}

const hears = (person: Person, roomId: string, text: string): Promise<void> =>
  eventually(text, async () => {
    const { chunk } = await person.get(`${roomOf(roomId)}/messages?dir=b&limit=20`)
    return (chunk as { content: Json }[]).some(({ content }) =>
      String(content['body'] ?? '').startsWith(text),
    )
  })

test('A opens a chat with B; B closed the window and A wants to talk again, across two servers', async t => {
  const [alice, bob] = await pair(t)
  const roomId = await open(alice, bob)
  t.deepEqual(await invitesOf(bob), [roomId])
  const invitation = `/_matrix/client/v1/chat.tessera/invitations/${encodeURIComponent(roomId)}`
  t.is((await alice.request('DELETE', `${invitation}/${encodeURIComponent(bob.userId)}`)).status, 200)
  await eventually('it is withdrawn', async () => (await invitesOf(bob)).length === 0)
  t.is(await open(alice, bob), roomId)
  t.deepEqual(await invitesOf(bob), [roomId], 'and sent again')
  t.is(await open(bob, alice), roomId, 'asking for the same room accepts')
  t.deepEqual(await listed(bob, alice), [roomId])
  await alice.say(roomId, 'Hello')
  await hears(bob, roomId, 'Hello')
  await bob.leave(roomId)
  await eventually('A hears of it', async () => {
    const { joined } = await alice.get(`${roomOf(roomId)}/joined_members`)
    return !Object.hasOwn(joined as Json, bob.userId)
  })
  t.is(await open(alice, bob), roomId)
  await eventually('B is invited again', async () => (await invitesOf(bob)).includes(roomId))
  await bob.join(roomId)
  await bob.say(roomId, 'Back again')
  await hears(alice, roomId, 'Back again')
  await bob.leave(roomId)
  await eventually('A hears of that, too', async () => {
    const { joined } = await alice.get(`${roomOf(roomId)}/joined_members`)
    return !Object.hasOwn(joined as Json, bob.userId)
  })
  t.is(await open(bob, alice), roomId, 'who has left comes back to the same room')
  await bob.say(roomId, 'Once more')
  await hears(alice, roomId, 'Once more')
  await alice.post(`${roomOf(roomId)}/ban`, { user_id: bob.userId })
  await eventually('B hears of the ban', async () => (await joinedBy(bob)).length === 0)
  await open(bob, alice)
  t.false((await joinedBy(bob)).includes(roomId), 'but not who was banned')
})

test('both reopen at once, across two servers', async t => {
  const [alice, bob] = await pair(t)
  const atOnce = async (): Promise<string> => {
    await Promise.all([open(alice, bob), open(bob, alice)])
    await eventually('both are in one room, the same, and invited to no other', async () => {
      const [first, second] = await Promise.all([joinedBy(alice), joinedBy(bob)])
      return (
        first.length === 1 &&
        second.length === 1 &&
        first[0] === second[0] &&
        (await invitesOf(alice)).length + (await invitesOf(bob)).length === 0
      )
    })
    return (await joinedBy(alice))[0] ?? ''
  }
  const roomId = await atOnce()
  t.is(await open(alice, bob), roomId)
  t.is(await open(bob, alice), roomId)
  for (const [person, other] of [
    [alice, bob],
    [bob, alice],
  ] as const)
    t.deepEqual(await listed(person, other), [roomId])
  await alice.say(roomId, 'In one room')
  await hears(bob, roomId, 'In one room')

  await Promise.all([alice.leave(roomId), bob.leave(roomId)])
  const again = await atOnce()
  t.not(again, roomId, 'nobody was left to let anybody in')
  await bob.say(again, 'And in the next one')
  await hears(alice, again, 'And in the next one')
})

test('the direct room of plain clients is theirs on both servers', async t => {
  const [alice, bob] = await pair(t)
  const plain = await bob.createRoom({ is_direct: true, invite: [alice.userId] })
  await bob.put(`/user/${encodeURIComponent(bob.userId)}/account_data/m.direct`, { [alice.userId]: [plain] })
  t.is(await open(alice, bob), plain)
  t.is(await open(bob, alice), plain)
  t.deepEqual(await listed(alice, bob), [plain])
})

const requestsFor = async (person: Person): Promise<Json[]> => {
  const path = '/_matrix/client/v1/chat.tessera/notifications?kind=conversation_requested'
  return (await person.get(path))['items'] as Json[]
}

test('B closed the window and A asks for attention; C is invited into A’s and B’s chat, across two servers', async t => {
  const [alice, bob, tea] = await pair(t)
  const roomId = await open(alice, bob)
  await open(bob, alice)
  await eventually('A knows that B is there', async () => {
    const { requested } = await alice.put(pathOf(bob.userId), { request: true })
    return requested === true
  })
  await eventually('B is asked', async () => (await requestsFor(bob)).length === 1)
  t.like(await requestsFor(bob), [{ room: { room_id: roomId }, sender: { user_id: alice.userId } }])
  t.deepEqual(await requestsFor(alice), [])
  await alice.request('DELETE', `${pathOf(bob.userId)}/request`)
  await eventually('withdrawn', async () => (await requestsFor(bob)).length === 0)

  await alice.say(roomId, 'Between us')
  const carol = await registerPerson(tea, 'carol')
  const extended = await alice.post(`${pathOf(roomId)}/extend`, { invite: [carol.userId], history: 5 })
  const newRoomId = String(extended['room_id'])
  t.like(extended, { history: { mode: 'quoted', messages: 1 }, not_invited: [] })
  await eventually('B is invited', async () => (await invitesOf(bob)).includes(newRoomId))
  await bob.join(newRoomId)
  await carol.join(newRoomId)
  await hears(bob, newRoomId, 'What was said before:\n')
  t.is(await open(bob, alice), roomId, 'the two go back to their own')
})

/** What has reached the plain server of what was said. */
const heardBy = (peer: ScriptedPeer, text: string): boolean =>
  peer.requests.some(({ path, text: body }) => path.includes('/send/') && body.includes(JSON.stringify(text)))

const peerIsPlain = 'where the peer is a plain Matrix server'

test(`A opens a chat with B; B closed the window and A wants to talk again; C is invited into A’s and B’s chat, ${peerIsPlain}`, async t => {
  const { server, peer, change, say, edus } = await startPlainNeighbour(t)
  const alice = await registerPerson(server, 'alice')
  const bob = `@bob:${peer.serverName}`
  const opened = await alice.put(pathOf(bob))
  const roomId = String(opened['room_id'])
  t.is(opened['membership'], 'invite')
  t.like(peer.requests[0]?.body, {
    event: { content: { membership: 'invite', is_direct: true }, state_key: bob },
  })
  t.like(await alice.put(pathOf(bob)), { room_id: roomId, created: false })
  await change('join', roomId, bob)
  await alice.say(roomId, 'Hello from Alice')
  await eventually('Bob’s server has it', () => heardBy(peer, 'Hello from Alice'))
  await say(roomId, bob, 'Hello from Bob')
  await hears(alice, roomId, 'Hello from Bob')
  const asked = await alice.put(pathOf(bob), { request: true })
  t.like(asked, { room_id: roomId, created: false, membership: 'join', requested: true })
  for (let again = 0; again < 5; again++) await alice.put(pathOf(bob), { request: true })
  const requests = () => edus().filter(edu => edu['edu_type'] === 'chat.tessera.direct_request')
  await eventually('the request has been sent, and nothing came of it', () => requests().length > 0)
  t.like(requests(), [
    { edu_type: 'chat.tessera.direct_request', content: { user_id: bob, action: 'request' } },
  ])
  t.is(requests().length, 1, 'once')
  const carol = await registerPerson(server, 'carol')
  await alice.say(roomId, 'Between us')
  const extension = { invite: [carol.userId], history: 5 }
  const extended = await alice.post(`${pathOf(roomId)}/extend`, extension)
  t.like(extended, { history: { mode: 'quoted', messages: 3 }, not_invited: [] })
  await change('join', String(extended['room_id']), bob)
  await change('leave', roomId, bob)
  t.like(await alice.put(pathOf(bob)), { room_id: roomId, created: false, membership: 'invite' })
  const invitations = peer.requests.filter(({ path }) => path.includes('/invite/'))
  t.is(invitations.length, 3, 'once, to the room with Carol, and once more after they had left')
  t.deepEqual(peer.problems(), [])
})

test(`both reopen at once, ${peerIsPlain}`, async t => {
  const { server, peer, change, inviteDirectly } = await startPlainNeighbour(t)
  const alice = await registerPerson(server, 'alice')
  const bob = `@bob:${peer.serverName}`
  const roomId = String((await alice.put(pathOf(bob)))['room_id'])
  await change('join', roomId, bob)
  await alice.say(roomId, 'Long ago')
  await change('leave', roomId, bob)
  t.like(await alice.put(pathOf(bob)), { room_id: roomId, created: false, membership: 'invite' })
  await alice.say(roomId, 'Are you there?')

  // Bob's client knows of no room that could be found again, and makes another; it is not for him to find two.
  const another = await inviteDirectly(bob, alice.userId)
  await eventually('Alice is in his room, and in no other', async () => {
    const [only, ...others] = await joinedBy(alice)
    return only === another && others.length === 0
  })
  t.deepEqual(await invitesOf(alice), [])
  t.like(await alice.put(pathOf(bob)), { room_id: another, created: false, membership: 'join' })
  const path = `/user/${encodeURIComponent(alice.userId)}/account_data/m.direct`
  t.deepEqual((await alice.get(path))[bob], [another])
  await hears(alice, another, 'Are you there?')
  const { chunk } = await alice.get(`${roomOf(another)}/messages?dir=b&limit=20`)
  const said = (chunk as { type: string }[]).filter(({ type }) => type === 'm.room.message')
  t.is(said.length, 1, 'what Bob has heard is not said again')
  const { membership, reason } = await alice.get(`${roomOf(roomId)}/state/m.room.member/${bob}`)
  t.deepEqual([membership, reason], ['leave', 'The conversation goes on in another room'], 'withdrawn')
  const own = `${roomOf(roomId)}/state/m.room.member/${alice.userId}`
  t.like(await alice.get(own), { membership: 'leave', reason: 'The conversation goes on in another room' })
  t.like(await alice.get(`${roomOf(roomId)}/state/m.room.tombstone/`), { replacement_room: another })
  t.deepEqual(peer.problems(), [])
})

test(`both reopen at once, ${peerIsPlain}, whose user is faster`, async t => {
  const { server, peer, change, inviteDirectly } = await startPlainNeighbour(t)
  const alice = await registerPerson(server, 'alice')
  const bob = `@bob:${peer.serverName}`
  const roomId = String((await alice.put(pathOf(bob)))['room_id'])
  await change('join', roomId, bob)
  await change('leave', roomId, bob)
  const another = await inviteDirectly(bob, alice.userId)
  t.deepEqual(await invitesOf(alice), [another], 'she has asked for nothing yet')
  const answers = await Promise.all([alice.put(pathOf(bob)), alice.put(pathOf(bob))])
  for (const answer of answers) t.like(answer, { room_id: another, created: false, membership: 'join' })
  t.deepEqual(await joinedBy(alice), [another])
  const invitations = peer.requests.filter(({ path }) => path.includes(`/invite/${roomId}/`))
  t.is(invitations.length, 1, 'when it was made')
  t.deepEqual(peer.problems(), [])
})

test(`a room with others in it, or that lets nobody in, is not the one of the two, ${peerIsPlain}`, async t => {
  const { server, peer, inviteDirectly } = await startPlainNeighbour(t)
  const alice = await registerPerson(server, 'alice')
  const bob = `@bob:${peer.serverName}`
  const roomId = String((await alice.put(pathOf(bob)))['room_id'])
  const crowd = await inviteDirectly(bob, alice.userId, [`@carol:${peer.serverName}`])
  await eventually('Alice has left it again', async () => {
    const { status, body } = await alice.request(
      'GET',
      `${roomOf(crowd)}/state/m.room.member/${alice.userId}`,
    )
    return status === 200 && body['membership'] === 'leave'
  })
  t.like(await alice.put(pathOf(bob)), { room_id: roomId, created: false, membership: 'invite' })
  const refusal = { status: 403, json: { errcode: 'M_FORBIDDEN', error: 'no' } }
  peer.always('GET', /\/make_join\//, () => refusal)
  const closed = await inviteDirectly(bob, alice.userId)
  t.like(await alice.put(pathOf(bob)), { room_id: roomId, created: false, membership: 'invite' })
  t.deepEqual(await joinedBy(alice), [roomId])
  t.deepEqual(await invitesOf(alice), [closed], 'it is hers to decide')
  t.deepEqual(peer.problems(), [])
})
