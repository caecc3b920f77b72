import test from 'ava'
import type { JsonValue } from '../../core/json.ts'
import {
  clientThatGets,
  type EndpointCase,
  isMalformed,
  testEndpoints,
} from '../../test-kit/endpoint-cases.ts'

const me = '@me:here.test'
const subject = { roomId: '!r:x', userId: me }
const template = (membership: string, changes: Record<string, JsonValue> = {}) => ({
  type: 'm.room.member',
  room_id: '!r:x',
  sender: me,
  state_key: me,
  content: { membership },
  ...changes,
})
const finished = { roomId: '!r:x', eventId: '$e/1', event: { type: 'm.room.member' } }
const at = { roomId: '!r:x', eventId: '$e' }
const V1 = '/_matrix/federation/v1'
const V2 = '/_matrix/federation/v2'

const CASES: Record<string, EndpointCase> = {
  makeJoin: {
    call: f => f.makeJoin('x', { ...subject, versions: ['10', 'org.x'] }),
    line: `GET ${V1}/make_join/!r%3Ax/%40me%3Ahere.test?ver=10&ver=org.x`,
    answer: { room_version: '10', event: template('join') },
    result: { roomVersion: '10', event: template('join') },
  },
  makeKnock: {
    call: f => f.makeKnock('x', { ...subject, versions: ['7'] }),
    line: `GET ${V1}/make_knock/!r%3Ax/%40me%3Ahere.test?ver=7`,
    answer: { room_version: '7', event: template('knock') },
    result: { roomVersion: '7', event: template('knock') },
  },
  'makeLeave of a server that names no version': {
    call: f => f.makeLeave('x', subject),
    line: `GET ${V1}/make_leave/!r%3Ax/%40me%3Ahere.test`,
    answer: { event: template('leave') },
    result: { roomVersion: undefined, event: template('leave') },
  },
  sendJoin: {
    call: f => f.sendJoin('x', { ...finished, omitMembers: true }),
    line: `PUT ${V2}/send_join/!r%3Ax/%24e%2F1?omit_members=true`,
    body: finished.event,
    answer: {
      state: [{ a: 1 }, 5],
      auth_chain: [{ b: 1 }],
      event: { c: 1 },
      members_omitted: true,
      servers_in_room: ['a.test', 'a.test', 'not a name', 7],
    },
    result: {
      state: [{ a: 1 }],
      authChain: [{ b: 1 }],
      event: { c: 1 },
      membersOmitted: true,
      serversInRoom: ['a.test'],
    },
  },
  'sendJoin of a server that omits nothing': {
    call: f => f.sendJoin('x', { ...finished, omitMembers: false }),
    line: `PUT ${V2}/send_join/!r%3Ax/%24e%2F1?omit_members=false`,
    body: finished.event,
    answer: { state: [], auth_chain: [], members_omitted: 'yes' },
    result: { state: [], authChain: [], event: undefined, membersOmitted: false, serversInRoom: undefined },
  },
  sendKnock: {
    call: f => f.sendKnock('x', finished),
    line: `PUT ${V1}/send_knock/!r%3Ax/%24e%2F1`,
    body: finished.event,
    answer: { knock_room_state: [{ a: 1 }] },
    result: [{ a: 1 }],
  },
  sendLeave: {
    call: f => f.sendLeave('x', finished),
    line: `PUT ${V2}/send_leave/!r%3Ax/%24e%2F1`,
    body: finished.event,
    answer: {},
    result: undefined,
  },
  backfill: {
    call: f => f.backfill('x', { roomId: '!r:x', from: ['$a', '$b'], limit: 2 }),
    line: `GET ${V1}/backfill/!r%3Ax?v=%24a&v=%24b&limit=2`,
    answer: { origin: 'x', pdus: [{ a: 1 }, null, { b: 1 }, { c: 1 }] },
    result: [{ a: 1 }, { b: 1 }],
  },
  getState: {
    call: f => f.getState('x', at),
    line: `GET ${V1}/state/!r%3Ax?event_id=%24e`,
    answer: { pdus: [{ a: 1 }], auth_chain: [{ b: 1 }] },
    result: { state: [{ a: 1 }], authChain: [{ b: 1 }] },
  },
  getStateIds: {
    call: f => f.getStateIds('x', at),
    line: `GET ${V1}/state_ids/!r%3Ax?event_id=%24e`,
    answer: { pdu_ids: ['$a', '$a', 'a', 1], auth_chain_ids: [] },
    result: { stateIds: ['$a'], authChainIds: [] },
  },
  'getEvent by an ID that has no encoding': {
    call: f => f.getEvent('x', '$\ud800/..'),
    line: `GET ${V1}/event/%24%EF%BF%BD%2F..`,
    answer: { pdus: [{ a: 1 }, { b: 1 }] },
    result: { a: 1 },
  },
  getEventAuth: {
    call: f => f.getEventAuth('x', at),
    line: `GET ${V1}/event_auth/!r%3Ax/%24e`,
    answer: { auth_chain: [{ a: 1 }] },
    result: [{ a: 1 }],
  },
  timestampToEvent: {
    call: f => f.timestampToEvent('x', { roomId: '!r:x', ts: 9, dir: 'b' }),
    line: `GET ${V1}/timestamp_to_event/!r%3Ax?ts=9&dir=b`,
    answer: { event_id: '$a', origin_server_ts: 8 },
    result: { eventId: '$a', originServerTs: 8 },
  },
}

