import test from 'ava'
import type { JsonValue } from '../../core/json.ts'
import {
  clientThatGets,
  type EndpointCase,
  isMalformed,
  testEndpoints,
} from '../../test-kit/endpoint-cases.ts'

const room = { room_id: '!r:x', num_joined_members: 3, world_readable: true, guest_can_join: false }
const BAD_TEXTS = { canonical_alias: 'none', avatar_url: '', join_rule: '', room_version: 'x'.repeat(33) }
const keysOf = (userId: string, deviceId?: string) => ({
  user_id: userId,
  ...(deviceId === undefined ? {} : { device_id: deviceId }),
})

const V1 = '/_matrix/federation/v1'
const CASES: Record<string, EndpointCase> = {
  queryDirectory: {
    call: f => f.queryDirectory('x', '#ä:x'),
    line: `GET ${V1}/query/directory?room_alias=%23%C3%A4%3Ax`,
    answer: { room_id: '!r:x', servers: ['x', 'y:1', ':'] },
    result: { roomId: '!r:x', servers: ['x', 'y:1'] },
  },
  queryProfile: {
    call: f => f.queryProfile('x', { userId: '@u:x' }),
    line: `GET ${V1}/query/profile?user_id=%40u%3Ax`,
    answer: { displayname: 5, avatar_url: null, 'm.tz': 'UTC', more: { a: 1 } },
    result: { 'm.tz': 'UTC', more: { a: 1 } },
  },
  'queryProfile of one field': {
    call: f => f.queryProfile('x', { userId: '@u:x', field: 'displayname' }),
    line: `GET ${V1}/query/profile?user_id=%40u%3Ax&field=displayname`,
    answer: { displayname: 'U' },
    result: { displayname: 'U' },
  },
  publicRooms: {
    call: f => f.publicRooms('x', { limit: 2, since: 'p' }),
    line: `GET ${V1}/publicRooms?limit=2&since=p`,
    answer: {
      chunk: [{ ...room, ...BAD_TEXTS, name: 5, topic: 'T', x: 1 }, { room_id: 'r' }, room],
      next_batch: 'n',
      total_room_count_estimate: 1.5,
    },
    result: {
      chunk: [{ ...room, topic: 'T' }],
      nextBatch: 'n',
      prevBatch: undefined,
      totalRoomCountEstimate: undefined,
    },
  },
  'publicRooms with a filter': {
    call: f => f.publicRooms('x', { filter: { generic_search_term: 'a' }, includeAllNetworks: true }),
    line: `POST ${V1}/publicRooms`,
    body: { filter: { generic_search_term: 'a' }, include_all_networks: true },
    answer: { chunk: [], total_room_count_estimate: 0 },
    result: { chunk: [], nextBatch: undefined, prevBatch: undefined, totalRoomCountEstimate: 0 },
  },
  hierarchy: {
    call: f => f.hierarchy('x', { roomId: '!r:x', suggestedOnly: true }),
    line: `GET ${V1}/hierarchy/!r%3Ax?suggested_only=true`,
    answer: {
      room: { ...room, children_state: [{ a: 1 }, 2] },
      children: [
        { ...room, room_id: '!s:x', num_joined_members: -1, allowed_room_ids: ['!t:x', 't'] },
        { name: 'no room' },
      ],
      inaccessible_children: ['!u:x', 'u'],
    },
    result: {
      room: { summary: room, childrenState: [{ a: 1 }] },
      children: [
        {
          summary: { ...room, room_id: '!s:x', num_joined_members: 0, allowed_room_ids: ['!t:x'] },
          childrenState: [],
        },
      ],
      inaccessibleChildren: ['!u:x'],
    },
  },
  userDevices: {
    call: f => f.userDevices('x', '@u:x'),
    line: `GET ${V1}/user/devices/%40u%3Ax`,
    answer: {
      user_id: '@u:x',
      stream_id: 4,
      devices: [
        { device_id: 'A', keys: keysOf('@u:x', 'A'), device_display_name: 'a' },
        { device_id: 'B', keys: keysOf('@u:x', 'A') },
        { device_id: 'C', keys: keysOf('@v:x', 'C') },
        { device_id: 5 },
      ],
      master_key: keysOf('@v:x'),
      self_signing_key: keysOf('@u:x'),
    },
    result: {
      streamId: 4,
      devices: [{ deviceId: 'A', keys: keysOf('@u:x', 'A'), displayName: 'a' }],
      masterKey: undefined,
      selfSigningKey: keysOf('@u:x'),
    },
  },
  keysQuery: {
    call: f =>
      f.keysQuery(
        'x',
        new Map([
          ['@u:x', []],
          ['@v:x', ['A']],
        ]),
      ),
    line: `POST ${V1}/user/keys/query`,
    body: { device_keys: { '@u:x': [], '@v:x': ['A'] } },
    answer: {
      device_keys: {
        '@u:x': { A: keysOf('@u:x', 'A'), B: keysOf('@u:x', 'A'), C: 5 },
        '@v:x': { A: keysOf('@v:x', 'A'), B: keysOf('@v:x', 'B') },
        '@w:x': { A: keysOf('@w:x', 'A') },
      },
      master_keys: { '@u:x': keysOf('@u:x'), '@v:x': keysOf('@u:x'), '@w:x': keysOf('@w:x') },
    },
    result: {
      deviceKeys: new Map([
        ['@u:x', new Map([['A', keysOf('@u:x', 'A')]])],
        ['@v:x', new Map([['A', keysOf('@v:x', 'A')]])],
      ]),
      masterKeys: new Map([['@u:x', keysOf('@u:x')]]),
      selfSigningKeys: new Map(),
    },
  },
  keysClaim: {
    call: f =>
      f.keysClaim(
        'x',
        new Map([
          [
            '@u:x',
            new Map([
              ['A', 'signed_curve25519'],
              ['__proto__', 'a'],
            ]),
          ],
          ['@v:x', new Map([['A', 'a']])],
        ]),
      ),
    line: `POST ${V1}/user/keys/claim`,
    body: JSON.parse('{"one_time_keys":{"@u:x":{"A":"signed_curve25519","__proto__":"a"},"@v:x":{"A":"a"}}}'),
    answer: {
      one_time_keys: {
        '@u:x': {
          A: { 'curve25519:1': 'k', 'signed_curve25519:2': { key: 'k' }, 'signed_curve25519:3': {} },
          B: { 'a:1': 'k' },
        },
        '@v:x': 5,
      },
    },
    result: new Map([['@u:x', new Map([['A', { 'signed_curve25519:2': { key: 'k' } }]])]]),
  },
  getVersion: {
    call: f => f.getVersion('x'),
    line: `GET ${V1}/version`,
    answer: { server: { name: 'N' }, 'chat.tessera': { enabled: true } },
    result: { name: 'N', version: undefined, isOurs: true },
  },
}

testEndpoints(test, CASES)

test('answers about other users, or without what they are about, are malformed', async t => {
  const wrong: readonly (readonly [EndpointCase['call'], JsonValue])[] = [
    [f => f.userDevices('x', '@u:x'), { user_id: '@v:x', stream_id: 1, devices: [] }],
    [
      f => f.hierarchy('x', { roomId: '!q:x', suggestedOnly: false }),
      { room, children: [], inaccessible_children: [] },
    ],
    [f => f.queryDirectory('x', '#a:x'), { room_id: 'r', servers: [] }],
    [f => f.keysQuery('x', new Map()), []],
    [f => f.getVersion('x'), {}],
  ]
  for (const [call, answer] of wrong) {
    const { federation } = clientThatGets(answer)
    t.true(isMalformed(await t.throwsAsync(call(federation))), JSON.stringify(answer))
  }
})
