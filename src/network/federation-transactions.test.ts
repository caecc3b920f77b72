import test from 'ava'
import { canonicalJson } from '../core/canonical-json.ts'
import { startNetwork, startPeer } from '../test-kit/federation.ts'
import { transactionBody } from './federation/transactions.ts'

const V1 = '/_matrix/federation/v1'

test('a transaction is signed and sent as the text that was made once', async t => {
  const peer = await startPeer(t)
  const { serverName, signingKey, federation } = await startNetwork(t, { hosts: [peer.hostsEntry] })
  peer.knows(serverName, signingKey)
  const pdu = canonicalJson({ type: 'm.room.message', depth: 3 })
  const body = transactionBody({
    origin: 'here.test',
    originServerTs: 5,
    pdus: [pdu],
    edus: ['{"edu_type":"x"}'],
  })
  t.is(body, canonicalJson(JSON.parse(body)))
  t.is(
    transactionBody({ origin: 'a', originServerTs: 5, pdus: [], edus: [] }),
    '{"origin":"a","origin_server_ts":5,"pdus":[]}',
  )
  const json = { pdus: { $bad: { error: 'no' }, $good: {}, $odd: { error: 5 }, $none: null } }
  peer.expect('PUT', `${V1}/send/t1`, { json })
  const errors = await federation.sendTransaction(peer.serverName, { txnId: 't1', body })
  t.deepEqual([...errors], [['$bad', 'no']])
  t.is(peer.requests[0]?.text, body)
  peer.expect('PUT', `${V1}/send/t2`, { json: {} })
  t.is((await federation.sendTransaction(peer.serverName, { txnId: 't2', body })).size, 0)
  for (const json of [[200, {}], { pdus: [] }, null]) {
    peer.expect('PUT', `${V1}/send/t3`, { json })
    t.is((await federation.sendTransaction(peer.serverName, { txnId: 't3', body })).size, 0)
  }
  for (const text of ['<h1>We will be back soon</h1>', '']) {
    peer.expect('PUT', `${V1}/send/t4`, { text })
    const sending = federation.sendTransaction(peer.serverName, { txnId: 't4', body })
    t.like(await t.throwsAsync(sending), { kind: 'malformed' })
  }
  t.deepEqual(peer.problems(), [])
})
