import { recentCache } from '../../core/caches.ts'
import { MatrixError } from '../../core/errors.ts'
import { growingCache } from '../../core/growing-cache.ts'
import type { TransactionKey, TransactionReader } from '../../storage/rooms/transactions.ts'
import { GuardFailed } from './room-drafts.ts'

/** So many users are remembered for having sent something again that was not known any more. */
const MAX_REPEATING = 1_000

/** A client's transaction, and the token that it came with: a device that has the ID of an earlier one has another. */
export interface ClientTransaction extends TransactionKey {
  readonly tokenId?: string
}

/**
 * Sends once what clients send again, without asking the database each time whether they do: nearly every transaction is new,
 * and of a new one the commit says so itself (guard `transaction`). Known are those of late; whoever repeats an older one, as
 * after a restart, costs the room its head once, and is looked up from then on before anything is built.
 */
export class SentTransactions {
  readonly #read: Pick<TransactionReader, 'eventOf'>
  readonly #eventIds = recentCache<string, string>('sent_transactions')
  readonly #repeating = growingCache<string, true>(MAX_REPEATING)

  constructor(read: Pick<TransactionReader, 'eventOf'>) {
    this.#read = read
  }

  /**
   * Runs `send`, whose commit remembers the transaction, unless an event was sent by it before; `again` makes the answer
   * of that event's ID.
   */
  async once<T extends { readonly eventId: string }>(
    key: ClientTransaction,
    send: () => Promise<T>,
    again: (eventId: string) => T,
  ): Promise<T> {
    const name = nameOf(key)
    const known = this.#eventIds.get(name)
    if (known !== undefined) return again(known)
    try {
      const first = this.#repeating.has(key.userId) ? await this.#read.eventOf(key) : undefined
      const sent = first === undefined ? await send() : again(first)
      this.#eventIds.set(name, sent.eventId)
      return sent
    } catch (error) {
      // What was sent before is refused by the guard, or by a room that has changed since: it is answered as it was then.
      const isRefusal = error instanceof GuardFailed || error instanceof MatrixError
      const first = isRefusal ? await this.#read.eventOf(key) : undefined
      if (first === undefined) throw error
      this.#repeating.set(key.userId, true)
      this.#eventIds.set(name, first)
      return again(first)
    }
  }
}

/** Unambiguous, whatever clients choose for device and transaction; in one piece, since it is kept. */
const nameOf = ({ userId, deviceId, tokenId = '', scope, txnId }: ClientTransaction): string =>
  JSON.stringify([userId, deviceId, tokenId, scope, txnId])
