import test, { type ExecutionContext } from 'ava'
import type { JsonObject } from '../../core/json.ts'
import { roomVersion } from '../../core/room-versions.ts'
import { FederationError } from '../../network/federation-client.ts'
import type { NewRoom } from '../../services/rooms/room-templates.ts'
import { ALICE, BOB, CAROL, forge, makeRoom, pair } from '../../test-kit/federated-pair.ts'
import { type FederationWorld, stateAt, type WorldServer } from '../../test-kit/federation-world.ts'
import { newRoom } from '../../test-kit/rooms.ts'

/** Has Alice invite Bob with these events as a description; answers what Bob is told of the room. */
const invited = async (
  { a, b }: { a: WorldServer; b: WorldServer },
  roomId: string,
  inviteRoomState: JsonObject[],
): Promise<Record<string, unknown>> => {
  const event = await forge(a, roomId, {
    ...{ sender: ALICE, type: 'm.room.member', stateKey: BOB, content: { membership: 'invite' } },
  })
  const { eventId, pdu, version } = event
  await a.client.invite('b.test', { roomId, eventId, event: pdu, roomVersion: version.id, inviteRoomState })
  return toldTo(b, roomId)
}

const toldTo = async ({ core }: WorldServer, roomId: string): Promise<Record<string, unknown>> => {
  const invitation = await core.context.read.invitations.one(BOB, roomId)
  const told = invitation?.strippedState.filter(({ type }) => type !== 'm.room.member') ?? []
  return Object.fromEntries(told.map(({ type, content }) => [type, content]))
}

const described = async (server: WorldServer, roomId: string): Promise<JsonObject[]> => {
  const events = await Promise.all(
    ['m.room.create', 'm.room.name'].map(type => stateAt(server, roomId, type)),
  )
  return events.flatMap(event => (event === undefined ? [] : [event.pdu]))
}

const extract = ({ type, sender, state_key, content }: JsonObject): JsonObject => ({
  ...(type === undefined ? {} : { type }),
  ...(sender === undefined ? {} : { sender }),
  ...(state_key === undefined ? {} : { state_key }),
  ...(content === undefined ? {} : { content }),
})

for (const id of ['11', '12']) {
  test(`servers from before v1.16 invite to rooms of version ${id} by extracts of events`, async t => {
    const p = await pair(t)
    const version = roomVersion(id)
    if (version === undefined) return t.fail()
    const roomId = await makeRoom(p.a, { preset: 'private_chat', name: 'Garden', version })
    const extracts = (await described(p.a, roomId)).map(extract)
    const told = await invited(p, roomId, extracts)
    t.deepEqual(told['m.room.name'], { name: 'Garden' })
    t.true('m.room.create' in told)
  })
}

test('in version 12 the create event is to be there, and nothing but whole events beside one', async t => {
  const p = await pair(t)
  const roomId = await makeRoom(p.a, { preset: 'private_chat', name: 'Garden' })
  const [create = {}, name = {}] = await described(p.a, roomId)
  const refused = { instanceOf: FederationError, message: /invite_room_state/ }
  await t.throwsAsync(invited(p, roomId, [extract(name)]), refused)
  await t.throwsAsync(invited(p, roomId, [create, extract(name)]), refused)
  await t.throwsAsync(invited(p, roomId, [extract(create), name]), refused)
})

/** A room that Carol has made, on a server that is gone since; Alice is in it. */
const desertedRoom = async (t: ExecutionContext, fields: Partial<NewRoom>) => {
  const p: { world: FederationWorld; a: WorldServer; b: WorldServer } = await pair(t)
  const c = await p.world.add('c.test')
  const made = newRoom(c.rooms, CAROL, { preset: 'public_chat', ...fields })
  const roomId = await c.rooms.roomCreation.create(made, { isDirect: false })
  await p.a.rooms.memberships.join({ userId: ALICE, roomId, via: ['c.test'] })
  await c.kill()
  return { ...p, roomId }
}

test('people are invited to rooms whose creator’s server is gone, and told what can be verified', async t => {
  const { a, b, roomId } = await desertedRoom(t, { name: 'Garden' })
  await a.rooms.memberships.invite({ sender: ALICE, userId: BOB, roomId })
  const told = await toldTo(b, roomId)
  t.true('m.room.create' in told, 'its ID is that of the room')
  t.false('m.room.name' in told)
})
