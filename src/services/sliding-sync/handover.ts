import type { Clock } from '../../core/clock.ts'
import type { Processes } from '../processes.ts'
import { Connection } from './connection.ts'
import { bearable, type ConnectionSnapshot } from './connection-snapshot.ts'

/** So long a process that has the connection is waited for; it answers at once, unless it has died and nobody knows. Milliseconds. */
const PATIENCE_MS = 1_000
/** The last so many connections that were given away are remembered. */
const MAX_GIVEN = 10_000

/** `from` is the number of the process that has made the token. */
type Wanted = { readonly key: string; readonly serial: number; readonly by: string; readonly from?: number }
/** Without a snapshot: it is gone. */
type Given = { readonly key: string; readonly to: string; readonly snapshot?: ConnectionSnapshot }

/**
 * Hands connections to the process that the client's next request comes to. The process that had one keeps it as it was: a request that was
 * given up may come to it late, and may then not call the connection back from where its client goes on.
 */
export class Handover {
  readonly #processes: Processes
  readonly #clock: Clock
  readonly #random: () => number
  /** By their names: those that went from here to another process, which may know tokens that were made here. */
  readonly #given = new Set<string>()
  readonly #waiting = new Map<string, (snapshot: ConnectionSnapshot | undefined) => void>()
  /** Connections that are under way to here: who gives up a request and asks again at once gets the same. */
  readonly #coming = new Map<string, Promise<Connection | undefined>>()

  /**
   * `find` answers a connection that is in memory here, if its client may go on from the response with this serial; `random` is that of
   * `Connections`.
   */
  constructor(parts: {
    processes: Processes
    clock: Clock
    random: () => number
    find: (key: string, serial: number) => Connection | undefined
  }) {
    const { bulletin, id, number } = parts.processes
    this.#processes = parts.processes
    this.#clock = parts.clock
    this.#random = parts.random
    if (bulletin.isAlone) return
    bulletin.on('connection wanted', wanted => {
      const { key, serial, by, from } = wanted as Wanted
      if (by === id) return
      const found = parts.find(key, serial)
      const snapshot = found && bearable(found)?.snapshot
      // Whoever has made the token knows whether another may have the connection.
      if (snapshot === undefined && (from !== number || this.#given.has(key))) return
      if (snapshot !== undefined) this.#remember(key)
      const given: Given = { key, to: by, ...(snapshot === undefined ? {} : { snapshot }) }
      void bulletin.post('connection', given)
    })
    bulletin.on('connection', given => {
      const { key, to, snapshot } = given as Given
      if (to === id) this.#waiting.get(key)?.(snapshot)
    })
  }

  /** Asks the process that has made a token (`from` is its number) for its connection; `undefined` if it is gone. */
  async fetch(key: string, serial: number, from: number | undefined): Promise<Connection | undefined> {
    const { bulletin, number } = this.#processes
    if (bulletin.isAlone) return undefined
    const isNowhere = from === number && !this.#given.has(key)
    if (from === undefined || isNowhere || this.#processes.isGone(from)) return undefined
    const coming = this.#coming.get(key) ?? this.#ask(key, serial, from)
    this.#coming.set(key, coming)
    return coming
  }

  async #ask(key: string, serial: number, from: number): Promise<Connection | undefined> {
    const { bulletin, id: by, number } = this.#processes
    const { promise, resolve } = Promise.withResolvers<ConnectionSnapshot | undefined>()
    this.#waiting.set(key, resolve)
    const given = new AbortController()
    this.#clock.sleep(PATIENCE_MS, given.signal).then(
      () => resolve(undefined),
      () => undefined,
    )
    const wanted: Wanted = { key, serial, by, from }
    void bulletin.post('connection wanted', wanted)
    const snapshot = await promise
    given.abort()
    this.#waiting.delete(key)
    this.#coming.delete(key)
    if (snapshot === undefined) return undefined
    this.#given.delete(key)
    return Connection.from(snapshot, this.#random(), number)
  }

  #remember(key: string): void {
    this.#given.add(key)
    const [first] = this.#given
    if (first !== undefined && this.#given.size > MAX_GIVEN) this.#given.delete(first)
  }
}
