import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import test from 'ava'
import { startNetwork, startPeer, startPeerAndHttp, targetOf } from '../test-kit/federation.ts'
import type { Target } from './connector.ts'
import type { HttpClient } from './http-client.ts'

const get = (
  http: HttpClient,
  target: Target,
  rest: { maxBytes?: number; timeoutMs?: number; signal?: AbortSignal } = {},
) => http.request({ target, method: 'GET', path: '/x', ...rest })

test('a response that is too large is cut off, announced or not', async t => {
  const { peer, http } = await startPeerAndHttp(t)
  const body = 'x'.repeat(1_000)
  peer.always('GET', '/x', { text: body, headers: { 'content-length': '1000' } })
  t.is((await get(http, targetOf(peer), { maxBytes: 1_000 })).body.length, 1_000)
  t.like(await t.throwsAsync(get(http, targetOf(peer), { maxBytes: 999 })), {
    kind: 'too-large',
    status: 200,
  })

  const endless = await startPeer(t)
  endless.expect('GET', '/x', {
    raw: response => {
      const write = () => {
        while (!response.destroyed && response.write(body));
        if (!response.destroyed) response.once('drain', write)
      }
      response.writeHead(502)
      write()
    },
  })
  const other = (await startNetwork(t, { hosts: [endless.hostsEntry] })).http
  const error = await t.throwsAsync(get(other, targetOf(endless), { maxBytes: 100_000 }))
  t.like(error, { kind: 'too-large', status: 502 })
})

test('a peer that is slow to connect, to answer, or to finish runs into the time-out', async t => {
  const mute = createServer(socket => socket.on('error', () => undefined)).listen(0, '127.0.0.1')
  const sockets = new Set<Socket>()
  mute.on('connection', socket => sockets.add(socket))
  await once(mute, 'listening')
  t.teardown(() => {
    mute.close()
    for (const socket of sockets) socket.destroy()
  })
  const { peer, http } = await startPeerAndHttp(t, { http: { connectTimeoutMs: 30 } })
  const { port } = mute.address() as AddressInfo
  const noHandshake = { ...targetOf(peer), candidates: [{ host: '127.0.0.1', port }] }
  t.like(await t.throwsAsync(get(http, noHandshake)), { kind: 'timeout' })
  t.like(await t.throwsAsync(get(http, noHandshake, { timeoutMs: 5 })), { kind: 'timeout' })

  const { peer: slow, http: patient } = await startPeerAndHttp(t)
  slow.expect('GET', '/x', { raw: () => undefined })
  t.like(await t.throwsAsync(get(patient, targetOf(slow), { timeoutMs: 40 })), { kind: 'timeout' })
  slow.expect('GET', '/x', { raw: response => response.writeHead(200).write('{') })
  t.like(await t.throwsAsync(get(patient, targetOf(slow), { timeoutMs: 40 })), { kind: 'timeout' })
})

test('the time-out holds while all connections are busy', async t => {
  const { peer, http } = await startPeerAndHttp(t, { http: { connectionsPerTarget: 1 } })
  const controller = new AbortController()
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
  peer.expect('GET', '/x', { raw: () => begin() })
  const slow = get(http, targetOf(peer), { signal: controller.signal, timeoutMs: 600_000 })
  await begun
  t.like(await t.throwsAsync(get(http, targetOf(peer), { timeoutMs: 40 })), { kind: 'timeout' })
  controller.abort(new Error('enough'))
  await t.throwsAsync(slow, { message: 'enough' })
  // What nobody waits for any more is not asked.
  peer.expect('GET', '/x', { json: {} })
  t.is((await get(http, targetOf(peer))).status, 200)
  t.is(peer.requests.length, 2)
})

test('the caller can give up, and gets the reason back', async t => {
  const { peer, http } = await startPeerAndHttp(t)
  const controller = new AbortController()
  const reason = new Error('not needed any more')
  peer.expect('GET', '/x', { raw: () => controller.abort(reason) })
  t.is(await t.throwsAsync(get(http, targetOf(peer), { signal: controller.signal })), reason)
  t.is(await t.throwsAsync(get(http, targetOf(peer), { signal: controller.signal })), reason)
  t.is(peer.requests.length, 1)
})

test('who asks one thing after the other uses one connection', async t => {
  const { peer, http } = await startPeerAndHttp(t)
  peer.always('GET', '/x', { text: 'x'.repeat(100_000) })
  for (let n = 0; n < 4; n++) await get(http, targetOf(peer))
  t.is(new Set(peer.requests.map(({ connection }) => connection)).size, 1)
})

test('a connection that the peer closed is replaced once, except for POST', async t => {
  const { peer, http } = await startPeerAndHttp(t)
  const hangUp = { raw: (response: { destroy(): void }) => response.destroy() }
  peer.expect('GET', '/x', hangUp)
  peer.expect('GET', '/x', { json: {} })
  t.is((await get(http, targetOf(peer))).status, 200)
  peer.expect('GET', '/x', hangUp)
  peer.expect('GET', '/x', hangUp)
  t.like(await t.throwsAsync(get(http, targetOf(peer))), { kind: 'unreachable' })
  peer.expect('POST', '/x', hangUp)
  const post = http.request({ target: targetOf(peer), method: 'POST', path: '/x', body: '{}' })
  t.like(await t.throwsAsync(post), { kind: 'unreachable' })
  peer.expect('GET', '/x', {
    raw: response =>
      response.writeHead(200, { 'content-length': '9' }).end('short', () => response.destroy()),
  })
  t.like(await t.throwsAsync(get(http, targetOf(peer))), { kind: 'unreachable' })
  t.deepEqual(peer.problems(), [])
})

test('there is a bound on pools; the order of candidates makes no other pool', async t => {
  const peer = await startPeer(t, { host: 'many.test', certificateFor: ['*.many.test'] })
  const names = Array.from({ length: 8 }, (_, i) => `n${i}.many.test`)
  const http = (
    await startNetwork(t, {
      hosts: names.map(name => [name, [`127.0.0.1:${peer.port}`]]),
      http: { maxPools: 3 },
    })
  ).http
  peer.always('GET', '/x', {})
  const target = (...hosts: string[]) => ({
    candidates: hosts.map(host => ({ host, port: 443 })),
    hostHeader: hosts.toSorted()[0] ?? '',
    tlsServerName: hosts.toSorted()[0] ?? '',
  })
  await Promise.all(names.map(name => get(http, target(name))))
  t.is(http.poolCount, 3)
  t.is(peer.requests.length, 8, 'those that had to go finished their requests')
  await get(http, target('n7.many.test'))
  t.is(http.poolCount, 3)
  const single = (
    await startNetwork(t, {
      hosts: names.map(name => [name, [`127.0.0.1:${peer.port}`]]),
    })
  ).http
  await get(single, target('n0.many.test', 'n1.many.test'))
  await get(single, target('n1.many.test', 'n0.many.test'))
  t.is(single.poolCount, 1)
})
