import { hash } from 'node:crypto'
import type { Knex } from 'knex'
import { execute, type SqlTypes } from './columns.ts'
import type { Migration } from './index.ts'

/**
 * The key of a transaction takes a hundred bytes, and lay in three trees, in the middle of one of them: a message wrote three and a
 * half pages for it, a third of all that it writes. It is looked up by a digest now, and its row lies where the last one does.
 */
export const narrowTransactions: Migration = {
  name: '0040-narrow-transactions',
  breaking: true,
  async up(knex) {
    await execute(knex, table)
    await copy(knex)
    await execute(knex, indexes)
  },
}

const table = ({ integer, text }: SqlTypes): string[] => [
  `CREATE TABLE remembered_transactions (
    digest ${text} PRIMARY KEY,
    user_id ${text} NOT NULL,
    device_id ${text} NOT NULL,
    scope ${text} NOT NULL,
    txn_id ${text} NOT NULL,
    event_id ${text} NOT NULL,
    event_nid ${integer},
    created_ts ${integer} NOT NULL
  )`,
]

const indexes = (): string[] => [
  'DROP TABLE client_transactions',
  'CREATE INDEX remembered_transactions_nid ON remembered_transactions (event_nid) WHERE event_nid IS NOT NULL',
  'CREATE INDEX remembered_transactions_age ON remembered_transactions (created_ts)',
]

/** Rows that are copied at a time: SQLite takes 500 in one statement. */
const AT_ONCE = 500

const KEY = ['user_id', 'device_id', 'scope', 'txn_id'] as const

type Row = Record<(typeof KEY)[number] | 'event_id', string> & { event_nid: number; created_ts: number }

const copy = async (knex: Knex): Promise<void> => {
  let last: Row | undefined
  do {
    const rows: Row[] = await knex('client_transactions')
      .whereRaw(`(${KEY.join(', ')}) > (?, ?, ?, ?)`, keyOf(last))
      .orderBy([...KEY])
      .limit(AT_ONCE)
    if (rows.length > 0)
      await knex('remembered_transactions').insert(rows.map(row => ({ digest: digestOf(row), ...row })))
    last = rows.at(-1)
  } while (last !== undefined)
}

const keyOf = (row: Row | undefined): string[] => KEY.map(column => row?.[column] ?? '')

/** As in src/storage/rooms/transactions.ts. */
const digestOf = (row: Row): string => hash('sha256', JSON.stringify(keyOf(row)), 'base64url').slice(0, 22)
