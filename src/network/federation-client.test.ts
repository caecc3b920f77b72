import test, { type ExecutionContext } from 'ava'
import { verifyJson } from '../core/signing.ts'
import { startNetwork, startPeer } from '../test-kit/federation.ts'
import { type PeerAnswer, parseXMatrix } from '../test-kit/https-server.ts'
import { FederationError } from './federation/federation-error.ts'

const setUp = async (t: ExecutionContext, options: Parameters<typeof startNetwork>[1] = {}) => {
  const peer = await startPeer(t)
  const network = await startNetwork(t, { hosts: [peer.hostsEntry], ...options })
  peer.knows(network.serverName, network.signingKey)
  return { peer, network, federation: network.federation }
}

const V1 = '/_matrix/federation/v1'

test('a request carries a signature over method, target, both names and body', async t => {
  const { peer, network } = await setUp(t)
  peer.expect('POST', `${V1}/get_missing_events/!r:x`, {
    json: { events: [{ type: 'a' }, 'no event', { type: 'b' }] },
  })
  const ask = { roomId: '!r:x', earliest: ['$a'], latest: ['$b'], limit: 5, minDepth: 1 }
  const events = await network.federation.getMissingEvents(peer.serverName, ask)
  t.deepEqual(events, [{ type: 'a' }, { type: 'b' }])

  const [request] = peer.requests
  t.is(request?.url, `${V1}/get_missing_events/!r%3Ax`)
  t.deepEqual(request?.body, { earliest_events: ['$a'], latest_events: ['$b'], limit: 5, min_depth: 1 })
  t.is(request?.headers['content-type'], 'application/json')
  const header = request?.headers.authorization ?? ''
  t.regex(
    header,
    /^X-Matrix origin="here\.test",destination="peer-\d+\.test:\d+",key="ed25519:here",sig="[\w+/]+"$/,
  )
  const { sig = '' } = parseXMatrix(header)
  const signed = {
    method: 'POST',
    uri: `${V1}/get_missing_events/!r%3Ax`,
    origin: 'here.test',
    destination: peer.serverName,
    content: request?.body ?? null,
    signatures: { 'here.test': { 'ed25519:here': sig } },
  }
  t.true(verifyJson(signed, 'here.test', 'ed25519:here', network.signingKey.publicKey))
  t.false(verifyJson({ ...signed, uri: '/' }, 'here.test', 'ed25519:here', network.signingKey.publicKey))
  t.deepEqual(peer.problems(), [])
})

test('a whole discovery: delegation by well-known, then SRV, to the delegate and its certificate', async t => {
  const owner = await startPeer(t)
  const delegate = await startPeer(t, { serverName: owner.host })
  const network = await startNetwork(t, {
    hosts: [owner.hostsEntry, ['srv.test', ['127.0.0.1']]],
    dns: {
      resolveSrv: async name =>
        name === `_matrix-fed._tcp.${delegate.host}`
          ? [{ name: 'srv.test', port: delegate.port, priority: 1, weight: 1 }]
          : [],
    },
  })
  delegate.knows(network.serverName, network.signingKey)
  owner.expect('GET', '/.well-known/matrix/server', { status: 308, headers: { location: '/moved' } })
  owner.expect('GET', '/moved', {
    json: { 'm.server': delegate.host },
    headers: { 'content-type': 'text/plain' },
  })
  delegate.expect('GET', `${V1}/event/$e`, { json: { pdus: [{ type: 'a' }] } })
  t.deepEqual(await network.federation.getEvent(owner.host, '$e'), { type: 'a' })
  const [request] = delegate.requests
  t.deepEqual([request?.headers.host, request?.sni], [delegate.host, delegate.host])
  // "The server names from before delegation would take place are used".
  t.is(parseXMatrix(request?.headers.authorization ?? '')['destination'], owner.host)
  t.deepEqual([...owner.problems(), ...delegate.problems()], [])
})

