import test from 'ava'
import type { TestResponse } from '../test-kit/http.ts'
import { codeOf } from '../test-kit/http.ts'
import { openTestApp, TEST_ENDPOINTS } from '../test-kit/http-app.ts'
import type { Endpoint } from './endpoint.ts'
import { createPages } from './pages.ts'

const T = '/_matrix/client/v3/test'
const ECHO = `${T}/echo/@bob:test`
const OPEN = `${T}/open`
const MAYBE = `${T}/maybe`

test('a call arrives validated, typed and with its requester, under every prefix', async t => {
  const { server, outcomes } = await openTestApp(t)
  const json = { count: 3, more: [null] }
  const { status, body } = await server.request('POST', ECHO, { token: 'alice', json })
  t.is(status, 200)
  t.like(body as object, {
    path: { name: '@bob:test' },
    body: json,
    requester: { userId: '@alice:test' },
    request: { ip: '127.0.0.1', accessToken: 'alice' },
  })
  t.like(outcomes[0], { operationId: 'echo', method: 'POST', status: 200 })
  const older = await server.request('POST', ECHO.replace('v3', 'r0'), { token: 'alice', json })
  t.is(older.status, 200)
})

test('locked and suspended accounts keep what the operation allows them', async t => {
  const { server } = await openTestApp(t)
  t.is((await server.request('POST', `${T}/leave`, { token: 'locked', json: {} })).status, 200)
  t.is((await server.request('POST', ECHO, { token: 'suspended', json: { count: 1 } })).status, 200)
})

test('an absent body reads as an empty object where the operation lets it', async t => {
  const { server } = await openTestApp(t)
  const { body } = await server.request('POST', `${T}/lenient`, { token: 'alice' })
  t.like(body as object, { body: {}, request: { text: '' } })
})

test('the token is taken from header or query, and shown to operations that ask for none', async t => {
  const { server } = await openTestApp(t)
  const alice = { requester: { userId: '@alice:test' } }
  t.like((await server.request('GET', `${MAYBE}?access_token=alice`)).body as object, alice)
  const headers = { authorization: 'bearer  alice' }
  t.like((await server.request('GET', MAYBE, { headers })).body as object, alice)
  t.false('requester' in ((await server.request('GET', MAYBE)).body as object))
  t.like((await server.request('GET', OPEN, { token: 'as' })).body as object, {
    request: { accessToken: 'as' },
  })
  const assertion = `${MAYBE}?user_id=@irc_x:test&device_id=D`
  const asserted = await server.request('GET', assertion, { token: 'bridge' })
  t.like(asserted.body as object, { requester: { userId: '@irc_x:test', deviceId: 'D' } })
})

test('query parameters are coerced, defaulted, and otherwise dropped', async t => {
  const { server } = await openTestApp(t)
  const queryOf = async (text: string): Promise<unknown> =>
    ((await server.request('GET', `${OPEN}?${text}`)).body as { query: unknown }).query
  t.deepEqual(await queryOf('limit=-5&flag=true&part=.5&v=a&v=b&dir=f&dir=b&__proto__=x&other=1'), {
    limit: -5,
    flag: true,
    part: 0.5,
    v: ['a', 'b'],
    kind: 'user',
    dir: 'f',
  })
  t.deepEqual(
    await queryOf('v=a&kind=&dir='),
    { v: ['a'], kind: '' },
    'an optional one that is empty is absent',
  )
})

test('path parameters are decoded once; the state key may be empty', async t => {
  const { server } = await openTestApp(t)
  const pathOf = async (target: string): Promise<unknown> => {
    const { body } = await server.request('GET', `/_matrix/client/v3/rooms/!r/state${target}`, {
      token: 'alice',
    })
    return (body as { path: unknown }).path
  }
  t.deepEqual(await pathOf('/m.room.name'), { roomId: '!r', eventType: 'm.room.name', stateKey: '' })
  t.deepEqual(await pathOf('/m.room.name/'), { roomId: '!r', eventType: 'm.room.name', stateKey: '' })
  t.deepEqual(await pathOf('/a%2Fb/%2540%3F%23%20%C3%A9?x=1'), {
    roomId: '!r',
    eventType: 'a/b',
    stateKey: '%40?# é',
  })
  t.like(await pathOf(`/t/${'x'.repeat(5000)}`), { stateKey: 'x'.repeat(5000) })
})

