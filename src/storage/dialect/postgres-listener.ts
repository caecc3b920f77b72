import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { StreamName } from '../database.ts'
import type { Moved, Positions } from './positions.ts'
import { clientConfig } from './postgres-connection.ts'

/** The channel on which processes tell each other how far streams are committed. */
export const CHANNEL = 'tessera_positions'

const PAUSE_MS = 500

/** `events:12,receipts:5` */
export const encodeMoved = (moved: Moved): string => moved.map(([stream, at]) => `${stream}:${at}`).join(',')

const decodeMoved = (payload: string): Moved =>
  payload.split(',').map(part => {
    const [stream, at] = part.split(':')
    return [stream as StreamName, Number(at)]
  })

/** Follows the positions that any process commits. After a lost connection it catches up by reading them. */
export class PostgresListener {
  readonly #url: string
  readonly #positions: Positions
  readonly #stop = new AbortController()
  #client: pg.Client | undefined

  constructor(url: string, positions: Positions) {
    this.#url = url
    this.#positions = positions
  }

  /** Connects and takes over the present positions. Rejects with the driver's error. */
  async start(): Promise<void> {
    const client = new pg.Client(clientConfig(this.#url, false))
    client.on('error', () => undefined)
    client.on('notification', ({ payload }) => {
      if (payload !== undefined && payload !== '') this.#positions.advance(decodeMoved(payload))
    })
    await client.connect()
    try {
      // Listening first: what is committed between the two statements is then seen twice, not missed.
      await client.query(`LISTEN ${CHANNEL}`)
      const { rows } = await client.query({ text: 'SELECT name, position FROM streams', rowMode: 'array' })
      this.#positions.advance(rows as unknown as Moved)
    } catch (error) {
      await client.end()
      throw error
    }
    client.on('end', () => void this.#restart())
    this.#client = client
    if (this.#stop.signal.aborted) await client.end()
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#client?.end()
  }

  async #restart(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        await this.start()
        return
      } catch {
        await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined)
      }
    }
  }
}
