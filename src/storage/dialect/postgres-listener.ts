import { setTimeout as sleep } from 'node:timers/promises'
import type { StreamName } from '../database.ts'
import type { Moved, Positions } from './positions.ts'
import type { PostgresClient } from './postgres-connection.ts'

/** The channel on which processes tell each other how far streams are committed. */
export const CHANNEL = 'tessera_positions'

/** Any number, as long as it stays the same: what the marks of processes are listed under. */
export const MARKS = 7_357_002

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

/**
 * Follows the positions that any process commits, and shows by a lock which nobody contends for that this one is there: it is gone as soon
 * as the connection is, as where the process is killed. After a lost connection it catches up by reading them.
 */
export class PostgresListener {
  readonly #connect: () => Promise<PostgresClient>
  readonly #positions: Positions
  readonly #onSilence: () => void
  readonly #silenceMs: number
  readonly #mark: number
  readonly #stop = new AbortController()
  #client: PostgresClient | undefined

  /** `connect` makes connections to talk on; `onSilence` is called when the server has not answered for `silenceMs`: neither will it other connections. */
  constructor(
    connect: () => Promise<PostgresClient>,
    positions: Positions,
    { mark, onSilence, silenceMs }: { mark: number; onSilence: () => void; silenceMs: number },
  ) {
    this.#mark = mark
    this.#connect = connect
    this.#positions = positions
    this.#onSilence = onSilence
    this.#silenceMs = silenceMs
  }

  /** Takes over the present positions, on a connection that it makes unless one is given. Rejects with the driver's error. */
  async start(given?: PostgresClient): Promise<void> {
    const client = given ?? (await this.#connect())
    client.on('notification', ({ payload }) => {
      if (payload !== undefined) this.#positions.hear(decodeMoved(payload))
    })
    const impatience = setTimeout(() => client.connection.stream.destroy(), this.#silenceMs)
    try {
      // Listening first: what is committed between the two statements is then seen twice, not missed.
      await client.query(`LISTEN ${CHANNEL}`)
      await client.query('SELECT pg_advisory_lock_shared($1, $2)', [MARKS, this.#mark])
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

  async #catchUp(client: PostgresClient): Promise<void> {
    const { rows } = await client.query(READ_POSITIONS)
    this.#positions.hear(rows as unknown as Moved)
  }

  async #look(client: PostgresClient): Promise<void> {
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
