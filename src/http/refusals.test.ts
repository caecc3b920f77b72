import { connect } from 'node:net'
import test from 'ava'
import type { TestRequest } from '../test-kit/http.ts'
import { openTestApp } from '../test-kit/http-app.ts'

const T = '/_matrix/client/v3/test'
const ECHO = `POST ${T}/echo/@bob:test`
const OPEN = `GET ${T}/open`

const alice = (body: string | Uint8Array, headers: Record<string, string> = {}): TestRequest => ({
  token: 'alice',
  body,
  headers,
})
const as = (token: string): TestRequest => ({ token, json: { count: 1 } })

const nested = `{"count":1,"x":${'['.repeat(200)}${']'.repeat(200)}}`
const latin = Buffer.from('{"count":1,"x":"\xff"}', 'latin1')
const big = JSON.stringify({ count: 1, x: 'x'.repeat(1000) })
const chunked = { 'transfer-encoding': 'chunked' }

/** What is refused: the request, and status and code of the answer. */
const REFUSALS: readonly [what: string, request: string, options: TestRequest, answer: string][] = [
  ['bad JSON', ECHO, alice('{"count":'), '400 M_NOT_JSON'],
  ['no body where one is required', ECHO, alice(''), '400 M_NOT_JSON'],
  ['a body that is not UTF-8', ECHO, alice(latin), '400 M_NOT_JSON'],
  ['a byte order mark', ECHO, alice('\ufeff{"count":1}'), '400 M_NOT_JSON'],
  ['deep nesting', ECHO, alice(nested), '400 M_NOT_JSON'],
  ['bad JSON where the body may be absent', `POST ${T}/lenient`, alice('{'), '400 M_NOT_JSON'],
  ['an array for a body', ECHO, alice('[]'), '400 M_BAD_JSON'],
  ['null for a body', ECHO, alice('null'), '400 M_BAD_JSON'],
  ['a wrong type, never coerced', ECHO, alice('{"count":"3"}'), '400 M_BAD_JSON'],
  ['a value that is not among the known', ECHO, alice('{"count":1,"kind":"c"}'), '400 M_BAD_JSON'],
  ['a missing member', ECHO, alice('{}'), '400 M_MISSING_PARAM'],
  ['a malformed identifier', ECHO, alice('{"count":1,"who":"bob"}'), '400 M_INVALID_PARAM'],
  ['a number out of range', ECHO, alice('{"count":11}'), '400 M_INVALID_PARAM'],
  ['an oversized body', ECHO, alice(big), '413 M_TOO_LARGE'],
  ['an oversized body of unknown length', ECHO, alice(big, chunked), '413 M_TOO_LARGE'],
  ['no token', ECHO, { json: { count: 1 } }, '401 M_MISSING_TOKEN'],
  ['an empty token', `${ECHO}?access_token=`, { json: { count: 1 } }, '401 M_MISSING_TOKEN'],
  ['an unknown token', ECHO, as('eve'), '401 M_UNKNOWN_TOKEN'],
  ['another scheme', ECHO, { headers: { authorization: 'Basic YTpi' } }, '401 M_MISSING_TOKEN'],
  ['an unknown token where one is optional', `GET ${T}/maybe`, as('eve'), '401 M_UNKNOWN_TOKEN'],
  ['a guest', ECHO, as('guest'), '403 M_GUEST_ACCESS_FORBIDDEN'],
  ['a locked account', ECHO, as('locked'), '401 M_USER_LOCKED'],
  ['a suspended account', `POST ${T}/leave`, as('suspended'), '403 M_USER_SUSPENDED'],
  ['a user where bridges go', `POST ${T}/bridge`, as('alice'), '403 M_FORBIDDEN'],
  ['an unknown path', 'GET /_matrix/client/v3/nothing', {}, '404 M_UNRECOGNIZED'],
  ['an unknown path of federation', 'PUT /_matrix/federation/v9/send/1', {}, '404 M_UNRECOGNIZED'],
  ['an unknown path outside', 'GET /', {}, '404 M_UNRECOGNIZED'],
  ['a path in another case', `GET ${T.toUpperCase()}/OPEN`, {}, '404 M_UNRECOGNIZED'],
  ['a trailing slash', `${OPEN}/`, {}, '404 M_UNRECOGNIZED'],
  ['a wrong method', `DELETE ${T}/open`, {}, '405 M_UNRECOGNIZED'],
  ['a wrong method on an old prefix', 'PUT /_matrix/client/r0/test/open', {}, '405 M_UNRECOGNIZED'],
  ['a wrong method in federation', 'POST /_matrix/federation/v3/test/1', {}, '405 M_UNRECOGNIZED'],
  ['a method that nothing has', `PROPFIND ${T}/open`, {}, '405 M_UNRECOGNIZED'],
  ['a malformed path parameter', `POST ${T}/echo/bob`, as('alice'), '400 M_INVALID_PARAM'],
  ['broken percent-encoding', `POST ${T}/echo/%zz`, as('alice'), '400 M_INVALID_PARAM'],
  ['percent-encoding that is not UTF-8', `POST ${T}/echo/%ff`, as('alice'), '400 M_INVALID_PARAM'],
  ['a NUL in the path', `POST ${T}/echo/@%00`, as('alice'), '400 M_INVALID_PARAM'],
  ['a query that is no integer', `${OPEN}?limit=1.5`, {}, '400 M_INVALID_PARAM'],
  ['a query beyond the integers', `${OPEN}?limit=9007199254740993`, {}, '400 M_INVALID_PARAM'],
  ['a query that is no boolean', `${OPEN}?flag=yes`, {}, '400 M_INVALID_PARAM'],
  ['a query that is no number', `${OPEN}?part=`, {}, '400 M_INVALID_PARAM'],
  ['a query outside its enum', `${OPEN}?dir=x`, {}, '400 M_INVALID_PARAM'],
  ['what a handler refuses', `GET ${T}/reply/refused`, {}, '403 M_FORBIDDEN'],
]

