import type { Connection } from './connection.ts'
import { type Account, eventNumbers, nextBatch, type SyncOptions, syncRequest } from './matrix.ts'

/** Milliseconds that the server may hold a sync. */
const longPoll = 60_000

/** Gaps would lose arrivals: ask for more of the timeline than one wake-up ever holds. */
const filter = {
  room: { timeline: { limit: 100 }, state: { lazy_load_members: true } },
  presence: { not_types: ['*'] },
}

/** A client that waits in /sync and notes when which event arrives. */
export class Listener {
  private readonly connection: Connection
  private readonly account: Account
  private readonly timeout: number
  private since: string
  private stopped = false
  private loop: Promise<void> = Promise.resolve()

  /**
   * @param since where it begins, from `catchUp`
   * @param spread makes the request differ from that of another listener of the same account: servers may answer
   * equal concurrent requests with one computation, which is not what is to be measured
   */
  constructor(connection: Connection, account: Account, since: string, spread = 0) {
    this.connection = connection
    this.account = account
    this.since = since
    this.timeout = longPoll + spread
  }

  /**
   * Starts to wait, and goes on waiting until `stop`.
   * @param arrived is told the numbers of the events of each response and when its last byte came
   */
  listen(arrived: (numbers: number[], at: number) => void): void {
    this.loop = this.follow(arrived)
    // Awaited in `stop`; until then a failure must not count as unhandled.
    this.loop.catch(() => {})
  }

  /** Closes the connection. @throws Error when listening had failed before */
  async stop(): Promise<void> {
    this.stopped = true
    this.connection.close()
    await this.loop
  }

  private async follow(arrived: (numbers: number[], at: number) => void): Promise<void> {
    try {
      while (!this.stopped) {
        const { since, timeout } = this
        const body = await sync(this.connection, this.account, { filter, since, timeout })
        arrived(eventNumbers(body), performance.now())
        this.since = nextBatch(body)
      }
    } catch (error) {
      if (!this.stopped) throw error
    }
  }
}

/** An initial sync. @returns the token to go on from */
export async function catchUp(connection: Connection, account: Account): Promise<string> {
  return nextBatch(await sync(connection, account, { filter }))
}

async function sync(connection: Connection, account: Account, options: SyncOptions): Promise<string> {
  const { status, body } = await connection.request(syncRequest(account, options))
  if (status !== 200) throw new Error(`sync: ${status} ${body.toString().slice(0, 300)}`)
  return body.toString()
}
