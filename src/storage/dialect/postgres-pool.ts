import type { Prepared, SqlList, SqlValue } from '../database.ts'
import type { Executed, PostgresConnection } from './postgres-connection.ts'
import type { PostgresConnector } from './postgres-connector.ts'
import { errorOf, isLost } from './postgres-errors.ts'
import type { Leg } from './postgres-flight.ts'

/** A read is tried again on another connection as often as there may be others that are lost as well, and so often more. */
const FURTHER_ATTEMPTS = 2

interface PoolOptions {
  readonly use: 'points' | 'scans'
  /** The most connections. */
  readonly size: number
  /** So many reads share a flight, even while another connection is idle: an answer to each by itself costs more than most of them. */
  readonly share: number
  /** The most that share a flight. */
  readonly most: number
}

interface Waiting {
  readonly leg: Leg
  attempts: number
  resolve(executed: Executed): void
  reject(error: Error): void
}

/** Connections for reads, made as they are needed. What is asked in one turn of the event loop goes out together. */
export class PostgresPool {
  readonly #connector: PostgresConnector
  readonly #options: PoolOptions
  #connections: PostgresConnection[] = []
  #connecting: Promise<void>[] = []
  #queue: Waiting[] = []
  #isScheduled = false
  readonly #flying = new Set<Promise<void>>()

  constructor(connector: PostgresConnector, options: PoolOptions) {
    this.#connector = connector
    this.#options = options
  }

  /** Executes a read; after a lost connection again, on another. Rejects with what `Reader` promises. */
  execute(prepared: Prepared, parameters: readonly (SqlValue | SqlList)[] = []): Promise<Executed> {
    const { promise, resolve, reject } = Promise.withResolvers<Executed>()
    this.#queue.push({ leg: { prepared, parameters, hasRows: true }, attempts: 0, resolve, reject })
    if (!this.#isScheduled) {
      this.#isScheduled = true
      setImmediate(() => {
        this.#isScheduled = false
        this.#send()
      })
    }
    return promise
  }

  /** Gives up connections on which nothing has come for so long (milliseconds); their reads are made again on others. */
  cutSilent(ms: number): void {
    for (const connection of this.#connections) connection.cutIfSilent(ms)
  }

  /** Waits for what is under way and disconnects. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#connecting)
    while (this.#flying.size > 0) await Promise.all(this.#flying)
    await Promise.all(this.#connections.map(connection => connection.close()))
  }

  /** Gives idle connections what is waiting; makes one more if there are none. */
  #send(): void {
    const { size, share, most } = this.#options
    this.#connections = this.#connections.filter(connection => connection.alive)
    const idle = this.#connections.filter(({ inFlight }) => inFlight === 0)
    for (const [index, connection] of idle.entries()) {
      if (this.#queue.length === 0) return
      const part = Math.ceil(this.#queue.length / (idle.length - index))
      const reads = this.#queue.splice(0, Math.min(most, Math.max(share, part)))
      const flying = this.#fly(connection, reads).finally(() => this.#flying.delete(flying))
      this.#flying.add(flying)
    }
    const isRoom = this.#connections.length + this.#connecting.length < size
    if (this.#queue.length > 0 && isRoom) this.#connect()
  }

  async #fly(connection: PostgresConnection, reads: readonly Waiting[]): Promise<void> {
    try {
      const { executed, error } = await connection.fly(reads.map(({ leg }) => leg))
      for (const [index, one] of executed.entries()) reads[index]?.resolve(one)
      if (error !== undefined) {
        reads[executed.length]?.reject(errorOf(error))
        this.#queue.unshift(...reads.slice(executed.length + 1))
      }
    } catch (error) {
      for (const read of reads) {
        read.attempts += 1
        if (read.attempts > this.#options.size + FURTHER_ATTEMPTS || !isLost(error))
          read.reject(errorOf(error))
        else this.#queue.push(read)
      }
    }
    this.#send()
  }

  #connect(): void {
    const connecting = this.#connector
      .connect(this.#options.use)
      .then(
        connection => {
          this.#connections.push(connection)
        },
        error => this.#refuse(errorOf(error)),
      )
      .finally(() => {
        this.#connecting = this.#connecting.filter(other => other !== connecting)
        this.#send()
      })
    this.#connecting.push(connecting)
  }

  /** No connection can be made: whoever waits for one is told, unless others are there. */
  #refuse(error: Error): void {
    if (this.#connections.some(({ alive }) => alive)) return
    for (const { reject } of this.#queue.splice(0)) reject(error)
  }
}
