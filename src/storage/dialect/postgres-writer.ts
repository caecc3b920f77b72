import { setTimeout as sleep } from 'node:timers/promises'
import { DatabaseUnavailable, type Prepared } from '../database.ts'
import type { Waiting } from './group-committer.ts'
import type { Positions } from './positions.ts'
import { PostgresBatches } from './postgres-batches.ts'
import type { PostgresConnection } from './postgres-connection.ts'
import type { PostgresConnector } from './postgres-connector.ts'
import { errorOf, isConflict, isLost } from './postgres-errors.ts'
import { PostgresTransaction, type TransactionStatements } from './postgres-transaction.ts'

const ATTEMPTS = 5
const POLL_MS = 50

/** Commits groups of write sets on a connection of its own, which it makes again when it is lost. */
export class PostgresWriter {
  readonly #connector: PostgresConnector
  readonly #positions: Positions
  readonly #statements: TransactionStatements
  readonly #readOutcome: Prepared
  #connection: PostgresConnection | undefined

  constructor(connector: PostgresConnector, positions: Positions, prepare: (sql: string) => Prepared) {
    this.#connector = connector
    this.#positions = positions
    this.#statements = {
      takePositions: prepare(
        'INSERT INTO streams AS s (name, position) VALUES (?, ?) ' +
          'ON CONFLICT (name) DO UPDATE SET position = s.position + excluded.position RETURNING position',
      ),
      readTransactionId: prepare('SELECT pg_current_xact_id()::text AS id'),
      notify: prepare('SELECT pg_notify(?, ?)'),
      batches: new PostgresBatches(prepare),
    }
    this.#readOutcome = prepare('SELECT pg_xact_status(?::xid8) AS status')
  }

  /** Commits and settles a group. Rejects when it failed as a whole and nothing of it is known to be stored. */
  async commit(group: readonly Waiting[]): Promise<void> {
    const { outcomes, moved } = await this.#transact(group.map(({ set }) => set))
    this.#positions.advance(moved)
    for (const [index, waiting] of group.entries()) {
      const outcome = outcomes[index]
      if (outcome === undefined) throw new Error('a write set was left without an outcome')
      if (outcome instanceof Error) waiting.reject(outcome)
      else waiting.resolve(outcome)
    }
  }

  async close(): Promise<void> {
    await this.#connection?.close()
  }

  /** One transaction; again when the connection was lost or another process was in the way, and nothing is stored. */
  async #transact(sets: readonly Waiting['set'][]): Promise<PostgresTransaction> {
    for (let attempt = 1; ; attempt++) {
      const connection = await this.#connect()
      const transaction = new PostgresTransaction(connection, this.#statements, sets)
      try {
        await transaction.execute()
        return transaction
      } catch (error) {
        this.#connection = undefined
        await connection.close().catch(() => undefined)
        if (transaction.committing !== undefined && isLost(error)) {
          if (await this.#wasCommitted(transaction.committing)) return transaction
        }
        if (attempt === ATTEMPTS || !(isLost(error) || isConflict(error))) throw errorOf(error)
      }
    }
  }

  /** What became of a transaction whose commit was sent and never answered. */
  async #wasCommitted(transactionId: string): Promise<boolean> {
    for (;;) {
      const connection = await this.#connect()
      try {
        const { rows } = await connection.execute(this.#readOutcome, [transactionId])
        const status = rows[0]?.['status']
        if (status === 'committed') return true
        if (status === 'aborted') return false
        // The old connection's process may still be at it.
        if (status !== 'in progress')
          throw new DatabaseUnavailable('the outcome of a commit cannot be learned')
        await sleep(POLL_MS)
      } catch (error) {
        if (!isLost(error)) throw error
        this.#connection = undefined
      }
    }
  }

  async #connect(): Promise<PostgresConnection> {
    if (this.#connection?.alive !== true) this.#connection = await this.#connector.connect()
    return this.#connection
  }
}
