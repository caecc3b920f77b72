import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { StreamName } from '../database.ts'
import type { Moved, Positions } from './positions.ts'
import { clientConfig } from './postgres-connection.ts'

/** The channel on which processes tell each other how far streams are committed. */
export const CHANNEL = 'tessera_positions'

const PAUSE_MS = 500
/** So often it is looked whether the connection is still there: one that vanishes says nothing. */
const LOOK_MS = 15_000
const ANSWER_MS = 10_000
const READ_POSITIONS = { text: 'SELECT name, position FROM streams', rowMode: 'array' } as const

/** Reads `events:12,receipts:5`. */
export const decodeMoved = (payload: string): Moved =>
  payload === ''
    ? []
    : payload.split(',').map(part => {
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
    const client = new pg.Client(clientConfig(this.#url, 'talk'))
    client.on('error', () => undefined)
    client.on('notification', ({ payload }) => {
      if (payload !== undefined) this.#positions.hear(decodeMoved(payload))
    })
    await client.connect()
    try {
      // Listening first: what is committed between the two statements is then seen twice, not missed.
      await client.query(`LISTEN ${CHANNEL}`)
      await this.#catchUp(client)
    } catch (error) {
      await client.end()
      throw error
    }
    const looks = setInterval(() => void this.#look(client), LOOK_MS).unref()
    client.on('end', () => {
      clearInterval(looks)
      void this.#restart()
    })
    this.#client = client
    if (this.#stop.signal.aborted) await client.end()
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#client?.end()
  }

  async #catchUp(client: pg.Client): Promise<void> {
    const { rows } = await client.query(READ_POSITIONS)
    this.#positions.hear(rows as unknown as Moved)
  }

  async #look(client: pg.Client): Promise<void> {
    const impatience = setTimeout(() => client.connection.stream.destroy(), ANSWER_MS)
    // What goes wrong ends the connection.
    await this.#catchUp(client).catch(() => undefined)
    clearTimeout(impatience)
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
