import test from 'ava'
import type { TestResponse } from '../test-kit/http.ts'
import { codeOf } from '../test-kit/http.ts'
import { openTestApp } from '../test-kit/http-app.ts'

const FEDERATE = '/_matrix/federation/v3/test/1?a=%20b'
const signature = (sig: string, more = ''): string =>
  `X-Matrix origin="o.test",key="ed25519:1",sig="${sig}"${more}`

test('federation: the signature covers method, target and body; the origin reaches the handler', async t => {
  const { server, signed } = await openTestApp(t)
  const headers = { authorization: signature('good', ',destination="me.test"') }
  const { body } = await server.request('PUT', FEDERATE, { headers, body: '{"a": [1]}' })
  t.like(body as object, { origin: 'o.test', body: { a: [1] }, request: { text: '{"a": [1]}' } })
  t.deepEqual(signed, [
    {
      method: 'PUT',
      uri: FEDERATE,
      origin: 'o.test',
      destination: 'me.test',
      keyId: 'ed25519:1',
      signature: 'good',
      content: { a: [1] },
    },
  ])
})

test('federation: no, broken or wrong authorization is a 401; of several signatures one must hold', async t => {
  const { server } = await openTestApp(t)
  const call = (authorization?: string | string[]): Promise<TestResponse> =>
    server.request('PUT', FEDERATE, {
      json: {},
      headers: authorization === undefined ? {} : { authorization },
    })
  for (const wrong of [undefined, 'Bearer alice', 'X-Matrix origin="o.test"', signature('bad')]) {
    t.is(codeOf(await call(wrong)), '401 M_UNAUTHORIZED')
  }
  t.is((await call([signature('bad'), signature('good')])).status, 200)
})
