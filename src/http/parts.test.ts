import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import test from 'ava'
import { getVersions } from '../api/client-server/getVersions.ts'
import { MatrixError } from '../core/errors.ts'
import type { Services } from '../services/index.ts'
import { operations } from '../spec/operations.ts'
import { FakeClock } from '../test-kit/fake-clock.ts'
import { createTestClient } from '../test-kit/http.ts'
import { openTestApp } from '../test-kit/http-app.ts'
import { createHttpApp } from './app.ts'
import { parseXMatrix } from './authentication.ts'
import { addressKey, createClientAddress } from './client-address.ts'
import type { RequestFacts } from './endpoint.ts'
import { renderError } from './errors.ts'
import { openListener } from './listener.ts'
import { createRateLimiter } from './rate-limit.ts'
import { createValidator } from './validate.ts'

const FULL = { origin: 'o.test', destination: 'd.test', keyId: 'ed25519:k', signature: 'AB+/' }

const ACCEPTED: readonly [what: string, header: string, expected: object][] = [
  ['quoted values', 'X-Matrix origin="o.test",destination="d.test",key="ed25519:k",sig="AB+/"', FULL],
  [
    'the scheme and names in any case',
    'x-MATRIX Origin="o.test",DESTINATION="d.test",Key="ed25519:k",SIG="AB+/"',
    FULL,
  ],
  ['tokens without quotes', 'X-Matrix origin=o.test,destination=d.test,key="ed25519:k",sig="AB+/"', FULL],
  ['colons without quotes', 'X-Matrix origin=o.test,destination=d.test,key=ed25519:k,sig=AB+/', FULL],
  [
    'ports without quotes',
    'X-Matrix origin=o.test:1,key=ed25519:k,sig=A',
    { origin: 'o.test:1', keyId: 'ed25519:k' },
  ],
  ['any order', 'X-Matrix sig="AB+/",key="ed25519:k",destination="d.test",origin="o.test"', FULL],
  ['blanks', 'X-Matrix   origin="o.test" ,\tdestination="d.test" , key="ed25519:k",  sig="AB+/" ', FULL],
  ['empty elements', 'X-Matrix ,origin=o.test, ,,destination=d.test,key=ed25519:k,sig=AB+/ , ,', FULL],
  ['escapes', 'X-Matrix origin="o\\.t\\est",destination="d.test",key="ed25519:k",sig="AB+/"', FULL],
  ['escaped quotes', 'X-Matrix origin="a\\"b\\\\",key=k,sig=s', { origin: 'a"b\\', keyId: 'k' }],
  ['commas in quotes', 'X-Matrix origin="a,b",key=k,sig=s', { origin: 'a,b', keyId: 'k' }],
  [
    'unknown parameters',
    'X-Matrix origin="o.test",destination="d.test",key="ed25519:k",x=y,sig="AB+/"',
    FULL,
  ],
  ['no destination', 'X-Matrix origin=o,key=k,sig=s', { origin: 'o', destination: undefined }],
  ['the long name of the signature', 'X-Matrix origin=o,key=k,signature=s', { signature: 's' }],
]

for (const [what, header, expected] of ACCEPTED) {
  test(`X-Matrix with ${what}`, t => {
    t.like(parseXMatrix(header), expected)
  })
}

test('X-Matrix: what is no such header is none', t => {
  const refused = [
    '',
    'X-Matrix',
    'X-Matrix ',
    'Bearer origin=o,key=k,sig=s',
    'X-Matrixorigin=o,key=k,sig=s',
    'X-Matrix origin=o,key=k',
    'X-Matrix origin="",key=k,sig=s',
    'X-Matrix origin=o,origin=p,key=k,sig=s',
    'X-Matrix origin="o,key=k,sig=s',
    'X-Matrix origin="o"p,key=k,sig=s',
    'X-Matrix origin=o key=k sig=s',
    'X-Matrix =o,key=k,sig=s',
  ]
  t.deepEqual(
    refused.filter(header => parseXMatrix(header) !== undefined),
    [],
  )
})

const waitOf = (call: () => void): unknown => {
  try {
    call()
    return 0
  } catch (error) {
    return error instanceof MatrixError ? error.fields.retry_after_ms : error
  }
}

test('rate limit: a burst at once, then the rate; refused calls do not count', async t => {
  const clock = new FakeClock()
  const limiter = createRateLimiter({ login: { perSecond: 2, burst: 3 } }, clock)
  const call = (key = 'a'): unknown => waitOf(() => limiter.check('login', key))
  t.deepEqual([call(), call(), call(), call(), call()], [0, 0, 0, 500, 500])
  t.is(call('b'), 0)
  await clock.advance(499)
  t.is(call(), 1)
  await clock.advance(1)
  t.deepEqual([call(), call()], [0, 500])
  await clock.advance(60_000)
  t.deepEqual([call(), call(), call(), call()], [0, 0, 0, 500])
})