test('a well-known document that is huge, circular, insecure or missing counts as none', async t => {
  const documents: readonly PeerAnswer[] = [
    { json: { 'm.server': '127.0.0.1:1', padding: 'x'.repeat(50 * 1024) } },
    { status: 302, headers: { location: '/.well-known/matrix/server' } },
    { status: 302, headers: { location: 'http://insecure.test/' } },
    { raw: response => response.destroy() },
  ]
  for (const document of documents) {
    const peer = await startPeer(t, { portInName: false })
    const { federation } = await startNetwork(t, { hosts: [peer.hostsEntry] })
    peer.always('GET', '/.well-known/matrix/server', document)
    peer.expect('GET', `${V1}/event/$e`, { json: { pdus: [{ type: 'a' }] } })
    t.deepEqual(await federation.getEvent(peer.serverName, '$e'), { type: 'a' })
    t.deepEqual(peer.problems(), [])
  }
})

test('keys are fetched without a signature, and only those of the server asked for count', async t => {
  const { peer, federation } = await setUp(t)
  const keys = await federation.getServerKeys(peer.serverName)
  t.is(keys.verifyKeys.get('ed25519:peer'), peer.signingKey.publicKey)
  t.true(verifyJson(keys.raw, peer.serverName, 'ed25519:peer', peer.signingKey.publicKey))

  const odd = { 'ed25519:odd': { key: 5 }, 'ed25519:old': { key: 'b2xk', expired_ts: 9 } }
  const others = { ...peer.publishedKeys(), old_verify_keys: odd }
  peer.expect('GET', '/_matrix/key/v2/server', { json: { ...others, server_name: 'evil.test' } })
  await t.throwsAsync(federation.getServerKeys(peer.serverName), { message: /another server/ })

  const json = {
    server_keys: [others, { ...others, server_name: 'evil.test' }, { server_name: peer.serverName }, 1],
  }
  peer.expect('POST', '/_matrix/key/v2/query', { json })
  const [found, ...more] = await federation.queryKeys(
    peer.serverName,
    new Map([[peer.serverName, new Map([['ed25519:a', 7]])]]),
  )
  t.deepEqual(more, [])
  t.deepEqual([...(found?.oldVerifyKeys ?? [])], [['ed25519:old', { key: 'b2xk', expiredTs: 9 }]])
  t.deepEqual(peer.requests.at(-1)?.body, {
    server_keys: { [peer.serverName]: { 'ed25519:a': { minimum_valid_until_ts: 7 } } },
  })
  t.true(peer.requests.every(({ headers }) => headers.authorization === undefined))
})

const FAILURES: readonly (readonly [string, PeerAnswer, Partial<FederationError>])[] = [
  [
    'an error',
    { status: 403, json: { errcode: 'M_FORBIDDEN', error: 'no' } },
    { kind: 'response', status: 403, errcode: 'M_FORBIDDEN', message: 'no', retryable: false },
  ],
  [
    'its fields',
    { status: 400, json: { errcode: 'M_INCOMPATIBLE_ROOM_VERSION', room_version: '9' } },
    { fields: { errcode: 'M_INCOMPATIBLE_ROOM_VERSION', room_version: '9' } },
  ],
  [
    'a limit',
    { status: 429, json: { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: 1_500 } },
    { retryable: true, retryAfterMs: 1_500 },
  ],
  [
    'a limit in the header',
    { status: 503, text: '<html>', headers: { 'retry-after': '7' } },
    { kind: 'response', status: 503, retryable: true, retryAfterMs: 7_000 },
  ],
  ['a web page', { status: 502, text: '<html>' }, { kind: 'response', status: 502, retryable: true }],
  [
    'a huge web page',
    { status: 502, text: 'x'.repeat(2_000_000) },
    { kind: 'response', status: 502, retryable: true },
  ],
  [
    'an odd error',
    { status: 404, json: { errcode: 5, error: [] } },
    { kind: 'response', status: 404, retryable: false },
  ],
  [
    'a redirect',
    { status: 302, headers: { location: 'https://elsewhere.test/' } },
    { kind: 'response', status: 302, retryable: false },
  ],
  ['no JSON', { text: '<html>' }, { kind: 'malformed', retryable: false }],
  [
    'broken UTF-8',
    { raw: response => response.end(Buffer.from('{"pdus":[{"a":"\xff"}]}', 'latin1')) },
    { kind: 'malformed' },
  ],
  ['deep JSON', { text: `{"pdus":${'['.repeat(9_000)}${']'.repeat(9_000)}}` }, { kind: 'malformed' }],
  ['no object', { json: [] }, { kind: 'malformed' }],
  ['no list', { json: { pdus: { length: 1 } } }, { kind: 'malformed' }],
  ['no event', { json: { pdus: [] } }, { kind: 'malformed' }],
  ['too much', { json: { pdus: [{ a: 'x'.repeat(300_000) }] } }, { kind: 'too-large', retryable: false }],
  ['silence', { raw: () => undefined }, { kind: 'timeout', retryable: true }],
  ['a hang-up', { raw: response => response.destroy() }, { kind: 'unreachable', retryable: true }],
]

