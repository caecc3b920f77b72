import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { authorizationHeader } from '../../network/request-signature.ts'
import { startPeer } from '../../test-kit/federation.ts'
import { startTestServer } from '../../test-kit/server.ts'
import { temporaryDirectory } from '../../test-kit/temporary-directory.ts'
import { testAuthority } from '../../test-kit/tls.ts'

test('a field that somebody has not set is left out of what servers are told, and no error', async t => {
  const peer = await startPeer(t)
  const ca = join(temporaryDirectory(t), 'ca.pem')
  writeFileSync(ca, (await testAuthority()).pem)
  const hosts = Object.fromEntries([peer.hostsEntry])
  const server = await startTestServer({
    settings: { ca_file: ca, federation: { deny_addresses: [], hosts } },
  })
  t.teardown(server.close)
  const { accessToken: token, userId } = await server.register('alice')
  const ask = async (whose: string, field = '') => {
    const query = `user_id=${encodeURIComponent(whose)}${field && `&field=${field}`}`
    const uri = `/_matrix/federation/v1/query/profile?${query}`
    const request = { method: 'GET', uri, origin: peer.serverName, destination: 'localhost' } as const
    const authorization = authorizationHeader(request, peer.signingKey, undefined)
    const { status, body } = await server.request('GET', uri, { headers: { authorization } })
    return { status, body }
  }
  const own = `/_matrix/client/v3/profile/${encodeURIComponent(userId)}`
  const picture = { avatar_url: 'mxc://example.org/hill' }
  t.is((await server.request('DELETE', `${own}/displayname`, { token })).status, 200)
  t.deepEqual(await ask(userId, 'avatar_url'), { status: 200, body: {} })
  t.is((await server.request('PUT', `${own}/avatar_url`, { token, json: picture })).status, 200)
  t.deepEqual(await ask(userId, 'displayname'), { status: 200, body: {} })
  t.deepEqual(await ask(userId, 'avatar_url'), { status: 200, body: picture })
  t.deepEqual(await ask(userId), { status: 200, body: picture })
  // Where the client-server API asks for one field, there is none to be told.
  t.is((await server.request('GET', `${own}/displayname`, { token })).status, 404)
  t.is((await ask('@nobody:localhost', 'displayname')).status, 404)
})
