import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Prepared } from '../database.ts'
import { CommitMarks } from './commit-marks.ts'
import { settle, tellStored, type Waiting } from './group-committer.ts'
import type { Positions } from './positions.ts'
import { PostgresBatches } from './postgres-batches.ts'
import type { PostgresConnection } from './postgres-connection.ts'
import type { PostgresConnector } from './postgres-connector.ts'
import { errorOf, isConflict, isLost } from './postgres-errors.ts'
import { PostgresTransaction, type TransactionMeans } from './postgres-transaction.ts'
import { PostgresVariants } from './postgres-variants.ts'
import type { StatementTable } from './statements.ts'

const ATTEMPTS = 5
/** Grows with each attempt that was in the way of another process, and is drawn by lot below that. Milliseconds. */
const PAUSE_MS = 50

/** Commits groups of write sets on a connection of its own, which it makes again when it is lost. */
export class PostgresWriter {
  readonly #connector: PostgresConnector
  readonly #positions: Positions
  readonly #means: TransactionMeans
  #connection: PostgresConnection | undefined

  constructor(connector: PostgresConnector, positions: Positions, statements: StatementTable) {
    const prepare = (sql: string): Prepared => statements.prepare(sql)
    const derive = (sql: string): Prepared => statements.derive(sql)
    this.#connector = connector
    this.#positions = positions
    this.#means = {
      takePositions: prepare(
        `WITH taken AS (
           INSERT INTO streams AS s (name, position) VALUES (?, ?)
           ON CONFLICT (name) DO UPDATE SET position = s.position + excluded.position RETURNING position)
         SELECT position, set_config(?, CAST(position AS text), true) AS kept FROM taken`,
      ),
      plain: sql => ({ prepared: derive(sql), parameters: [] }),
      batches: new PostgresBatches(derive),
      variants: new PostgresVariants(derive),
      marks: new CommitMarks(prepare),
    }
  }

  /** Commits and settles a group. Rejects when it failed as a whole and nothing of it is known to be stored. */
  async commit(group: readonly Waiting[]): Promise<void> {
    try {
      await this.#commit(group)
    } catch (error) {
      if (!isConflict(error) || group.length === 1) throw errorOf(error)
      // Sets that have nothing to do with each other, and wait together for others that do the same in another order. Each by
      // itself waits for nobody who waits for it.
      for (const one of group) await this.#commit([one]).catch(cause => one.reject(errorOf(cause)))
    }
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    // The database may tell all processes of what is committed before it answers this one.
    this.#positions.hold()
    try {
      const { outcomes, moved } = await this.#transact(group.map(({ set }) => set))
      tellStored(group, outcomes)
      this.#positions.advance(moved)
      settle(group, outcomes)
    } finally {
      this.#positions.release()
    }
  }

  /** Gives up a connection on which nothing has come for so long (milliseconds); what became of its commit is found out on another. */
  cutSilent(ms: number): void {
    this.#connection?.cutIfSilent(ms)
  }

  async close(): Promise<void> {
    if (this.#connection === undefined) return
    await this.#means.marks.remove(this.#connection).catch(() => undefined)
    await this.#connection.close()
  }

  /** One transaction; again when the connection was lost or another process was in the way, and nothing is stored. */
  async #transact(sets: readonly Waiting['set'][]): Promise<PostgresTransaction> {
    for (let attempt = 1; ; attempt++) {
      const connection = await this.#connect()
      const transaction = new PostgresTransaction(connection, this.#means, sets)
      try {
        await transaction.execute()
        return transaction
      } catch (error) {
        this.#connection = undefined
        await connection.close().catch(() => undefined)
        if (transaction.isCommitting && isLost(error) && (await this.#wasCommitted(transaction)))
          return transaction
        const isToBeSplit = isConflict(error) && sets.length > 1
        if (attempt === ATTEMPTS || isToBeSplit || !(isLost(error) || isConflict(error))) throw error
        if (isConflict(error)) await sleep(randomInt(attempt * PAUSE_MS))
      }
    }
  }

  /** What became of a transaction whose commit was sent and never answered. */
  async #wasCommitted(transaction: PostgresTransaction): Promise<boolean> {
    for (;;) {
      const connection = await this.#connect()
      try {
        const moved = await this.#means.marks.ask(connection, transaction.serial)
        if (moved !== undefined) transaction.committed(moved)
        return moved !== undefined
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
