import type { Clock } from '../../core/clock.ts'
import type { Processes } from '../processes.ts'
import { Connection, type ConnectionSnapshot } from './connections.ts'

/** So long a process that has the connection is waited for. Milliseconds. */
const PATIENCE_MS = 1_000
/** What is larger as JSON stays where it is: its client begins anew. */
const MAX_SIZE = 1_000_000

type Wanted = { readonly key: string; readonly serial: number; readonly by: string }
type Given = { readonly key: string; readonly to: string; readonly snapshot: ConnectionSnapshot }

/** Moves connections to the process that the client's next request comes to. */
export class Handover {
  readonly #processes: Processes
  readonly #clock: Clock
  readonly #waiting = new Map<string, (snapshot: ConnectionSnapshot) => void>()

  /** `take` gives up a connection that is in memory here, if the token with this serial is one of its last two. */
  constructor(parts: {
    processes: Processes
    clock: Clock
    take: (key: string, serial: number) => Connection | undefined
  }) {
    const { bulletin, id } = parts.processes
    this.#processes = parts.processes
    this.#clock = parts.clock
    if (bulletin.isAlone) return
    bulletin.on('connection wanted', wanted => {
      const { key, serial, by } = wanted as Wanted
      const snapshot = by === id ? undefined : parts.take(key, serial)?.snapshot()
      if (snapshot === undefined || JSON.stringify(snapshot).length > MAX_SIZE) return
      const given: Given = { key, to: by, snapshot }
      void bulletin.post('connection', given)
    })
    bulletin.on('connection', given => {
      const { key, to, snapshot } = given as Given
      if (to === id) this.#waiting.get(key)?.(snapshot)
    })
  }

  /** Asks the other processes for a connection; `undefined` if none of them has it. */
  async fetch(key: string, serial: number): Promise<Connection | undefined> {
    const { bulletin, id: by } = this.#processes
    if (bulletin.isAlone || this.#waiting.has(key)) return undefined
    const { promise, resolve } = Promise.withResolvers<ConnectionSnapshot | undefined>()
    this.#waiting.set(key, resolve)
    const given = new AbortController()
    this.#clock.sleep(PATIENCE_MS, given.signal).then(
      () => resolve(undefined),
      () => undefined,
    )
    const wanted: Wanted = { key, serial, by }
    void bulletin.post('connection wanted', wanted)
    const snapshot = await promise
    given.abort()
    this.#waiting.delete(key)
    return snapshot && Connection.from(snapshot)
  }
}
