import test from 'ava'
import { verifyJson } from '../core/signing.ts'
import { startNetwork, startPeer } from '../test-kit/federation.ts'
import { parseXMatrix } from '../test-kit/https-server.ts'
import { IdentityServerError, identityServers } from './identity-servers.ts'
import { OutboundError } from './outbound-error.ts'

const BIND = { accessToken: 'token', sid: 's', clientSecret: 'c', userId: '@a:here.test' }
const ID = { medium: 'email', address: 'a@example.org' }

test('binding goes in the name of the user, unbinding in that of the server', async t => {
  const peer = await startPeer(t)
  const network = await startNetwork(t, { hosts: [peer.hostsEntry] })
  const servers = identityServers(network.http, network)
  peer.expect('POST', '/_matrix/identity/v2/3pid/bind', { json: { ...ID, mxid: BIND.userId } })
  t.deepEqual(await servers.bind(peer.serverName, BIND), ID)
  t.is(peer.requests[0]?.headers.authorization, 'Bearer token')
  t.deepEqual(peer.requests[0]?.body, { sid: 's', client_secret: 'c', mxid: '@a:here.test' })

  const uri = '/_matrix/identity/v2/3pid/unbind'
  peer.expect('POST', uri, { json: {} })
  await servers.unbind(peer.serverName, { ...ID, userId: BIND.userId })
  const [, request] = peer.requests
  t.deepEqual(request?.body, { mxid: '@a:here.test', threepid: ID })
  const { sig = '' } = parseXMatrix(request?.headers.authorization ?? '')
  const signed = {
    ...{ method: 'POST', uri, origin: 'here.test', destination: peer.serverName },
    content: request?.body ?? null,
    signatures: { 'here.test': { 'ed25519:here': sig } },
  }
  t.true(verifyJson(signed, 'here.test', 'ed25519:here', network.signingKey.publicKey))
})

test('refusals keep what the identity server said, if it is a Matrix error', async t => {
  const peer = await startPeer(t)
  const network = await startNetwork(t, { hosts: [peer.hostsEntry] })
  const servers = identityServers(network.http, network)
  const terms = { errcode: 'M_TERMS_NOT_SIGNED', error: 'Read them first' }
  peer.expect('POST', '/_matrix/identity/v2/3pid/bind', { status: 403, json: terms })
  const refused = await t.throwsAsync(servers.bind(peer.serverName, BIND), {
    instanceOf: IdentityServerError,
  })
  t.deepEqual([refused.status, refused.body], [403, terms])
  for (const text of ['<html>', '[]', '{"error": 7}']) {
    peer.expect('POST', '/_matrix/identity/v2/3pid/unbind', { status: 501, text })
    const odd = await t.throwsAsync(servers.unbind(peer.serverName, { ...ID, userId: '@a:b' }), {
      instanceOf: IdentityServerError,
    })
    t.deepEqual([odd.status, odd.body], [501, undefined])
  }
  peer.expect('POST', '/_matrix/identity/v2/3pid/bind', { json: {} })
  await t.throwsAsync(servers.bind(peer.serverName, BIND), { instanceOf: IdentityServerError })
})

test('an address is looked up once more where the pepper has been replaced meanwhile, and no oftener', async t => {
  const peer = await startPeer(t)
  const network = await startNetwork(t, { hosts: [peer.hostsEntry] })
  const servers = identityServers(network.http, network)
  const wanted = { ...ID, accessToken: 'token' }
  const rotated = { status: 400, json: { errcode: 'M_INVALID_PEPPER', error: 'It was replaced' } }
  const details = (pepper: string) =>
    peer.expect('GET', '/_matrix/identity/v2/hash_details', {
      json: { lookup_pepper: pepper, algorithms: ['sha256'] },
    })
  details('old')
  peer.expect('POST', '/_matrix/identity/v2/lookup', rotated)
  details('new')
  peer.expect('POST', '/_matrix/identity/v2/lookup', { json: { mappings: {} } })
  t.is(await servers.lookUp(peer.serverName, wanted), undefined)
  t.like(peer.requests.at(-1)?.body, { pepper: 'new' })
  for (let n = 0; n < 2; n++) {
    details('new')
    peer.expect('POST', '/_matrix/identity/v2/lookup', rotated)
  }
  await t.throwsAsync(servers.lookUp(peer.serverName, wanted), { instanceOf: IdentityServerError })
})

test('nothing but a server name gets into the URL, and nothing inside is reached', async t => {
  const peer = await startPeer(t)
  const network = await startNetwork(t, { hosts: [peer.hostsEntry], deny: ['non-public'] })
  const servers = identityServers(network.http, network)
  const names = [
    'a.test/path',
    'user@a.test',
    'a.test?x',
    'http://a.test',
    '',
    '9007199254740993',
    '1.2.3.4.5',
  ]
  for (const name of [...names, peer.serverName]) {
    const error = await t.throwsAsync(servers.bind(name, BIND), { instanceOf: OutboundError }, name)
    t.is(error.kind, 'denied', name)
  }
  t.is(peer.requests.length, 0)
})

test('whether a key still counts is asked where the invitation says, and nowhere inside', async t => {
  const peer = await startPeer(t)
  const network = await startNetwork(t, { hosts: [peer.hostsEntry] })
  const servers = identityServers(network.http, network)
  const url = `https://${peer.serverName}/id/isvalid?v=1`
  for (const [json, valid] of [
    [{ valid: true }, true],
    [{ valid: false }, false],
    [{ valid: 'true' }, false],
  ] as const) {
    peer.expect('GET', '/id/isvalid', { json })
    t.is(await servers.isKeyValid(url, 'a/b+'), valid)
    t.is(peer.requests.at(-1)?.url, '/id/isvalid?v=1&public_key=a%2Fb%2B')
  }
  peer.expect('GET', '/id/isvalid', { status: 404, json: {} })
  await t.throwsAsync(servers.isKeyValid(url, 'k'), { instanceOf: IdentityServerError })
  for (const wrong of ['', 'nowhere', 'file:///etc/passwd'])
    t.is((await t.throwsAsync(servers.isKeyValid(wrong, 'k'), { instanceOf: OutboundError })).kind, 'denied')
})
