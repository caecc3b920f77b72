import test from 'ava'
import { startNetwork, startPeer } from '../test-kit/federation.ts'
import { transactionBody } from './federation/transactions.ts'

const V1 = '/_matrix/federation/v1'

test('files that take their time leave all else its connections', async t => {
  const peer = await startPeer(t)
  const { serverName, signingKey, federation } = await startNetwork(t, { hosts: [peer.hostsEntry] })
  peer.knows(serverName, signingKey)
  const controller = new AbortController()
  const { signal } = controller
  const coming = Array.from({ length: 6 }, (_, n) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    peer.expect('GET', `${V1}/media/download/slow${n}`, {
      raw: response => {
        response.writeHead(200, { 'content-type': 'multipart/mixed; boundary=b' })
        response.write(`--b\r\nContent-Type: application/json\r\n\r\n{}\r\n--b\r\n\r\n${'x'.repeat(10_000)}`)
      },
    })
    const limits = { waitMs: 0, maxBytes: 1_000_000, timeoutMs: 60_000, signal }
    const ended = federation.downloadMedia(peer.serverName, `slow${n}`, limits, async ({ body }) => {
      for await (const _ of body) resolve()
    })
    return { promise, ended: t.throwsAsync(ended, { name: 'AbortError' }) }
  })
  await Promise.all(coming.map(({ promise }) => promise))
  peer.expect('PUT', `${V1}/send/1`, { json: {} })
  const body = transactionBody({ origin: 'here.test', originServerTs: 5, pdus: [], edus: [] })
  const sending = federation.sendTransaction(peer.serverName, { txnId: '1', body }, { timeoutMs: 40_000 })
  await t.notThrowsAsync(sending)
  peer.expect('GET', `${V1}/state_ids/!r:x`, { json: { pdu_ids: ['$a'], auth_chain_ids: [] } })
  const asking = { roomId: '!r:x', eventId: '$e' }
  t.deepEqual(await federation.getStateIds(peer.serverName, asking, { timeoutMs: 40_000 }), {
    stateIds: ['$a'],
    authChainIds: [],
  })
  controller.abort()
  await Promise.all(coming.map(({ ended }) => ended))
})
