import test from 'ava'
import { operations } from '../../spec/operations.ts'
import { openTestApp } from '../../test-kit/http-app.ts'
import { getVersions } from './getVersions.ts'

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
