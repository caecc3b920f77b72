import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import test from 'ava'
import { startNetwork, startPeer, startPeerAndHttp, targetOf } from '../test-kit/federation.ts'
import { createAuthority } from '../test-kit/tls.ts'
import type { Target } from './connector.ts'
import type { HttpClient } from './http-client.ts'
import { getFollowingRedirects } from './redirects.ts'

const get = (http: HttpClient, target: Target) => http.request({ target, method: 'GET', path: '/x?y=%21' })

test('a request reaches a peer by name, over a verified connection that is kept', async t => {
  const { peer, http } = await startPeerAndHttp(t)
  peer.always('GET', '/x', { json: { hello: 'wörld' }, headers: { 'x-many': 'a' } })
  for (let i = 0; i < 6; i++) {
    const { status, headers, body } = await get(http, targetOf(peer))
    t.deepEqual([status, headers['x-many'], body.toString()], [200, 'a', '{"hello":"wörld"}'])
  }
  const [first] = peer.requests
  t.deepEqual([first?.url, first?.headers.host, first?.sni], ['/x?y=%21', peer.host, peer.host])
  // The pool may open a second one while it is still clearing up after the first response.
  t.true(new Set(peer.requests.map(({ connection }) => connection)).size <= 2)
  t.deepEqual(peer.problems(), [])
})

test('certificates of another name or of an unknown authority are refused before anything is sent', async t => {
  const wrongName = await startPeerAndHttp(t, {}, { certificateFor: ['other.test'] })
  await t.throwsAsync(get(wrongName.http, targetOf(wrongName.peer)), { message: /altnames/ })
  const nobody = await startPeerAndHttp(t, { trust: '' })
  await t.throwsAsync(get(nobody.http, targetOf(nobody.peer)), { message: /certificate/ })
  const another = await startPeerAndHttp(t, { trust: (await createAuthority()).pem })
  const error = await t.throwsAsync(get(another.http, targetOf(another.peer)))
  t.like(error, { name: 'OutboundError', kind: 'unreachable' })
  for (const { peer } of [wrongName, nobody, another]) t.deepEqual(peer.requests, [])
})

test('a file of extra authorities without a certificate is refused', async t => {
  const { peer, http } = await startPeerAndHttp(t, { trust: 'no PEM' })
  await t.throwsAsync(get(http, targetOf(peer)), { message: /PEM/ })
})

test('an IP literal is not greeted by name, and its certificate must be for that address', async t => {
  const { peer, http } = await startPeerAndHttp(t, {}, { certificateFor: ['127.0.0.1'] })
  peer.expect('GET', '/x', {})
  const literal = {
    candidates: [{ host: '127.0.0.1', port: peer.port }],
    hostHeader: '127.0.0.1',
    tlsServerName: '127.0.0.1',
  }
  t.is((await get(http, literal)).status, 200)
  t.is(peer.requests[0]?.sni, false)
  const named = await startPeerAndHttp(t)
  const byAddress = { ...literal, candidates: [{ host: '127.0.0.1', port: named.peer.port }] }
  await t.throwsAsync(get(named.http, byAddress), { message: /127\.0\.0\.1/ })
})

test('candidates are tried in turn, while the certificate must still be for the name asked for', async t => {
  const down = createServer().listen(0, '127.0.0.1')
  await once(down, 'listening')
  const { port: closedPort } = down.address() as AddressInfo
  down.close()
  const peer = await startPeer(t)
  const impostor = await startPeer(t)
  const http = (await startNetwork(t, { hosts: [['srv.test', ['127.0.0.1']]] })).http
  peer.expect('GET', '/x', { json: { is: 'peer' } })
  const ports = [closedPort, impostor.port, peer.port]
  const target = {
    candidates: [{ host: 'nowhere.test', port: 1 }, ...ports.map(port => ({ host: 'srv.test', port }))],
    hostHeader: peer.host,
    tlsServerName: peer.host,
  }
  t.is((await get(http, target)).body.toString(), '{"is":"peer"}')
  t.deepEqual([...peer.problems(), ...impostor.problems()], [])
  const none = { ...target, candidates: target.candidates.slice(0, 3) }
  await t.throwsAsync(get(http, none), { message: /no connection/ })
  await t.throwsAsync(get(http, { ...target, candidates: [] }), { name: 'OutboundError' })
})

