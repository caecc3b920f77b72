/** MSC4388, and the texts with ETags that MSC4108 had in 2024. */
import test from 'ava'
import { bodyOf } from '../../test-kit/accounts.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { codeOf } from '../../test-kit/http.ts'
import { startTestServer } from '../../test-kit/server.ts'

const PATH = '/_matrix/client/unstable/io.element.msc4388/rendezvous'
const TEXT_PATH = '/_matrix/client/unstable/org.matrix.msc4108/rendezvous'

test('a device that is signed in begins, and both write in turn', async t => {
  const server = await startTestServer()
  t.teardown(() => server.close())
  const { accessToken: token } = await server.register('alice')
  t.deepEqual((await server.request('GET', PATH)).body, { create_available: false })
  t.deepEqual((await server.request('GET', PATH, { token })).body, { create_available: true })
  t.is(codeOf(await server.request('POST', PATH, { json: { data: 'x' } })), '403 M_FORBIDDEN')
  t.is(codeOf(await server.request('POST', PATH, { token, json: {} })), '400 M_MISSING_PARAM')
  const large = { data: 'x'.repeat(4097) }
  t.is(codeOf(await server.request('POST', PATH, { token, json: large })), '413 M_TOO_LARGE')
  const made = bodyOf(await server.request('POST', PATH, { token, json: { data: 'hello' } }))
  const session = `${PATH}/${made['id']}`
  const json = { sequence_token: made['sequence_token'], data: 'answer' }
  const { sequence_token } = bodyOf(await server.request('PUT', session, { json }))
  t.is(
    codeOf(await server.request('PUT', session, { json: { ...json, data: 'too late' } })),
    '409 IO_ELEMENT_MSC4388_CONCURRENT_WRITE',
  )
  t.like(bodyOf(await server.request('GET', session)), { data: 'answer', sequence_token })
  const opened = { headers: { 'sec-fetch-mode': 'navigate' } }
  t.is(codeOf(await server.request('GET', session, opened)), '403 M_FORBIDDEN')
  t.is((await server.request('DELETE', session)).status, 200)
  t.is(codeOf(await server.request('GET', session)), '404 M_NOT_FOUND')
  t.is(
    codeOf(await server.request('POST', TEXT_PATH, { body: 'x' })),
    '404 M_UNRECOGNIZED',
    'that is not open',
  )
})

test('two devices behind one address may look for each other for as long as a sign-in takes', async t => {
  const server = await startTestServer({
    settings: { rate_limits: { enabled: true } },
    clock: new FakeClock(),
  })
  t.teardown(() => server.close())
  const { accessToken: token } = await server.register('alice')
  const made = bodyOf(await server.request('POST', PATH, { token, json: { data: 'hello' } }))
  for (let nr = 0; nr < 60; nr++)
    t.is((await server.request('GET', `${PATH}/${made['id']}`)).status, 200, `the ${nr}th time`)
})

test('where anybody may begin, texts are exchanged as in 2024', async t => {
  const server = await startTestServer({
    settings: { oauth: { qr_codes: 'anyone' }, public_base_url: 'https://chat.example' },
  })
  t.teardown(() => server.close())
  const { unstable_features: features } = bodyOf(await server.request('GET', '/_matrix/client/versions'))
  t.like(features, { 'org.matrix.msc4108': true })
  const made = await server.request('POST', TEXT_PATH, { body: 'hello' })
  t.is(made.status, 201)
  const url = String(bodyOf(made)['url'])
  t.true(url.startsWith(`https://chat.example${TEXT_PATH}/`), url)
  const session = new URL(url).pathname
  t.is(made.headers['access-control-expose-headers'], 'Retry-After, ETag')
  const first = made.headers.etag ?? ''
  const read = await server.request('GET', session)
  t.like(read, { status: 200, body: 'hello' })
  const { expires, 'last-modified': begun } = made.headers
  t.truthy(Date.parse(begun ?? ''), 'matrix-rust-sdk takes no answer without it')
  t.like(read.headers, { 'content-type': 'text/plain', etag: first, expires, 'last-modified': begun })
  t.is((await server.request('GET', session, { headers: { 'if-none-match': first } })).status, 304)
  t.is(codeOf(await server.request('PUT', session, { body: 'x' })), '400 M_MISSING_PARAM')
  const written = await server.request('PUT', session, { body: 'answer', headers: { 'if-match': first } })
  t.is(written.status, 202)
  const late = await server.request('PUT', session, { body: 'late', headers: { 'if-match': first } })
  t.is(codeOf(late), '412 IO_ELEMENT_MSC4388_CONCURRENT_WRITE')
  t.like(await server.request('GET', session, { headers: { 'if-none-match': first } }), { body: 'answer' })
  t.is(codeOf(await server.request('POST', TEXT_PATH, { body: 'x'.repeat(4097) })), '413 M_TOO_LARGE')
  const preflight = await server.request('OPTIONS', session)
  t.is(preflight.status, 204)
  t.regex(String(preflight.headers['access-control-allow-headers']), /If-None-Match/)
  t.is((await server.request('DELETE', session)).status, 204)
  t.is(codeOf(await server.request('GET', session)), '404 M_NOT_FOUND')
})