test('rate limit: a call that does the work of several counts as all of them', async t => {
  const clock = new FakeClock()
  const limiter = createRateLimiter({ invite: { perSecond: 1, burst: 3 } }, clock)
  const call = (calls: number): unknown => waitOf(() => limiter.check('invite', 'a', calls))
  t.deepEqual([call(10), call(1), call(10)], [0, 8_000, 8_000], 'it is let pass, and waited for afterwards')
  await clock.advance(8_000)
  t.deepEqual([call(1), call(1)], [0, 1_000])
})

test('rate limit: what other processes let pass counts as well', t => {
  const clock = new FakeClock()
  const settings = { login: { perSecond: 1, burst: 4 } }
  const [one, other] = [createRateLimiter(settings, clock), createRateLimiter(settings, clock)]
  one.taken()
  for (let call = 0; call < 3; call++) one.check('login', 'alice')
  const taken = one.taken()
  t.deepEqual(taken, [{ name: 'login', key: 'alice', calls: 3 }])
  t.deepEqual(one.taken(), [])
  other.charge(taken)
  other.check('login', 'alice')
  t.is(
    waitOf(() => other.check('login', 'alice')),
    1_000,
  )
  other.check('login', 'bob')
  other.charge([{ name: 'login', key: 'bob', calls: 1_000 }])
  t.is(
    waitOf(() => other.check('login', 'bob')),
    1_000,
    'never longer than for a bucket that is full',
  )
})

test('rate limit: what is not set is not limited, and settings can change', t => {
  const limiter = createRateLimiter({ login: false }, new FakeClock())
  const call = (): unknown => waitOf(() => limiter.check('login', 'a'))
  t.deepEqual([call(), call(), waitOf(() => limiter.check('sync', 'a'))], [0, 0, 0])
  limiter.configure({ login: { perSecond: 1, burst: 1 } })
  t.deepEqual([call(), call()], [0, 1000])
})

test('rate limit: memory is bounded; the key seen least recently is forgotten', t => {
  const limiter = createRateLimiter({ login: { perSecond: 1, burst: 2 } }, new FakeClock(), 2)
  const call = (key: string): unknown => waitOf(() => limiter.check('login', key))
  t.deepEqual([call('a'), call('b'), call('a'), call('c')], [0, 0, 0, 0])
  t.is(call('a'), 1000)
  t.deepEqual([call('b'), call('b'), call('b')], [0, 0, 1000])
})

const requestFrom = (remoteAddress: string, forwarded?: string): IncomingMessage =>
  ({ socket: { remoteAddress }, headers: { 'x-forwarded-for': forwarded } }) as unknown as IncomingMessage

test('the address of a client: forwarded ones count only as far as trusted proxies wrote them', t => {
  const direct = createClientAddress()
  t.is(direct(requestFrom('192.0.2.1', '203.0.113.9')), '192.0.2.1')
  t.is(direct(requestFrom('::ffff:192.0.2.1')), '192.0.2.1')
  const proxied = createClientAddress(['10.0.0.0/8', '2001:db8::1'])
  t.is(proxied(requestFrom('192.0.2.1', '203.0.113.9')), '192.0.2.1')
  t.is(proxied(requestFrom('10.1.1.1', 'spoofed, 203.0.113.9')), '203.0.113.9')
  t.is(proxied(requestFrom('::ffff:10.1.1.1', '203.0.113.9, 2001:db8::1')), '203.0.113.9')
  t.is(proxied(requestFrom('2001:db8::1', '2001:db8::2')), '2001:db8::2')
  t.is(proxied(requestFrom('10.1.1.1', 'nonsense')), '10.1.1.1')
  t.is(proxied(requestFrom('10.1.1.1')), '10.1.1.1')
  t.throws(() => createClientAddress(['10.0.0.0/99']))
})

test('limits by address take an IPv6 network of 64 bits for one client', t => {
  t.is(addressKey('2001:db8::1'), addressKey('2001:db8:0:0:ffff::2'))
  t.not(addressKey('2001:db8::1'), addressKey('2001:db8:0:1::1'))
  t.not(addressKey('192.0.2.1'), addressKey('192.0.2.2'))
})

