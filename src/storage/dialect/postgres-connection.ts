import pg from 'pg'
import type { Prepared, Row, SqlList, SqlValue } from '../database.ts'
import { type Known, type Landed, type Leg, PostgresFlight } from './postgres-flight.ts'
import { postgresTypes } from './postgres-values.ts'

/** What a statement did: the rows it answered, and how many it read or changed. */
export interface Executed {
  readonly rows: Row[]
  readonly count: number
  /** `COMMIT`, `ROLLBACK`, `INSERT`, … */
  readonly command: string
}

/** What a connection is for: flights of statements that look for few rows, or for many; or one after the other as long as it takes. */
export type Use = 'points' | 'scans' | 'talk'

/** The driver's end of a connection, and what the server has prepared for it. */
export class PostgresClient extends pg.Client {
  readonly known: Known = new Map()
}

/** Makes a client that is connected; whoever gets it ends it. Rejects with the driver's error. */
export type Connect = (url: string, use: Use) => Promise<PostgresClient>

export const connectClient: Connect = async (url, use) => {
  const client = new PostgresClient(clientConfig(url, use))
  // What is wrong with a connection shows in what is asked on it.
  client.on('error', () => undefined)
  await client.connect()
  return client
}

/** A connection on which statements go out in flights, one at a time. Lost is lost: whoever holds it makes a new one. */
export class PostgresConnection {
  readonly #client: PostgresClient
  #alive = true
  #inFlight = 0
  /** Since when something is waited for, or nothing. */
  #since = performance.now()

  /** `client` is connected. */
  constructor(client: PostgresClient) {
    this.#client = client
    client.on('error', () => {
      this.#alive = false
    })
    client.on('end', () => {
      this.#alive = false
    })
  }

  get alive(): boolean {
    return this.#alive
  }

  /** Flights sent and not yet answered. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** Sends statements in one flight, once those before it have landed. Rejects with the driver's error when the connection was lost. */
  async fly(legs: readonly Leg[]): Promise<Landed> {
    const flight = new PostgresFlight(legs, this.#client.known)
    if (this.#inFlight === 0) this.#since = performance.now()
    this.#inFlight += 1
    try {
      this.#client.query(flight)
      return await flight.landed
    } finally {
      this.#inFlight -= 1
      this.#since = performance.now()
    }
  }

  /** Gives it up for lost if nothing has come for so long (milliseconds), be it that nothing was asked: what is asked next might wait for good. */
  cutIfSilent(ms: number): void {
    if (performance.now() - this.#since >= ms) this.#client.connection.stream.destroy()
  }

  /** Executes a single statement. Rejects with the driver's error. */
  async execute(prepared: Prepared, parameters: readonly (SqlValue | SqlList)[] = []): Promise<Executed> {
    const { executed, error } = await this.fly([{ prepared, parameters, hasRows: true }])
    const [one] = executed
    if (one === undefined) throw error
    return one
  }

  async close(): Promise<void> {
    this.#alive = false
    await this.#client.end()
  }
}

/**
 * What all connections share. Compiling plans just in time costs more than short statements gain. A transaction in flight waits
 * for nobody: one that stands still belongs to a process that does, and must not hold up all others by its locks.
 */
const clientConfig = (url: string, use: Use): pg.ClientConfig => ({
  connectionString: url,
  application_name: 'tessera',
  keepAlive: true,
  // Firewalls forget connections on which nothing passes, and say nothing of it.
  keepAliveInitialDelayMillis: 30_000,
  connectionTimeoutMillis: 10_000,
  options: [JIT_OFF, ...(use === 'talk' ? [] : IN_FLIGHT), ...(use === 'points' ? BY_INDEX : [])]
    .map(setting => `-c ${setting}`)
    .join(' '),
  types: postgresTypes,
})

const JIT_OFF = 'jit=off'
const IN_FLIGHT = ['idle_in_transaction_session_timeout=5s']
/**
 * A plan is kept for as long as the statistics of its tables, and what was planned while these were small goes through all of them
 * long after they have grown. Who looks for few rows finds them by an index, whatever their number.
 */
const BY_INDEX = ['enable_seqscan=off', 'enable_hashjoin=off', 'enable_mergejoin=off']
