import test from 'ava'
import { type RoomVersion, roomVersions } from '../../../core/room-versions.ts'
import { signatureKeyIds } from '../../../core/signing.ts'
import { FederationError } from '../../../network/federation-client.ts'
import { testDatabases } from '../../../test-kit/database.ts'
import { stateEvent } from '../../../test-kit/outbound.ts'
import {
  ALICE,
  BOB,
  CAROL,
  makeRoom,
  refusal,
  restrictToClub,
  THERE,
  world,
} from '../../../test-kit/remote-room.ts'
import { requesterOf } from '../../../test-kit/rooms.ts'

testDatabases(test, 'a room is joined through another server, and talked in', async (t, database) => {
  const w = await world(t, database)
  const roomId = await makeRoom(w, { preset: 'public_chat', name: 'Tea' })
  await w.here.rooms.memberships.join({ userId: BOB, roomId, via: ['gone.test', THERE] })
  const head = await w.here.core.writer.head(roomId)
  t.is(head?.memberships.get(BOB), 'join')
  t.deepEqual(head?.joinedHosts().toSorted(), ['here.test', THERE])
  t.is((await stateEvent(w.here, roomId, 'm.room.name'))?.content['name'], 'Tea')
  t.is((await stateEvent(w.here, roomId, 'm.room.member', BOB))?.content['displayname'], 'bob')
  t.is((await w.there.core.writer.head(roomId))?.memberships.get(BOB), 'join')
  const join = await stateEvent(w.here, roomId, 'm.room.member', BOB)
  const missing = await w.here.core.context.read.rooms.missingEvents(head?.room.nid ?? 0)
  t.deepEqual(
    missing.map(one => one.missingEventId),
    [...(join?.prevEvents ?? [])],
    'history begins there',
  )
  const sent = await w.here.rooms.sending.message(requesterOf(BOB), {
    roomId,
    type: 'm.room.message',
    txnId: '1',
    content: { body: 'hello' },
  })
  t.truthy(sent.eventId)
})

test('a room of any version can be joined', async t => {
  const w = await world(t)
  const join = async (version: RoomVersion): Promise<void> => {
    const roomId = await makeRoom(w, { preset: 'public_chat', version })
    await w.here.rooms.memberships.join({ userId: BOB, roomId, via: [THERE] })
    t.is((await w.here.core.writer.head(roomId))?.memberships.get(BOB), 'join', `version ${version.id}`)
  }
  for (const version of roomVersions.values()) await join(version)
})

test('a server that does not say the version of a room may mean 1 or 2', async t => {
  const w = await world(t)
  const { makeJoin } = w.client
  Object.assign(w.client, {
    makeJoin: async (...call: Parameters<typeof makeJoin>) => ({
      ...(await makeJoin(...call)),
      roomVersion: undefined,
    }),
  })
  const join = (userId: string, roomId: string) =>
    w.here.rooms.memberships.join({ userId, roomId, via: [THERE] })
  const [first, second, third] = [...roomVersions.values()] as [RoomVersion, RoomVersion, RoomVersion]
  for (const version of [first, second]) {
    const roomId = await makeRoom(w, { preset: 'public_chat', version })
    await join(BOB, roomId)
    t.is((await w.here.core.writer.head(roomId))?.version, version)
    await w.here.rooms.memberships.leave({ userId: BOB, roomId })
    await join(BOB, roomId)
    t.is((await w.here.core.writer.head(roomId))?.memberships.get(BOB), 'join', 'again')
  }
  const newer = await makeRoom(w, { preset: 'public_chat', version: third })
  t.like(await t.throwsAsync(join(BOB, newer)), { errcode: 'M_UNKNOWN', status: 502 })
})