test('private addresses are out of reach, however they are written or resolved', async t => {
  const { peer, http } = await startPeerAndHttp(t, {
    deny: ['non-public'],
    hosts: [
      ['inside.test', ['127.0.0.1']],
      ['inside6.test', ['::ffff:127.0.0.1']],
      ['decimal', []],
    ],
    dns: {
      resolve4: async name => (name === 'rebound.test' ? ['127.0.0.1', '10.0.0.1'] : []),
      resolve6: async name => (name === 'nat64.test' ? ['64:ff9b::7f00:1'] : []),
      lookup: async () => [{ address: '127.0.0.1' }],
    },
  })
  const hosts = [
    '127.0.0.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '2130706433',
    '0x7f.1',
    '017700000001',
    '0',
  ]
  const names = [
    'localhost',
    'sub.localhost',
    'LOCALHOST.',
    'inside.test',
    'inside6.test',
    'rebound.test',
    'nat64.test',
    'intranet',
  ]
  for (const host of [...hosts, ...names]) {
    const url = `https://${host}:${peer.port}/`
    const error = await t.throwsAsync(getFollowingRedirects(http, url, { maxRedirects: 1, httpsOnly: true }))
    t.like(error, { kind: 'denied' }, host)
  }
  // The same without a URL parser that would spell them out.
  for (const host of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '2130706433', '0x7f000001']) {
    const target = { candidates: [{ host, port: peer.port }], hostHeader: 'x.test', tlsServerName: 'x.test' }
    t.like(await t.throwsAsync(get(http, target)), { kind: 'denied' }, host)
  }
  t.deepEqual(peer.requests, [])
})

test('redirects are followed to where the policy allows, and not beyond', async t => {
  const { peer, http } = await startPeerAndHttp(t, {
    deny: ['127.0.0.2', '::1', '10.0.0.0/8'],
    dns: { resolve4: async () => ['10.1.2.3'] },
  })
  const start = `https://${peer.host}/start`
  const follow = (options = {}) =>
    getFollowingRedirects(http, start, { maxRedirects: 3, httpsOnly: true, ...options })
  const redirect = (path: string, location: string, status = 302) =>
    peer.expect('GET', path, { status, headers: { location } })

  redirect('/start', 'middle?q=1', 301)
  redirect('/middle', `https://${peer.host}/end#part`, 307)
  peer.expect('GET', '/end', { json: { end: true } })
  t.is((await follow()).body.toString(), '{"end":true}')

  for (const url of [
    'https://127.0.0.2/',
    'https://[::1]/',
    'https://rebound.test/',
    'https://0x7f.0.0.2/',
    '//127.0.0.2',
  ]) {
    redirect('/start', url)
    t.like(await t.throwsAsync(follow()), { kind: 'denied' }, url)
  }
  for (const [url, kind] of [
    ['http://elsewhere.test/', 'denied'],
    ['file:///etc/passwd', 'denied'],
    ['https://[', 'unreachable'],
  ] as const) {
    redirect('/start', url)
    t.like(await t.throwsAsync(follow({ httpsOnly: url.startsWith('http:') })), { kind }, url)
  }

  redirect('/start', '/again')
  redirect('/again', '/start#elsewhere')
  await t.throwsAsync(follow(), { message: /circle/ })
  for (const [from, to] of [
    ['/start', '/1'],
    ['/1', '/2'],
    ['/2', '/3'],
    ['/3', '/4'],
  ] as const)
    redirect(from, to)
  await t.throwsAsync(follow(), { message: /too often/ })
  peer.expect('GET', '/start', { status: 302 })
  t.is((await follow()).status, 302, 'without a location')
  t.deepEqual(peer.problems(), [])
})
