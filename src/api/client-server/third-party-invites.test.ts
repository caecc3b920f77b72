import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { startPeer } from '../../test-kit/federation.ts'
import { newPerson } from '../../test-kit/people.ts'
import { startTestServer } from '../../test-kit/server.ts'
import { temporaryDirectory } from '../../test-kit/temporary-directory.ts'
import { testAuthority } from '../../test-kit/tls.ts'

const V2 = '/_matrix/identity/v2'
const PEPPER = 'salt'
const hashed = (address: string): string =>
  createHash('sha256').update(`${address} email ${PEPPER}`).digest('base64url')

/** A server, and an identity server that knows whose the given addresses are. */
const start = async (t: ExecutionContext, users: Readonly<Record<string, string>>) => {
  const peer = await startPeer(t)
  const ca = join(temporaryDirectory(t), 'ca.pem')
  writeFileSync(ca, (await testAuthority()).pem)
  const server = await startTestServer({
    settings: {
      ca_file: ca,
      federation: { deny_addresses: [], hosts: Object.fromEntries([peer.hostsEntry]) },
    },
  })
  t.teardown(server.close)
  const json = { lookup_pepper: PEPPER, algorithms: ['none', 'sha256'] }
  peer.always('GET', `${V2}/hash_details`, { json })
  peer.always('POST', `${V2}/lookup`, () => {
    const mappings = Object.entries(users).map(([address, userId]) => [hashed(address), userId])
    return { json: { mappings: Object.fromEntries(mappings) } }
  })
  const by = (address: string) => ({
    ...{ id_server: peer.serverName, id_access_token: 'token', medium: 'email', address },
  })
  return { server, peer, by }
}

const invite = (roomId: string): string => `/rooms/${encodeURIComponent(roomId)}/invite`

test('an address that is somebody’s invites them', async t => {
  const users: Record<string, string> = {}
  const { server, peer, by } = await start(t, users)
  const [ann, bob] = [await newPerson(server), await newPerson(server)]
  users['bob@example.org'] = bob.userId
  const roomId = await ann.createRoom()
  await ann.api('POST', invite(roomId), { ...by('Bob@Example.org'), reason: 'come' })
  const invited = (await bob.sync()).rooms?.invite?.[roomId]?.invite_state.events
  t.like(
    invited?.find(event => event.type === 'm.room.member' && event.state_key === bob.userId),
    { content: { membership: 'invite', reason: 'come' } },
  )
  t.true(peer.requests.every(({ headers }) => headers.authorization === 'Bearer token'))
  t.false(
    peer.requests.some(({ text }) => text.includes('example.org')),
    'the address goes out hashed',
  )
  const made = await ann.createRoom({ invite_3pid: [by('bob@example.org')], is_direct: true })
  const direct = (await bob.sync()).rooms?.invite?.[made]?.invite_state.events
  t.like(
    direct?.find(event => event.state_key === bob.userId),
    { content: { membership: 'invite', is_direct: true } },
  )
})

test('for an address that is nobody’s the identity server keeps an invitation, and the room an offer', async t => {
  const { server, peer, by } = await start(t, {})
  const [ann, bob] = [await newPerson(server), await newPerson(server)]
  const roomId = await ann.createRoom({ name: 'Tea' })
  const keys = [
    { public_key: 'long', key_validity_url: 'https://id.test/valid' },
    { public_key: 'short', key_validity_url: 'https://id.test/ephemeral' },
  ]
  const offer = { token: 'secret-token', display_name: 'e...@e...', public_keys: keys }
  peer.expect('POST', `${V2}/store-invite`, { json: offer })
  await ann.api('POST', invite(roomId), by('eve@example.org'))
  const stored = peer.requests.at(-1)?.body
  t.like(stored, { medium: 'email', address: 'eve@example.org', room_id: roomId, room_name: 'Tea' })
  t.like(stored, { sender: ann.userId, room_join_rules: 'invite' })
  const path = `/rooms/${encodeURIComponent(roomId)}/state/m.room.third_party_invite/secret-token`
  t.deepEqual(await ann.api<object>('GET', path), {
    ...{ display_name: 'e...@e...', public_keys: keys },
    ...{ public_key: 'long', key_validity_url: 'https://id.test/valid' },
  })

  const count = peer.requests.length
  const code = (json: object, who = ann) =>
    server
      .request('POST', `/_matrix/client/v3${invite(roomId)}`, { token: who.account.accessToken, json })
      .then(({ status, body }) => `${status} ${(body as { errcode?: string }).errcode}`)
  t.is(await code(by('eve@example.org'), bob), '403 M_FORBIDDEN')
  t.is(await code(by('no address')), '400 M_INVALID_PARAM')
  t.is(await code({ ...by('eve@example.org'), id_server: 'x/y' }), '400 M_SERVER_NOT_TRUSTED')
  t.is(await code({ medium: 'email', address: 'a@b.test' }), '403 M_THREEPID_DENIED')
  t.is(peer.requests.length, count, 'nobody was asked')
  const refusal = { errcode: 'M_TERMS_NOT_SIGNED', error: 'Read them' }
  peer.expect('POST', `${V2}/store-invite`, { status: 403, json: refusal })
  t.is(await code(by('eve@example.org')), '403 M_TERMS_NOT_SIGNED')
  for (const json of [{ token: 'x' }, { ...offer, token: '' }, { ...offer, token: 'a token' }]) {
    peer.expect('POST', `${V2}/store-invite`, { json })
    t.is(await code(by('eve@example.org')), '502 M_UNKNOWN', json.token)
  }
})