test('two users who join at once both get in, with one handshake', async t => {
  const w = await world(t)
  const roomId = await makeRoom(w)
  let handshakes = 0
  const { sendJoin } = w.client
  Object.assign(w.client, {
    sendJoin: (...call: Parameters<typeof sendJoin>) => {
      handshakes += 1
      return sendJoin(...call)
    },
  })
  const join = (userId: string) => w.here.rooms.memberships.join({ userId, roomId, via: [THERE] })
  await Promise.all([join(BOB), join(CAROL), join(BOB)])
  const head = await w.here.core.writer.head(roomId)
  t.is(head?.memberships.get(BOB), 'join')
  t.is(head?.memberships.get(CAROL), 'join')
  t.is(handshakes, 1)
  await w.here.outbound.joinsIdle(roomId)
})

test('refusals reach the client in its own terms, the most telling first', async t => {
  const w = await world(t)
  const limit = 'M_RESOURCE_LIMIT_EXCEEDED'
  const contact = { admin_contact: 'mailto:admin@there.test' }
  const failures: [unknown, { code: string; status: number; fields?: object }][] = [
    [refusal(403, 'M_FORBIDDEN', 'not invited'), { code: 'M_FORBIDDEN', status: 403 }],
    [refusal(404, 'M_NOT_FOUND'), { code: 'M_NOT_FOUND', status: 404 }],
    [refusal(400, 'M_UNABLE_TO_AUTHORISE_JOIN'), { code: 'M_UNABLE_TO_AUTHORISE_JOIN', status: 400 }],
    [refusal(400, 'M_UNABLE_TO_GRANT_JOIN'), { code: 'M_UNABLE_TO_GRANT_JOIN', status: 400 }],
    [refusal(400, 'M_INVALID_PARAM'), { code: 'M_UNKNOWN', status: 502 }],
    [refusal(401, 'M_UNKNOWN_TOKEN'), { code: 'M_UNKNOWN', status: 502 }],
    [refusal(403, limit, 'full', contact), { code: limit, status: 403, fields: contact }],
    [refusal(403, limit, 'full'), { code: 'M_FORBIDDEN', status: 403 }],
    [refusal(500, 'M_UNKNOWN'), { code: 'M_UNKNOWN', status: 502 }],
    [new FederationError('timeout', THERE, 'slow'), { code: 'M_CONNECTION_TIMEOUT', status: 504 }],
    [new FederationError('unreachable', THERE, 'down'), { code: 'M_CONNECTION_FAILED', status: 502 }],
    [new FederationError('malformed', THERE, 'odd'), { code: 'M_UNKNOWN', status: 502 }],
    [new FederationError('denied', THERE, 'no'), { code: 'M_FORBIDDEN', status: 403 }],
  ]
  const join = () => w.here.outbound.remote.join({ userId: BOB, roomId: '!a:b', via: [THERE], content: {} })
  for (const [error, expected] of failures) {
    Object.assign(w.client, { makeJoin: () => Promise.reject(error) })
    const thrown = await t.throwsAsync(join, undefined, String(error))
    const { code: errcode, status, fields = {} } = expected
    t.like(thrown, { errcode, status, fields }, String(error))
  }
  Object.assign(w.client, {
    makeJoin: (server: string) =>
      Promise.reject(
        server === THERE ? refusal(403, 'M_FORBIDDEN', 'banned') : new FederationError('timeout', server, ''),
      ),
  })
  const via = ['slow.test', THERE, 'slower.test']
  const thrown = await t.throwsAsync(
    w.here.outbound.remote.join({ userId: BOB, roomId: '!a:b', via, content: {} }),
    { message: 'banned' },
  )
  t.like(thrown, { errcode: 'M_FORBIDDEN' })
})

test('an unknown room version ends the search, and says which it was', async t => {
  const w = await world(t)
  let asked = 0
  const incompatible = () => {
    asked += 1
    return Promise.reject(refusal(400, 'M_INCOMPATIBLE_ROOM_VERSION', 'no', { room_version: '99' }))
  }
  Object.assign(w.client, { makeJoin: incompatible })
  const join = () =>
    w.here.outbound.remote.join({ userId: BOB, roomId: '!a:b', via: [THERE, 'other.test'], content: {} })
  t.like(await t.throwsAsync(join), {
    errcode: 'M_INCOMPATIBLE_ROOM_VERSION',
    fields: { room_version: '99' },
  })
  t.is(asked, 1)
  Object.assign(w.client, { makeJoin: async () => ({ roomVersion: 'org.odd', event: {} }) })
  t.like(await t.throwsAsync(join), {
    errcode: 'M_INCOMPATIBLE_ROOM_VERSION',
    fields: { room_version: 'org.odd' },
  })
})

