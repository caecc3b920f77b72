import { setTimeout as sleep } from 'node:timers/promises'
import { DatabaseUnavailable } from '../database.ts'
import { connectionFailure } from './connection-failure.ts'
import {
  type Connect,
  connectClient,
  type PostgresClient,
  PostgresConnection,
  type Use,
} from './postgres-connection.ts'

const PATIENCE_MS = 10_000
const LONGEST_PAUSE_MS = 1000

/** Makes connections. While the server is away it tries for a while; once that has passed, once per call. */
export class PostgresConnector {
  readonly #url: string
  readonly #log: (level: 'info' | 'warn', message: string) => void
  readonly #patience: number
  readonly #connect: Connect
  #downSince: number | undefined
  #closed = false

  /** `patience` is how long an outage is waited out before callers are told of it, in milliseconds. */
  constructor(
    url: string,
    log: (level: 'info' | 'warn', message: string) => void,
    patience = PATIENCE_MS,
    connect = connectClient,
  ) {
    this.#url = url
    this.#log = log
    this.#patience = patience
    this.#connect = connect
  }

  /** A new connection. Rejects with `DatabaseUnavailable` when patience has run out, or the database was closed. */
  async connect(use: Exclude<Use, 'talk'> = 'points'): Promise<PostgresConnection> {
    for (let pause = 50; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      if (this.#closed) throw new DatabaseUnavailable('the database is closed')
      try {
        const connection = new PostgresConnection(await this.#connect(this.#url, use))
        if (this.#downSince !== undefined) this.#log('info', 'the database answers again')
        this.#downSince = undefined
        return connection
      } catch (cause) {
        const now = performance.now()
        if (this.#downSince === undefined)
          this.#log('warn', `the database does not answer: ${connectionFailure(cause)}`)
        this.#downSince ??= now
        if (now - this.#downSince >= this.#patience) {
          throw new DatabaseUnavailable(`the database does not answer: ${connectionFailure(cause)}`, {
            cause,
          })
        }
        await sleep(pause)
      }
    }
  }

  /** A new connection to talk on, at the first attempt. Rejects with the driver's error. */
  talk(): Promise<PostgresClient> {
    return this.#connect(this.#url, 'talk')
  }

  /** Makes waiting calls give up. */
  close(): void {
    this.#closed = true
  }
}
