import test from 'ava'
import { MatrixError } from '../../core/errors.ts'
import type { TransactionKey, TransactionReader } from '../../storage/rooms/transactions.ts'
import { GuardFailed } from './room-drafts.ts'
import { SentTransactions } from './sent-transactions.ts'

const key = (txnId: string): TransactionKey => ({ userId: '@a:x', deviceId: 'd', scope: 'send !r m', txnId })

/** A database that remembers the transactions of `stored`, and counts who asks it. */
const made = (stored: Record<string, string>) => {
  const counts = { read: 0, sent: 0 }
  const read: Pick<TransactionReader, 'eventOf'> = {
    eventOf: async ({ txnId }) => {
      counts.read += 1
      return stored[txnId]
    },
  }
  const transactions = new SentTransactions(read)
  const send = async (txnId: string): Promise<{ eventId: string }> => {
    counts.sent += 1
    if (stored[txnId] !== undefined) throw new GuardFailed('transaction')
    stored[txnId] = `$${txnId}`
    return { eventId: `$${txnId}` }
  }
  const once = (txnId: string, sending = send) =>
    transactions.once(
      key(txnId),
      () => sending(txnId),
      eventId => ({ eventId }),
    )
  return { once, counts }
}

test('what is new is sent without a look at the database, and what was sent lately is known', async t => {
  const { once, counts } = made({})
  t.deepEqual(await once('1'), { eventId: '$1' })
  t.deepEqual(await once('1'), { eventId: '$1' })
  t.deepEqual(counts, { read: 0, sent: 1 })
})

test('whoever repeats what is known no more is answered as then, and looked up first from then on', async t => {
  const { once, counts } = made({ old: '$old', older: '$older' })
  t.deepEqual(await once('old'), { eventId: '$old' }, 'though it was refused')
  t.deepEqual(counts, { read: 1, sent: 1 })
  t.deepEqual(await once('older'), { eventId: '$older' })
  t.deepEqual(counts, { read: 2, sent: 1 }, 'nothing was built')
  t.deepEqual(await once('new'), { eventId: '$new' })
  t.deepEqual(counts, { read: 3, sent: 2 })
})

test('what is new and refused stays refused', async t => {
  const { once } = made({})
  const refuse = async (): Promise<never> => {
    throw new MatrixError('M_FORBIDDEN', 'no power')
  }
  await t.throwsAsync(once('1', refuse), { message: 'no power' })
  t.deepEqual(await once('1'), { eventId: '$1' }, 'and may be sent later')
})