test('a resident that lies about the room is passed over', async t => {
  const w = await world(t)
  const roomId = await makeRoom(w)
  const liar = 'liar.test'
  const { makeJoin, sendJoin } = w.client
  type Answer = Awaited<ReturnType<typeof sendJoin>>
  const lies: [string, (answer: Answer) => Partial<Answer>][] = [
    ['no state', () => ({ state: [], authChain: [] })],
    ['no create event', ({ state }) => ({ state: state.filter(one => one['type'] !== 'm.room.create') })],
    ['no auth chain for what it gives', ({ state }) => ({ state: state.slice(-1), authChain: [] })],
    [
      'state that nobody signed',
      ({ state }) => ({ state: state.map(one => ({ ...one, signatures: {} })), authChain: [] }),
    ],
  ]
  for (const [name, lie] of lies) {
    Object.assign(w.client, {
      makeJoin: (_: string, ...rest: [{ roomId: string; userId: string; versions: string[] }]) =>
        makeJoin(THERE, ...rest),
      sendJoin: async (_: string, ...rest: [Parameters<typeof sendJoin>[1]]) => {
        const answer = await sendJoin(THERE, ...rest)
        return { ...answer, ...lie(answer) }
      },
    })
    const join = () => w.here.outbound.remote.join({ userId: BOB, roomId, via: [liar], content: { name } })
    t.like(await t.throwsAsync(join, undefined, name), { errcode: 'M_UNKNOWN', status: 502 }, name)
    t.is(await w.here.core.writer.head(roomId), undefined, name)
  }
  Object.assign(w.client, { makeJoin, sendJoin })
  await w.here.rooms.memberships.join({ userId: BOB, roomId, via: [THERE] })
  t.is((await w.here.core.writer.head(roomId))?.memberships.get(BOB), 'join')
})

test('a room that is said to be of another version than its create event says is not joined', async t => {
  const w = await world(t)
  const roomId = await makeRoom(w, {
    preset: 'public_chat',
    version: w.there.rooms.roomSettings.versionFor('10'),
  })
  const { makeJoin } = w.client
  Object.assign(w.client, {
    makeJoin: async (...call: Parameters<typeof makeJoin>) => ({
      ...(await makeJoin(...call)),
      roomVersion: '9',
    }),
  })
  const join = () => w.here.outbound.remote.join({ userId: BOB, roomId, via: [THERE], content: {} })
  t.like(await t.throwsAsync(join, { message: /of version 10/ }), { errcode: 'M_UNKNOWN', status: 502 })
  t.is(await w.here.core.writer.head(roomId), undefined)
})

test('a restricted join needs the signature of the server that authorised it', async t => {
  const w = await world(t)
  const roomId = await makeRoom(w, { version: w.there.rooms.roomSettings.versionFor('11') })
  await restrictToClub(w, roomId)
  const { sendJoin } = w.client
  Object.assign(w.client, {
    sendJoin: async (...call: Parameters<typeof sendJoin>) => ({
      ...(await sendJoin(...call)),
      event: undefined,
    }),
  })
  const join = () => w.here.outbound.remote.join({ userId: BOB, roomId, via: [THERE], content: {} })
  await t.throwsAsync(join, { message: /not signed for @alice:there.test/ })
  t.is(await w.here.core.writer.head(roomId), undefined)
  Object.assign(w.client, { sendJoin })
  await join()
  const member = await stateEvent(w.here, roomId, 'm.room.member', BOB)
  t.is(member?.content['join_authorised_via_users_server'], ALICE)
  t.is(signatureKeyIds(member?.pdu ?? {}, THERE).length, 1)
})
