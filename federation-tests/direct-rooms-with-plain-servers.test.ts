import test from 'ava'
import { hears, invitesOf, joinedBy, pathOf, roomPath } from '../src/test-kit/direct-rooms.ts'
import { eventually } from '../src/test-kit/eventually.ts'
import type { ScriptedPeer } from '../src/test-kit/https-server.ts'
import { registerPerson } from '../src/test-kit/person.ts'
import { startPlainNeighbour } from '../src/test-kit/plain-server.ts'

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
  const { chunk } = await alice.get(`${roomPath(another)}/messages?dir=b&limit=20`)
  const said = (chunk as { type: string }[]).filter(({ type }) => type === 'm.room.message')
  t.is(said.length, 1, 'what Bob has heard is not said again')
  const { membership, reason } = await alice.get(`${roomPath(roomId)}/state/m.room.member/${bob}`)
  t.deepEqual([membership, reason], ['leave', 'The conversation goes on in another room'], 'withdrawn')
  const own = `${roomPath(roomId)}/state/m.room.member/${alice.userId}`
  t.like(await alice.get(own), { membership: 'leave', reason: 'The conversation goes on in another room' })
  t.like(await alice.get(`${roomPath(roomId)}/state/m.room.tombstone/`), { replacement_room: another })
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
      `${roomPath(crowd)}/state/m.room.member/${alice.userId}`,
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
