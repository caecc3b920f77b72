import pg from 'pg'
import type { Prepared, Row, SqlList, SqlValue } from '../database.ts'
import { type Landed, type Leg, PostgresFlight } from './postgres-flight.ts'
import { postgresTypes, postgresValue } from './postgres-values.ts'
import { UNKEPT } from './statements.ts'

/** What a statement did: the rows it answered, and how many it read or changed. */
export interface Executed {
  readonly rows: Row[]
  readonly count: number
  /** `COMMIT`, `ROLLBACK`, `INSERT`, … */
  readonly command: string
}

/**
 * What a connection is for: `pipeline`: single statements, sent without waiting for the answers to those before them; `flights`: whole
 * transactions, each sent at once; `talk`: one statement after the other.
 */
export type Use = 'pipeline' | 'flights' | 'talk'

/**
 * A pipelined connection: statements go out at once and are answered in order, without waiting in between. Lost is
 * lost: whoever holds it makes a new one.
 */
export class PostgresConnection {
  readonly #client: pg.Client
  #alive = true
  #inFlight = 0
  #isGathering = false
  /** Names of the statements that have been prepared by flights. */
  readonly #flown = new Set<string>()

  private constructor(client: pg.Client) {
    this.#client = client
    client.on('error', () => {
      this.#alive = false
    })
    client.on('end', () => {
      this.#alive = false
    })
  }

  /** Connects; rejects with the driver's error. */
  static async connect(url: string, use: Use): Promise<PostgresConnection> {
    const client = new pg.Client(clientConfig(url, use))
    const connection = new PostgresConnection(client)
    await client.connect()
    return connection
  }

  get alive(): boolean {
    return this.#alive
  }

  /** Statements sent and not yet answered. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** Sends a prepared statement. Rejects with the driver's error. */
  async execute(prepared: Prepared, parameters: readonly (SqlValue | SqlList)[] = []): Promise<Executed> {
    return this.#send({
      ...(prepared.id === UNKEPT ? {} : { name: `t${prepared.id}` }),
      text: prepared.sql,
      values: parameters.map(postgresValue),
    })
  }

  /** Sends statements in one flight, if the connection was made for that. Rejects with the driver's error when it was lost. */
  async fly(legs: readonly Leg[]): Promise<Landed> {
    const flight = new PostgresFlight(legs, this.#flown)
    this.#inFlight += 1
    try {
      this.#client.query(flight)
      return await flight.landed
    } finally {
      this.#inFlight -= 1
    }
  }

  /**
   * What is sent from now on leaves together at the end of this turn of the event loop: no answer is read before, and a packet
   * costs more than a statement.
   */
  gather(): void {
    if (this.#isGathering) return
    this.#isGathering = true
    const { stream } = this.#client.connection
    stream.cork()
    setImmediate(() => {
      this.#isGathering = false
      stream.uncork()
    })
  }

  async close(): Promise<void> {
    this.#alive = false
    await this.#client.end()
  }

  async #send(query: pg.QueryConfig): Promise<Executed> {
    this.#inFlight += 1
    try {
      const { rows, rowCount, command } = await this.#client.query(query)
      return { rows, count: rowCount ?? 0, command }
    } finally {
      this.#inFlight -= 1
    }
  }
}

/**
 * What all connections share. Compiling plans just in time costs more than short statements gain. A transaction waits
 * for nobody: one that stands still belongs to a process that does, and must not hold up all others by its locks.
 */
export const clientConfig = (url: string, use: Use): pg.ClientConfig => ({
  connectionString: url,
  application_name: 'tessera',
  keepAlive: true,
  connectionTimeoutMillis: 10_000,
  options: `-c jit=off${use === 'talk' ? '' : ' -c idle_in_transaction_session_timeout=5s'}`,
  types: postgresTypes,
  pipeline: use === 'pipeline',
})
