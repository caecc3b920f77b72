import test from 'ava'
import type { Services } from '../../services/index.ts'
import { operations } from '../../spec/operations.ts'
import { openTestApp } from '../../test-kit/http-app.ts'
import { getVersions } from './getVersions.ts'

test('the versions are answered to everybody, in the order of their age', async t => {
  const { server } = await openTestApp(t, {
    endpoints: [getVersions],
    operations: { getVersions: operations.getVersions },
    services: { accounts: { rendezvous: { isOpen: true } } } as unknown as Services,
  })
  const { status, body } = await server.request('GET', '/_matrix/client/versions')
  t.is(status, 200)
  const { versions, unstable_features: features } = body as {
    versions: string[]
    unstable_features: Record<string, boolean>
  }
  t.true(features['org.matrix.msc4108'])
  t.is(versions[0], 'r0.0.1')
  t.deepEqual(versions.slice(-2), ['v1.18', 'v1.19'])
  t.is((await server.request('GET', '/_matrix/client/versions', { token: 'guest' })).status, 200)
})