for (const [what, request, options, answer] of REFUSALS) {
  test(`refuses ${what}`, async t => {
    const { server } = await openTestApp(t)
    const [method = '', target = ''] = request.split(' ')
    const { status, body, headers } = await server.request(method, target, options)
    t.is(`${status} ${(body as { errcode: string }).errcode}`, answer)
    t.is(headers['access-control-allow-origin'], '*')
    t.is(headers['content-type'], 'application/json')
  })
}

test('refusals say what clients need besides the code', async t => {
  const { server } = await openTestApp(t)
  const locked = await server.request('POST', `${T}/echo/@b`, as('locked'))
  t.like(locked.body as object, { soft_logout: true })
  const method = await server.request('DELETE', `${T}/open`)
  t.is(method.headers.allow, 'GET')
  const own = await server.request('GET', `${T}/reply/refused`)
  t.deepEqual(own.body, { errcode: 'M_FORBIDDEN', error: 'no', why: 'because' })
})

test('an unexpected failure tells nothing, and the log everything', async t => {
  const { server, logged } = await openTestApp(t)
  const { status, body } = await server.request('GET', `${T}/reply/broken`)
  t.is(status, 500)
  const { errcode, error } = body as { errcode: string; error: string }
  t.is(errcode, 'M_UNKNOWN')
  t.false(error.includes('secret'))
  const id = /has it as (\S+)\.$/.exec(error)?.[1] ?? 'none'
  t.true(logged.some(line => line.includes('the secret is 42') && line.includes(id)))
})

test('what cannot be written is a failure too, and never one of the process', async t => {
  const { server, logged } = await openTestApp(t)
  t.is((await server.request('GET', `${T}/reply/brokenHeader`)).status, 500)
  await t.throwsAsync(server.request('GET', `${T}/reply/brokenRefusal`))
  t.is(logged.filter(line => line.includes('a response could not be written')).length, 1)
})

test('a reply that breaks half way ends the connection, and is in the log', async t => {
  const { server, logged } = await openTestApp(t)
  await t.throwsAsync(server.request('GET', `${T}/reply/brokenStream`), { code: 'ECONNRESET' })
  t.true(logged.some(line => line.includes('the stream is broken')))
})

/** Sends bytes as they are, and answers what comes back until the server closes or the text matches. */
const raw = (port: number, text: string, until: RegExp): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    let received = ''
    socket.on('data', chunk => {
      received += chunk.toString()
      if (until.test(received)) socket.end()
    })
    socket.on('close', () => resolve(received))
    socket.on('error', reject)
  })

const head = (length: number): string =>
  `POST ${T}/echo/@b HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer alice\r\nContent-Length: ${length}\r\n\r\n`

test('what is no HTTP is answered as a standard error too', async t => {
  const { server } = await openTestApp(t)
  const answer = await raw(server.port, 'nonsense\r\n\r\n', /\}/)
  t.regex(answer, /^HTTP\/1\.1 400 Bad Request\r\n/)
  t.regex(answer, /"errcode":"M_UNKNOWN"/)
})

test('a body that stops arriving is given up', async t => {
  const { server, clock } = await openTestApp(t)
  const answer = raw(server.port, `${head(50)}{"coun`, /\}/)
  while (clock.sleeping === 0) await new Promise(resolve => setImmediate(resolve))
  await clock.advance(60_000)
  t.regex(await answer, /^HTTP\/1\.1 408 /)
})

test('a client that breaks off its body is answered nothing', async t => {
  const { server, clock, outcomes } = await openTestApp(t)
  const socket = connect(server.port, '127.0.0.1', () => socket.write(`${head(50)}{"coun`))
  while (clock.sleeping === 0) await new Promise(resolve => setImmediate(resolve))
  socket.destroy()
  while (outcomes.length === 0) await new Promise(resolve => setImmediate(resolve))
  t.is(outcomes[0]?.status, 499)
  t.is(clock.sleeping, 0)
})

test('a huge body that nobody wants ends the connection, but not before its sender could read why', async t => {
  const { server, clock } = await openTestApp(t)
  const body = 'x'.repeat(8_000_000)
  const answer = await raw(server.port, `${head(body.length)}${body}`, /never/)
  t.regex(answer, /^HTTP\/1\.1 413 /)
  t.regex(answer, /\r\nConnection: close\r\n/)
  t.is(clock.sleeping, 0)
  const stalled = raw(server.port, `${head(body.length)}x`, /never/)
  while (clock.sleeping === 0) await new Promise(resolve => setImmediate(resolve))
  await clock.advance(10_000)
  t.regex(await stalled, /^HTTP\/1\.1 413 /)
})
