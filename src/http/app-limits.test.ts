import test from 'ava'
import { MatrixError } from '../core/errors.ts'
import type { TestResponse } from '../test-kit/http.ts'
import { codeOf } from '../test-kit/http.ts'
import { openTestApp } from '../test-kit/http-app.ts'

const T = '/_matrix/client/v3/test'
const ECHO = `${T}/echo/@bob:test`
const OPEN = `${T}/open`

test('rate limits: 429 with both ways of saying when, per account, and never for the exempt', async t => {
  const { server, clock } = await openTestApp(t, { rateLimits: { write: { perSecond: 0.5, burst: 2 } } })
  const call = (token: string): Promise<TestResponse> =>
    server.request('POST', ECHO, { token, json: { count: 1 } })
  t.is((await call('alice')).status, 200)
  t.is((await call('alice')).status, 200)
  const limited = await call('alice')
  t.is(codeOf(limited), '429 M_LIMIT_EXCEEDED')
  t.like(limited.body as object, { retry_after_ms: 2000 })
  t.is(limited.headers['retry-after'], '2')
  t.is((await call('suspended')).status, 200)
  for (let i = 0; i < 4; i++) {
    t.is((await server.request('POST', `${T}/bridge`, { token: 'bridge', json: {} })).status, 200)
  }
  await clock.advance(2000)
  t.is((await call('alice')).status, 200)
})

test('rate limits: without account by address, behind a trusted proxy by the forwarded one', async t => {
  const login = { perSecond: 1, burst: 1 }
  const { server } = await openTestApp(t, { rateLimits: { login }, trustedProxies: ['127.0.0.0/8'] })
  const from = async (address: string): Promise<number> =>
    (await server.request('GET', OPEN, { headers: { 'x-forwarded-for': address } })).status
  t.deepEqual(
    [await from('198.51.100.1'), await from('198.51.100.1'), await from('198.51.100.2')],
    [200, 429, 200],
  )
})

test('rate limits: one for all requests of an address, and each can be switched off', async t => {
  const all = await openTestApp(t, { rateLimits: { ip: { perSecond: 1, burst: 1 } } })
  t.is((await all.server.request('GET', '/_matrix/nothing')).status, 404)
  t.is((await all.server.request('GET', '/_matrix/nothing')).status, 429)
  t.is((await all.server.request('OPTIONS', '/_matrix/nothing')).status, 204)
  const off = await openTestApp(t, { rateLimits: { login: false } })
  for (let i = 0; i < 20; i++) t.is((await off.server.request('GET', OPEN)).status, 200)
})

test('rate limits: by address only whom no account is behind, or who goes beyond what theirs may', async t => {
  const rateLimits = { ip: { perSecond: 0.1, burst: 3 }, write: { perSecond: 0.1, burst: 6 } }
  const { server } = await openTestApp(t, { rateLimits })
  const call = async (token: string) =>
    codeOf(await server.request('POST', ECHO, { token, json: { count: 1 } }))
  for (let nr = 0; nr < 6; nr++) t.is(await call('alice'), '200 -')
  t.is(await call('alice'), '429 M_LIMIT_EXCEEDED', 'counts as the first')
  t.is(await call('guessed'), '401 M_UNKNOWN_TOKEN')
  t.is((await server.request('GET', '/_matrix/nothing')).status, 404)
  t.is(await call('guessed'), '429 M_LIMIT_EXCEEDED')
  t.is((await server.request('GET', OPEN)).status, 429)
})

test('rate limits: by address what nobody’s account was counted for, whoever sends it', async t => {
  const { server } = await openTestApp(t, { rateLimits: { ip: { perSecond: 0.1, burst: 3 } } })
  const call = async (json: object) => codeOf(await server.request('POST', ECHO, { token: 'alice', json }))
  for (let nr = 0; nr < 6; nr++) t.is(await call({ count: 1 }), '200 -')
  for (let nr = 0; nr < 3; nr++) t.is(await call({ count: 'many' }), '400 M_BAD_JSON')
  t.is(await call({ count: 'many' }), '429 M_LIMIT_EXCEEDED')
})

test('rate limits: tokens that are nobody’s count as they come, however many come at once', async t => {
  const asked = Promise.withResolvers<void>()
  let authenticated = 0
  const { server } = await openTestApp(t, {
    rateLimits: { ip: { perSecond: 0.1, burst: 3 } },
    authenticate: async () => {
      authenticated += 1
      if (authenticated === 10) asked.resolve()
      await asked.promise
      throw new MatrixError('M_UNKNOWN_TOKEN', 'Unknown token')
    },
  })
  const calls = Array.from({ length: 10 }, () => server.request('POST', ECHO, { token: 'guessed', json: {} }))
  const refused = await Promise.race(calls)
  t.is(refused.status, 429)
  asked.resolve()
  const codes = (await Promise.all(calls)).map(codeOf)
  t.is(codes.filter(code => code === '401 M_UNKNOWN_TOKEN').length, 3)
  t.is(authenticated, 3)
})
