import { hash } from 'node:crypto'
import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** What makes a client's request repeatable: the same device may send the same transaction ID again. */
export interface TransactionKey {
  readonly userId: string
  readonly deviceId: string
  /** The operation and the room, since a transaction ID is only unique within its endpoint's path. */
  readonly scope: string
  readonly txnId: string
}

/** The scope of the transactions by which delayed events are sent; their IDs are delay IDs, and belong to no device. */
export const DELAYED_SCOPE = 'delayed'

/** What sent an event: a client's transaction, or its having been delayed until then. */
export interface EventOrigin {
  /** Of the asking device alone. */
  readonly txnId?: string
  readonly delayId?: string
}

interface OriginColumns {
  event_id: string
  user_id: string
  device_id: string
  scope: string
  txn_id: string
}

/**
 * Since when a device is there. Who logs out ends it; who logs in again under its ID begins another, whose transactions are its
 * own: "the requests are distinct because the act of logging in and out creates a new device".
 */
const SINCE = (userId: string, deviceId: string) =>
  `(SELECT d.created_ts FROM devices d WHERE d.user_id = ${userId} AND d.device_id = ${deviceId})`

/**
 * What a transaction is looked up by: 128 bits of a hash of its key. The key itself takes a hundred bytes and lies in the middle of a
 * tree, of which each message would write three pages anew. It is stored, and so can never be another (migration 0039).
 */
const digestOf = ({ userId, deviceId, scope, txnId }: TransactionKey): string =>
  hash('sha256', JSON.stringify([userId, deviceId, scope, txnId]), 'base64url').slice(0, 22)

/** Reads remembered client transactions. */
export class TransactionReader {
  readonly #db: Reader
  readonly #one: Prepared
  readonly #ofEvents: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#one = db.prepare(
      `SELECT event_id FROM remembered_transactions t WHERE digest = ?
       AND created_ts >= coalesce(${SINCE('t.user_id', 't.device_id')}, 0)`,
    )
    this.#ofEvents = db.prepare(
      `SELECT event_id, user_id, device_id, scope, txn_id FROM remembered_transactions
       WHERE ${db.dialect.inInteger('event_nid')}`,
    )
  }

  /** The event that this transaction made, if it was seen before. */
  async eventOf(key: TransactionKey): Promise<string | undefined> {
    const row = await this.#db.get<{ event_id: string }>(this.#one, [digestOf(key)])
    return row?.event_id
  }

  /** How a user's events, given by nid, came to be, by event ID: what their clients are told of it in `unsigned`. */
  async ofEvents(
    userId: string,
    deviceId: string,
    nids: readonly number[],
  ): Promise<Map<string, EventOrigin>> {
    if (nids.length === 0) return new Map()
    const rows = await this.#db.all<OriginColumns>(this.#ofEvents, [this.#db.list(nids)])
    const own = rows.filter(
      row => row.user_id === userId && (row.device_id === deviceId || row.scope === DELAYED_SCOPE),
    )
    return new Map(
      own.map(row => [
        row.event_id,
        row.scope === DELAYED_SCOPE ? { delayId: row.txn_id } : { txnId: row.txn_id },
      ]),
    )
  }
}

/** Builds the statements that remember client transactions. */
export class TransactionWriter {
  readonly #insert: Prepared
  readonly #expire: Prepared

  constructor(db: Reader) {
    this.#insert = db.prepare(
      `INSERT INTO remembered_transactions
         (digest, user_id, device_id, scope, txn_id, event_id, event_nid, created_ts)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (digest) DO UPDATE
       SET event_id = excluded.event_id, event_nid = excluded.event_nid, created_ts = excluded.created_ts
       WHERE remembered_transactions.created_ts < ${SINCE('excluded.user_id', 'excluded.device_id')}`,
    )
    this.#expire = db.prepare('DELETE FROM remembered_transactions WHERE created_ts < ?')
  }

  /**
   * Guard `transaction`: it was not remembered before of this device. `made` is what the transaction made: an event of a room, or the ID
   * of something else that is not to be made twice.
   */
  remember(
    key: TransactionKey,
    made: { readonly id: string; readonly nid?: number | undefined },
    now: number,
  ): WriteStatement {
    const { userId, deviceId, scope, txnId } = key
    return {
      prepared: this.#insert,
      rows: [[digestOf(key), userId, deviceId, scope, txnId, made.id, made.nid ?? null, now]],
      guard: { name: 'transaction', expected: 1 },
    }
  }

  /** Forgets transactions made before an instant (ms). */
  expire(before: number): WriteStatement {
    return { prepared: this.#expire, rows: [[before]] }
  }
}
