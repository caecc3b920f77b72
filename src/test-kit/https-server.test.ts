import { randomBytes } from 'node:crypto'
import test from 'ava'
import { signingKeyFromSeed, signJson, verifyJson } from '../core/signing.ts'
import { startNetwork } from './federation.ts'
import { ScriptedPeer } from './https-server.ts'

const V1 = '/_matrix/federation/v1'

test('the scripted peer holds requests that were not expected, missing or badly signed against the test', async t => {
  const peer = await ScriptedPeer.start()
  t.teardown(() => peer.close())
  const { federation } = await startNetwork(t, { hosts: [peer.hostsEntry] })
  peer.expect('GET', `${V1}/version`, { json: { server: { name: 'peer', version: '1' } } })
  peer.expect('GET', '/never', {})
  t.deepEqual(await federation.getVersion(peer.serverName), { name: 'peer', version: '1', isOurs: false })
  t.like(await t.throwsAsync(federation.getVersion(peer.serverName)), { errcode: 'M_UNRECOGNIZED' })
  peer.knows('here.test', signingKeyFromSeed('ed25519:here', randomBytes(32)))
  t.like(await t.throwsAsync(federation.getEvent(peer.serverName, '$e')), { status: 401 })
  t.deepEqual(peer.problems(), [
    `not expected: GET ${V1}/version`,
    `wrong signature: GET ${V1}/event/%24e`,
    'never requested: GET /never',
  ])
  t.true(verifyJson(signJson({}, 'x', peer.signingKey), 'x', 'ed25519:peer', peer.signingKey.publicKey))
})
