import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { startNetwork, startPeer, targetOf } from '../test-kit/federation.ts'
import { startProxy } from '../test-kit/http-proxy.ts'
import { testAuthority } from '../test-kit/tls.ts'
import type { Target } from './connector.ts'
import type { HttpClient } from './http-client.ts'
import { createOutboundProxy, type ProxySettings } from './outbound-proxy.ts'
import { targetOfUrl } from './redirects.ts'

const get = (http: HttpClient, target: Target, timeoutMs = 5_000) =>
  http.request({ target, method: 'GET', path: '/x', timeoutMs })

type NetworkOptions = Parameters<typeof startNetwork>[1]

const through = async (
  t: ExecutionContext,
  settings: Partial<ProxySettings>,
  options: NetworkOptions = {},
): Promise<HttpClient> => {
  const proxy = createOutboundProxy({ bypass: [], resolveNames: 'proxy', ...settings })
  const { http } = await startNetwork(t, {
    deny: ['non-public'],
    ...options,
    http: { proxy, ...options.http },
  })
  return http
}

test('names go to the proxy as they are, and TLS is spoken with the host behind it', async t => {
  const proxy = await startProxy(t)
  const peer = await startPeer(t)
  peer.always('GET', '/x', { json: { is: 'peer' } })
  const http = await through(t, { url: proxy.url.replace('//', '//tessera:s%40crt@') })
  for (let i = 0; i < 3; i++) t.is((await get(http, targetOf(peer))).body.toString(), '{"is":"peer"}')
  t.is(proxy.asked[0], `${peer.host}:${peer.port}`)
  t.true(proxy.asked.length <= 2, 'the tunnel is kept')
  t.is(proxy.credentials[0], `Basic ${Buffer.from('tessera:s@crt').toString('base64')}`)
  t.is(peer.requests[0]?.sni, peer.host)

  const impostor = await startPeer(t, { certificateFor: ['other.test'] })
  await t.throwsAsync(get(http, targetOf(impostor)), { message: /altnames/ })
  t.deepEqual(impostor.requests, [])
})

test('the proxy itself may be reached by TLS, whose certificate is checked too', async t => {
  const peer = await startPeer(t)
  peer.always('GET', '/x', { json: {} })
  const authority = await testAuthority()
  const proxy = await startProxy(t, { tls: await authority.issue(['127.0.0.1']) })
  t.is((await get(await through(t, { url: proxy.url }), targetOf(peer))).status, 200)
  const other = await startProxy(t, { tls: await authority.issue(['other.test']) })
  await t.throwsAsync(get(await through(t, { url: other.url }), targetOf(peer)), { message: /127\.0\.0\.1/ })
  t.deepEqual(other.asked, [])
})

test('plain HTTP goes through a tunnel as well', async t => {
  const proxy = await startProxy(t)
  const site = createServer((request, response) => response.end(request.headers.host)).listen(0, '127.0.0.1')
  t.teardown(() => site.close())
  await new Promise(resolve => site.once('listening', resolve))
  const host = `pages.test:${(site.address() as AddressInfo).port}`
  const http = await through(t, { url: proxy.url })
  t.is((await get(http, targetOfUrl(new URL(`http://${host}`)))).body.toString(), host)
  t.deepEqual(proxy.asked, [host])
})

test('addresses that are written out, and names that are known here, are judged before anybody is asked', async t => {
  const proxy = await startProxy(t)
  const http = await through(t, { url: proxy.url }, { hosts: [['known.test', ['10.0.0.1']]] })
  for (const host of [
    '10.1.2.3',
    '[::ffff:10.1.2.3]',
    '127.0.0.1',
    'localhost',
    'a.localhost',
    'known.test',
  ]) {
    const error = await t.throwsAsync(
      get(http, targetOfUrl(new URL(`https://${host}:8448`))),
      undefined,
      host,
    )
    t.like(error, { name: 'OutboundError', kind: 'denied' }, host)
  }
  // As peers may be called, which nothing spells out as the URL of a page does.
  for (const host of ['127.1', '127.0.0.1.', '0x7f.0.0.1', '10.0x0A0101', '010.0.0.1', '0x7f.0x1.']) {
    const target = { candidates: [{ host, port: 8448 }], hostHeader: host, tlsServerName: host }
    t.like(await t.throwsAsync(get(http, target)), { name: 'OutboundError' }, host)
  }
  t.deepEqual(proxy.asked, [], 'whoever is asked for such a name may find a machine of this network')
})

