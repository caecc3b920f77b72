/** Direct rooms between people of two servers, and with people of servers that know nothing of them. */
import test, { type ExecutionContext } from 'ava'
import { hears, invitesOf, joinedBy, listed, pathOf, roomPath } from '../src/test-kit/direct-rooms.ts'
import { eventually } from '../src/test-kit/eventually.ts'
import { type Person, registerPerson } from '../src/test-kit/person.ts'
import type { RunningTestServer } from '../src/test-kit/server.ts'
import { startFederatedServers } from './federated-servers.ts'

type Json = Record<string, unknown>

const open = async (person: Person, other: Person): Promise<string> =>
  String((await person.put(pathOf(other.userId)))['room_id'])

const pair = async (t: ExecutionContext): Promise<[Person, Person, RunningTestServer]> => {
  const [tea, cake] = await startFederatedServers(t, ['tea.test', 'cake.test'])
  if (tea === undefined || cake === undefined) throw new Error('two servers were to start')
  return [await registerPerson(tea, 'alice'), await registerPerson(cake, 'bob'), tea]
}

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
    const { joined } = await alice.get(`${roomPath(roomId)}/joined_members`)
    return !Object.hasOwn(joined as Json, bob.userId)
  })
  t.is(await open(alice, bob), roomId)
  await eventually('B is invited again', async () => (await invitesOf(bob)).includes(roomId))
  await bob.join(roomId)
  await bob.say(roomId, 'Back again')
  await hears(alice, roomId, 'Back again')
  await bob.leave(roomId)
  await eventually('A hears of that, too', async () => {
    const { joined } = await alice.get(`${roomPath(roomId)}/joined_members`)
    return !Object.hasOwn(joined as Json, bob.userId)
  })
  t.is(await open(bob, alice), roomId, 'who has left comes back to the same room')
  await bob.say(roomId, 'Once more')
  await hears(alice, roomId, 'Once more')
  await alice.post(`${roomPath(roomId)}/ban`, { user_id: bob.userId })
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

test('a direct room that is replaced stays that of the two, on both servers', async t => {
  const [alice, bob] = await pair(t)
  const before = await open(alice, bob)
  await open(bob, alice)
  await eventually('both are there', async () => {
    const { joined } = await alice.get(`${roomPath(before)}/joined_members`)
    return Object.hasOwn(joined as Json, bob.userId)
  })
  const upgrade = await alice.post(`${roomPath(before)}/upgrade`, { new_version: '11' })
  const roomId = String(upgrade['replacement_room'])
  t.is(await open(alice, bob), roomId)
  await eventually('B comes into the same room', async () => (await open(bob, alice)) === roomId)
  await bob.say(roomId, 'In the new room')
  await hears(alice, roomId, 'In the new room')
  for (const person of [alice, bob]) {
    const record = await person.get(
      `/_matrix/client/v1/chat.tessera/rooms/${encodeURIComponent(roomId)}/record`,
    )
    t.deepEqual(record['direct_key'], [alice.userId, bob.userId])
  }
  t.is(await open(alice, bob), roomId)
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
