import type { Prepared, SqlList, SqlValue } from '../database.ts'
import type { Executed, PostgresConnection } from './postgres-connection.ts'
import type { PostgresConnector } from './postgres-connector.ts'
import { errorOf, isLost } from './postgres-errors.ts'

/** A read is tried again on another connection as often as there may be others that are lost as well, and so often more. */
const FURTHER_ATTEMPTS = 2

/** Connections for reads, made as they are needed, each shared by many statements at once. */
export class PostgresPool {
  readonly #connector: PostgresConnector
  readonly #size: number
  #connections: PostgresConnection[] = []
  #connecting: Promise<void>[] = []

  constructor(connector: PostgresConnector, size: number) {
    this.#connector = connector
    this.#size = size
  }

  /** Executes a read; after a lost connection again, on another. Rejects with what `Reader` promises. */
  async execute(prepared: Prepared, parameters?: readonly (SqlValue | SqlList)[]): Promise<Executed> {
    for (let attempt = 1; ; attempt++) {
      try {
        const connection = this.#idle() ?? (await this.#leastBusy())
        connection.gather()
        return await connection.execute(prepared, parameters)
      } catch (error) {
        if (attempt > this.#size + FURTHER_ATTEMPTS || !isLost(error)) throw errorOf(error)
      }
    }
  }

  /** Waits for what is under way and disconnects. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#connecting)
    await Promise.all(this.#connections.map(connection => connection.close()))
  }

  #idle(): PostgresConnection | undefined {
    return this.#connections.find(connection => connection.alive && connection.inFlight === 0)
  }

  /** All are busy: makes one more if there is room, and uses the least busy of those that there are. */
  async #leastBusy(): Promise<PostgresConnection> {
    this.#connections = this.#connections.filter(connection => connection.alive)
    if (this.#connections.length + this.#connecting.length < this.#size) this.#connect()
    if (this.#connections.length === 0) await Promise.race(this.#connecting)
    return this.#connections.reduce((least, other) => (other.inFlight < least.inFlight ? other : least))
  }

  #connect(): void {
    const connecting = this.#connector
      .connect('pipeline')
      .then(connection => {
        this.#connections.push(connection)
      })
      .finally(() => {
        this.#connecting = this.#connecting.filter(other => other !== connecting)
      })
    this.#connecting.push(connecting)
    // Whoever waits for it sees the failure; with other connections at hand nobody needs to.
    connecting.catch(() => undefined)
  }
}
