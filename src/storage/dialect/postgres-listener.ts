import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { StreamName } from '../database.ts'
import type { Moved, Positions } from './positions.ts'
import { clientConfig } from './postgres-connection.ts'

/** The channel on which processes tell each other how far streams are committed. */
export const CHANNEL = 'tessera_positions'

const PAUSE_MS = 500
/** So long the server may take to answer what costs it nothing. */
export const SILENCE_MS = 10_000
/** So often, compared with that, it is looked whether it is still there: one that vanishes says nothing. */
const LOOKS = 1.5
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
  readonly #onSilence: () => void
  readonly #silenceMs: number
  readonly #stop = new AbortController()
  #client: pg.Client | undefined

  /** `onSilence` is called when the server has not answered for `silenceMs`: neither will it other connections. */
  constructor(
    url: string,
    positions: Positions,
    { onSilence, silenceMs }: { onSilence: () => void; silenceMs: number },
  ) {
    this.#url = url
    this.#positions = positions
    this.#onSilence = onSilence
    this.#silenceMs = silenceMs
  }

  /** Connects and takes over the present positions. Rejects with the driver's error. */
  async start(): Promise<void> {
    const client = new pg.Client(clientConfig(this.#url, 'talk'))
    client.on('error', () => undefined)
    client.on('notification', ({ payload }) => {
      if (payload !== undefined) this.#positions.hear(decodeMoved(payload))
    })
    await client.connect()
    const impatience = setTimeout(() => client.connection.stream.destroy(), this.#silenceMs)
    try {
      // Listening first: what is committed between the two statements is then seen twice, not missed.
      await client.query(`LISTEN ${CHANNEL}`)
      await this.#catchUp(client)
    } catch (error) {
      await client.end()
      throw error
    } finally {
      clearTimeout(impatience)
    }
    const looks = setInterval(() => void this.#look(client), LOOKS * this.#silenceMs).unref()
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
    let isAnswered = false
    // Where this process has stood still, the answer may be here and not be read yet.
    const impatience = setTimeout(() => setImmediate(giveUp), this.#silenceMs)
    const giveUp = (): void => {
      if (isAnswered) return
      client.connection.stream.destroy()
      this.#onSilence()
    }
    // What goes wrong ends the connection.
    await this.#catchUp(client).catch(() => undefined)
    isAnswered = true
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