test('CORS: pre-flights are answered for every path and run nothing', async t => {
  const { server, outcomes } = await openTestApp(t)
  for (const target of [ECHO, '/_matrix/client/v3/nothing', '/']) {
    const { status, headers } = await server.request('OPTIONS', target)
    t.is(status, 204)
    t.is(headers['access-control-allow-origin'], '*')
    t.is(headers['access-control-allow-methods'], 'GET, POST, PUT, DELETE, OPTIONS')
    t.is(headers['access-control-allow-headers'], 'X-Requested-With, Content-Type, Authorization')
  }
  t.deepEqual(
    outcomes.map(({ operationId }) => operationId),
    [undefined, undefined, undefined],
  )
})

test('HEAD answers the headers of GET without its body', async t => {
  const { server } = await openTestApp(t)
  for (const kind of ['text', 'stream']) {
    const { status, headers, bytes } = await server.request('HEAD', `${T}/reply/${kind}`)
    t.is(status, 200)
    t.is(headers['content-type'], 'application/json')
    t.is(bytes.length, 0)
  }
})

test('replies: spliced text, streams, bytes, redirects, nothing', async t => {
  const { server } = await openTestApp(t)
  const get = (kind: string): Promise<TestResponse> => server.request('GET', `${T}/reply/${kind}`)
  t.is((await get('text')).bytes.toString(), '{"spliced": true}')
  t.deepEqual((await get('stream')).body, { a: 1 })
  t.deepEqual((await get('nothing')).body, {})
  const redirect = await get('redirect')
  t.is(redirect.status, 307)
  t.is(redirect.headers.location, 'https://a.test/')
  const bytes = await get('bytes')
  t.deepEqual([...bytes.bytes], [1, 2, 3])
  t.is(bytes.headers['content-type'], 'image/png')
  t.is(bytes.headers['cache-control'], 'max-age=60')
})

test('uploads reach the handler as they come, whatever their size', async t => {
  const { server } = await openTestApp(t)
  const { body } = await server.request('POST', `${T}/upload`, {
    token: 'alice',
    body: Buffer.alloc(500_000),
  })
  t.deepEqual(body, { size: 500_000 })
})

test('pages: served where no operation is; failures are standard errors', async t => {
  const pages = createPages()
  pages.get('/health', context => {
    context.body = { ok: true }
  })
  pages.get('/_matrix/static/page/', context => {
    context.body = 'a page'
  })
  pages.get('/broken', () => {
    throw new Error('the secret is 42')
  })
  const { server } = await openTestApp(t, { pages })
  const health = await server.request('GET', '/health')
  t.deepEqual(health.body, { ok: true })
  t.is(health.headers['access-control-allow-origin'], '*')
  t.is(codeOf(await server.request('GET', '/broken')), '500 M_UNKNOWN')
  t.is(codeOf(await server.request('GET', '/nothing')), '404 M_UNRECOGNIZED')
  t.is(codeOf(await server.request('POST', '/health')), '404 M_UNRECOGNIZED')
  const wrongMethod = await server.request('POST', '/_matrix/static/page/')
  t.is(codeOf(wrongMethod), '405 M_UNRECOGNIZED')
  t.is(wrongMethod.headers['allow'], 'HEAD, GET')
  t.is((await server.request('GET', OPEN)).status, 200)
})

test('a server whose operations and handlers do not match does not start, and says all that is wrong', async t => {
  const stranger: Endpoint = { operationId: 'stranger', handle: async () => ({}) }
  const error = await t.throwsAsync(openTestApp(t, { endpoints: [...TEST_ENDPOINTS.slice(2), stranger] }))
  t.true(
    error.message.endsWith(
      'operation echo has no handler\noperation lenient has no handler\nhandler stranger has no operation',
    ),
  )
})

test('the log holds no token, neither from the header nor from the query', async t => {
  const { server, logged } = await openTestApp(t)
  await server.request('GET', `${MAYBE}?access_token=alice`)
  await server.request('GET', MAYBE, { token: 'bridge' })
  t.is(logged.length, 2)
  t.deepEqual(
    logged.filter(line => /access_token|Bearer|"alice"|"bridge"/.test(line)),
    [],
  )
})
