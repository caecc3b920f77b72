import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { canonicalJson } from '../../core/canonical-json.ts'
import type { JsonObject } from '../../core/json.ts'
import { authorizationHeader } from '../../network/request-signature.ts'
import { completeTemplate } from '../../services/federation/outbound/handshake-event.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { startPeer } from '../../test-kit/federation.ts'
import { versionOf } from '../../test-kit/pdus.ts'
import { startTestServer } from '../../test-kit/server.ts'
import { temporaryDirectory } from '../../test-kit/temporary-directory.ts'
import { testAuthority } from '../../test-kit/tls.ts'

const FEDERATION = '/_matrix/federation'

testDatabases(test, 'joins and leaves by version 1 are answered in a list', async (t, _, database) => {
  const peer = await startPeer(t)
  const ca = join(temporaryDirectory(t), 'ca.pem')
  writeFileSync(ca, (await testAuthority()).pem)
  const server = await startTestServer({
    database,
    settings: {
      ca_file: ca,
      federation: { deny_addresses: [], hosts: Object.fromEntries([peer.hostsEntry]) },
    },
  })
  t.teardown(server.close)
  const { accessToken: token } = await server.register('alice')
  const client = async (method: string, path: string, body?: JsonObject) =>
    (await server.request(method, `/_matrix/client/v3/${path}`, { token, json: body })).body as JsonObject
  const created = await client('POST', 'createRoom', { preset: 'public_chat', room_version: '10' })
  const roomId = String(created['room_id'])
  // More than one piece of an answer, which is sent while it is made.
  for (let n = 0; n < 3; n++)
    await client('PUT', `rooms/${roomId}/state/big/${n}`, { text: 'x'.repeat(40_000) })

  const ask = async (method: 'GET' | 'PUT', rest: string, body?: JsonObject) => {
    const uri = `${FEDERATION}${rest}`
    const request = { method, uri, origin: peer.serverName, destination: 'localhost' } as const
    const content = body === undefined ? undefined : canonicalJson(body)
    const authorization = authorizationHeader(request, peer.signingKey, content)
    return server.request(method, uri, { headers: { authorization }, json: body })
  }
  const user = `@bob:${peer.serverName}`
  const handIn = async (kind: 'join' | 'leave', change: JsonObject = {}) => {
    const template = (await ask('GET', `/v1/make_${kind}/${roomId}/${user}?ver=10`)).body as {
      event: JsonObject
    }
    const { pdu, eventId } = completeTemplate(template.event, {
      serverName: peer.serverName,
      signingKey: peer.signingKey,
      version: versionOf('10'),
      content: { membership: kind },
      now: Date.now(),
      random: randomBytes,
    })
    return ask('PUT', `/v1/send_${kind}/${roomId}/${eventId}`, { ...pdu, ...change })
  }
  const membership = async () =>
    (await client('GET', `rooms/${roomId}/state/m.room.member/${user}`))['membership']

  t.is((await handIn('join', { signatures: {} })).status, 400)
  t.is(await membership(), undefined)
  const joined = await handIn('join')
  t.is(joined.status, 200)
  const [status, { state, auth_chain: chain }] = joined.body as [
    number,
    { state: JsonObject[]; auth_chain: JsonObject[] },
  ]
  t.is(status, 200)
  t.is(state.filter(({ type }) => type === 'big').length, 3)
  t.true(chain.some(({ type }) => type === 'm.room.create'))
  t.is(await membership(), 'join')

  const left = await handIn('leave')
  t.is(left.status, 200)
  t.deepEqual(left.body, [200, {}])
  t.is(await membership(), 'leave')
})