test('validation names the place of the first violation, and compiles what is asked for', t => {
  const body = { type: 'object', properties: { a: { type: 'array', items: { enum: ['x', 'y'] } } } }
  const validator = createValidator({ op: { body }, broken: { query: { type: 'nonsense' } } })
  t.notThrows(() => validator.validate('op', 'body', { a: ['x'], more: 1 }))
  t.throws(() => validator.validate('op', 'body', { a: ['z'] }), {
    message: 'Invalid body at a.0: must be equal to one of the allowed values: x, y',
  })
  t.throws(() => validator.validate('broken', 'query', {}))
})

test('the versions are answered to everybody, in the order of their age', async t => {
  const { server } = await openTestApp(t, {
    endpoints: [getVersions],
    operations: { getVersions: operations.getVersions },
  })
  const { status, body } = await server.request('GET', '/_matrix/client/versions')
  t.is(status, 200)
  const { versions } = body as { versions: string[] }
  t.is(versions[0], 'r0.0.1')
  t.deepEqual(versions.slice(-2), ['v1.18', 'v1.19'])
  t.is((await server.request('GET', '/_matrix/client/versions', { token: 'guest' })).status, 200)
})

/** A listener whose requests wait until `finish` is called; `arrived` resolves with the first one's call. */
const openWaiting = async () => {
  const finish = Promise.withResolvers<void>()
  const arrived = Promise.withResolvers<RequestFacts>()
  const app = createHttpApp({
    endpoints: [
      {
        operationId: 'getVersions',
        handle: async ({ request }) => {
          arrived.resolve(request)
          await finish.promise
          return { versions: [] }
        },
      },
    ],
    operations: { getVersions: operations.getVersions },
    services: {} as Services,
    authenticate: async () => Promise.reject(new Error('not asked')),
    verifyRequest: async () => {},
    clock: new FakeClock(),
    log: { debug() {}, info() {}, warn() {}, error() {} },
  })
  const listener = await openListener({ handler: app.handler, host: '127.0.0.1', port: 0 })
  return { listener, arrived: arrived.promise, finish: finish.resolve }
}

test('closing lets running requests finish, and takes no new ones', async t => {
  const { listener, arrived, finish } = await openWaiting()
  const client = createTestClient(listener.url)
  const answer = client.request('GET', '/_matrix/client/versions')
  await arrived
  const closed = listener.close()
  await t.throwsAsync(createTestClient(listener.url).request('GET', '/_matrix/client/versions'))
  finish()
  t.is((await answer).status, 200)
  await closed
  t.pass()
})

test('closing does not wait for connections that nothing was asked on', async t => {
  const { listener } = await openWaiting()
  const socket = connect(listener.port, '127.0.0.1')
  await once(socket, 'connect')
  const ended = once(socket, 'close')
  // Without a bound, so that it would wait for ever.
  await listener.close(2 ** 31 - 1)
  await ended
  t.true(socket.destroyed)
})

test('handlers are told when the client has gone', async t => {
  const { listener, arrived, finish } = await openWaiting()
  const socket = connect(listener.port, '127.0.0.1', () =>
    socket.write('GET /_matrix/client/versions HTTP/1.1\r\nHost: a\r\n\r\n'),
  )
  const { signal } = await arrived
  t.false(signal.aborted)
  const aborted = new Promise(resolve => signal.addEventListener('abort', resolve))
  socket.destroy()
  await aborted
  t.true(signal.aborted)
  finish()
  await listener.close(0)
})

test('who has reached a limit of their account is told where to read about it', t => {
  const silent = () => {}
  const log = { debug: silent, info: silent, warn: silent, error: silent }
  const render = (error: MatrixError, limitInfoUri?: string): unknown =>
    JSON.parse(String(renderError(error, { requestId: '1', log, limitInfoUri }).body))
  const limit = new MatrixError('M_USER_LIMIT_EXCEEDED', 'Too much', { fields: { can_upgrade: false } })
  t.deepEqual(render(limit, 'https://x.test/limits'), {
    errcode: 'M_USER_LIMIT_EXCEEDED',
    error: 'Too much',
    can_upgrade: false,
    info_uri: 'https://x.test/limits',
  })
  t.deepEqual(render(new MatrixError('M_FORBIDDEN', 'No'), 'https://x.test/limits'), {
    errcode: 'M_FORBIDDEN',
    error: 'No',
  })
})

test('every refusal of too much says when to come again', t => {
  const silent = () => {}
  const log = { debug: silent, info: silent, warn: silent, error: silent }
  const waits = (options: { fields?: { retry_after_ms: number }; headers?: Record<string, string> }) =>
    renderError(new MatrixError('M_LIMIT_EXCEEDED', 'slowly', options), { requestId: '1', log }).headers[
      'Retry-After'
    ]
  t.is(waits({ fields: { retry_after_ms: 1500 } }), '2')
  t.is(waits({ headers: { 'Retry-After': '7' } }), '7')
  t.is(waits({}), '5')
})