testEndpoints(test, CASES)

test('a template for anything else than what was asked for is malformed', async t => {
  const others: readonly Record<string, JsonValue>[] = [
    { room_id: '!s:x' },
    { sender: '@you:here.test' },
    { state_key: '' },
    { type: 'm.room.power_levels' },
    { content: { membership: 'ban' } },
    { content: null },
  ]
  for (const changes of others) {
    const { federation } = clientThatGets({ room_version: '10', event: template('join', changes) })
    const call = federation.makeJoin('x', { ...subject, versions: ['10'] })
    t.true(isMalformed(await t.throwsAsync(call)), JSON.stringify(changes))
  }
})

test('answers about something else, or without what they are about, are malformed', async t => {
  const wrong: (readonly [EndpointCase['call'], JsonValue])[] = [
    [
      f => f.sendJoin('x', { ...finished, omitMembers: true }),
      { state: [], auth_chain: [], members_omitted: true },
    ],
    [f => f.sendJoin('x', { ...finished, omitMembers: true }), { state: [] }],
    [
      f => f.timestampToEvent('x', { roomId: '!r:x', ts: 9, dir: 'b' }),
      { event_id: '$a', origin_server_ts: '8' },
    ],
  ]
  const atMostOne = { ...at, atMost: 1 }
  wrong.push(
    [f => f.getState('x', atMostOne), { pdus: [{}, {}], auth_chain: [] }],
    [f => f.getStateIds('x', atMostOne), { pdu_ids: [], auth_chain_ids: ['$a', '$b'] }],
  )
  for (const [call, answer] of wrong) {
    const { federation } = clientThatGets(answer)
    t.true(isMalformed(await t.throwsAsync(call(federation))), JSON.stringify(answer))
  }
})

test('an invite goes by version 2, and by version 1 only to old servers and for old rooms', async t => {
  const event = { type: 'm.room.member', unsigned: { age: 1 } }
  const invite = { roomId: '!r:x', eventId: '$e', event, inviteRoomState: [{ a: 1 }] }
  const v2 = {
    line: `PUT ${V2}/invite/!r%3Ax/%24e`,
    body: { room_version: '2', event, invite_room_state: [{ a: 1 }] },
  }
  const modern = clientThatGets({ event: { signed: true } })
  t.deepEqual(await modern.federation.invite('x', { ...invite, roomVersion: '2' }), { signed: true })
  t.deepEqual(modern.sent, [v2])

  for (const status of [400, 404]) {
    const old = clientThatGets(status, [200, { event: { signed: true } }])
    t.deepEqual(await old.federation.invite('x', { ...invite, roomVersion: '2' }), { signed: true })
    const body = { ...event, unsigned: { age: 1, invite_room_state: [{ a: 1 }] } }
    t.deepEqual(old.sent, [v2, { line: `PUT ${V1}/invite/!r%3Ax/%24e`, body }])
  }
  for (const [status, roomVersion] of [
    [404, '3'],
    [403, '1'],
    [500, '1'],
  ] as const) {
    const refusing = clientThatGets(status)
    await t.throwsAsync(refusing.federation.invite('x', { ...invite, roomVersion }), { message: /status/ })
    t.is(refusing.sent.length, 1)
  }
  const broken = clientThatGets(404, { event: {} })
  t.true(isMalformed(await t.throwsAsync(broken.federation.invite('x', { ...invite, roomVersion: '1' }))))
})