test('names that are resolved here are judged here, and the proxy is asked for the address', async t => {
  const proxy = await startProxy(t)
  const peer = await startPeer(t)
  peer.always('GET', '/x', { json: {} })
  const dns = (address: string): NetworkOptions => ({ dns: { resolve4: () => Promise.resolve([address]) } })
  const settings = { url: proxy.url, resolveNames: 'here' } as const
  t.is((await get(await through(t, settings, dns('9.9.9.9')), targetOf(peer))).status, 200)
  t.deepEqual(proxy.asked, [`9.9.9.9:${peer.port}`])
  t.like(await t.throwsAsync(get(await through(t, settings, dns('10.0.0.1')), targetOf(peer))), {
    kind: 'denied',
  })
  t.deepEqual(proxy.asked.length, 1)
})

test('a proxy that refuses, or never answers, is a failure like any other', async t => {
  const peer = await startPeer(t)
  const refusing = await startProxy(t, { status: 403 })
  const error = await t.throwsAsync(get(await through(t, { url: refusing.url }), targetOf(peer)))
  t.like(error, { name: 'OutboundError', kind: 'unreachable' })
  t.true(error.message.includes('403'), error.message)

  const mute = createServer()
  mute.on('connect', () => undefined)
  await new Promise<void>(resolve => mute.listen(0, '127.0.0.1', resolve))
  t.teardown(() => void mute.close())
  const { port } = mute.address() as AddressInfo
  const patient = await through(t, { url: `http://127.0.0.1:${port}` }, { http: { connectTimeoutMs: 30 } })
  t.like(await t.throwsAsync(get(patient, targetOf(peer))), { kind: 'timeout' })
  t.deepEqual(peer.requests, [])
})

test('who is connected to directly', async t => {
  const carries = (bypass: readonly string[], host: string, port = 443): boolean | undefined =>
    createOutboundProxy({ url: 'http://proxy.test:3128', bypass, resolveNames: 'proxy' })?.carries(host, port)
  for (const host of ['localhost', 'a.localhost', 'LOCALHOST.', 'minio', '127.0.0.1', '127.8.8.8', '::1'])
    t.false(carries([], host), host)
  for (const host of ['example.org', '10.0.0.1', '9.9.9.9', '2001:db8::1']) t.true(carries([], host), host)
  for (const entry of ['example.org', '.example.org', '*.example.org', 'EXAMPLE.org']) {
    for (const host of ['example.org', 'a.b.Example.org', 'example.org.'])
      t.false(carries([entry], host), `${entry} ${host}`)
    t.true(carries([entry], 'notexample.org'), entry)
  }
  t.false(carries(['example.org:8448'], 'a.example.org', 8448))
  t.true(carries(['example.org:8448'], 'a.example.org', 443))
  t.deepEqual(
    ['10.1.2.3', '11.1.2.3', '::ffff:10.1.2.3', '2001:db8::7', '192.0.2.1'].map(host =>
      carries(['10.0.0.0/8', '2001:db8::/32', '192.0.2.1'], host),
    ),
    [false, true, false, false, false],
  )
  t.false(carries(['*'], 'example.org'))

  const proxy = await startProxy(t)
  const peer = await startPeer(t)
  peer.always('GET', '/x', { json: {} })
  const http = await through(
    t,
    { url: proxy.url, bypass: ['10.0.0.0/8', peer.host] },
    { deny: [], hosts: [peer.hostsEntry] },
  )
  t.is((await get(http, targetOf(peer))).status, 200)
  t.deepEqual(proxy.asked, [])
})