test('whatever a peer answers instead of an event becomes a failure of the right kind', async t => {
  const { peer, federation } = await setUp(t)
  await Promise.all(
    FAILURES.map(async ([what, answer, expected]) => {
      peer.always('GET', `${V1}/event/$${what}`, answer)
      const timeoutMs = what === 'silence' ? 50 : 20_000
      const call = federation.getEvent(peer.serverName, `$${what}`, { timeoutMs })
      const error = await t.throwsAsync(call, { instanceOf: FederationError }, what)
      t.like(error, { destination: peer.serverName, ...expected }, what)
    }),
  )
  t.deepEqual(peer.problems(), [])
})

test('what would take seconds to read, or gigabytes of memory, is not read', async t => {
  const { peer, federation } = await setUp(t)
  const dense = `[${'{},'.repeat(1_000_001)}{}]`
  peer.always('POST', `${V1}/user/keys/query`, { text: `{"device_keys":{"@a:${peer.serverName}":${dense}}}` })
  const query = federation.keysQuery(peer.serverName, new Map([[`@a:${peer.serverName}`, []]]))
  t.like(await t.throwsAsync(query), { kind: 'malformed', retryable: false })
  peer.always('GET', `${V1}/event_auth/!r:x/$e`, { text: `{"auth_chain":${dense}}` })
  const chain = await federation.getEventAuth(peer.serverName, { roomId: '!r:x', eventId: '$e' })
  t.is(chain.length, 1_000_000)
  peer.always('GET', `${V1}/state_ids/!r:x`, {
    text: '{"pdu_ids":["$a","$b","$a",5,"no"],"auth_chain_ids":["$a"]}',
  })
  t.deepEqual(await federation.getStateIds(peer.serverName, { roomId: '!r:x', eventId: '$e' }), {
    stateIds: ['$a', '$b'],
    authChainIds: ['$a'],
  })
  t.deepEqual(peer.problems(), [])
})

test('servers that are out of reach, forbidden or ourselves', async t => {
  const { peer, federation } = await setUp(t, {
    deny: ['127.0.0.0/8'],
    permits: name => name !== 'blocked.test',
  })
  const kindOf = async (destination: string) =>
    (await t.throwsAsync(federation.getEvent(destination, '$e'), { instanceOf: FederationError })).kind
  t.is(await kindOf(peer.serverName), 'denied')
  t.is(await kindOf('127.0.0.1:1'), 'denied')
  t.is(await kindOf('here.test'), 'denied')
  t.is(await kindOf('nowhere.test:1'), 'unreachable')
  t.is(await kindOf('not a name'), 'unreachable')
  t.is(await kindOf('blocked.test'), 'denied')
  const controller = new AbortController()
  const reason = new Error('stop')
  controller.abort(reason)
  const call = federation.getEvent(peer.serverName, '$e', { signal: controller.signal })
  t.is(await t.throwsAsync(call), reason)
  t.deepEqual(peer.requests, [])
})
