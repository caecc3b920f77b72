import test from 'ava'
import { ALICE, pair, sharedRoom } from '../../test-kit/federated-pair.ts'
import { messagesOf, say } from '../../test-kit/federation-world.ts'
import { ALL_HISTORY, silence } from '../../test-kit/missed-history.ts'

test('nothing is made of a state of more events than any room like this can have', async t => {
  const p = await pair(t)
  const { a, b, world } = p
  const roomId = await sharedRoom(p)
  const asked = (what: RegExp) => world.requests.filter(one => what.test(one)).length
  await say(a, ALICE, roomId, 'lost')
  silence(p, ALL_HISTORY)
  const { intercept } = world
  const ids = Array.from({ length: 51_000 }, (_, n) => `$${String(n).padStart(43, '0')}`)
  world.intercept = one =>
    /\/state_ids\//.test(one.path)
      ? { status: 200, json: { pdu_ids: ids, auth_chain_ids: [] } }
      : intercept(one)
  await world.send(a, b, [await say(a, ALICE, roomId, 'after')])
  t.true(asked(/state_ids/) > 0)
  t.is(asked(/v1\/state\//), 0, 'it is not asked for')
  t.deepEqual(await messagesOf(b, roomId), [])
})
