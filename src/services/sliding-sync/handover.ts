import type { Clock } from '../../core/clock.ts'
import type { Processes } from '../processes.ts'
import { Connection } from './connection.ts'
import { bearable, type ConnectionSnapshot, VERSION } from './connection-snapshot.ts'

/** So long a process that has the connection is waited for; it answers at once, unless it has died and nobody knows. Milliseconds. */
const PATIENCE_MS = 1_000
/** And so long where nothing is stored of the connection either: it may have much to do. */
const MAX_PATIENCE_MS = 10_000
/** The last so many connections that were given away are remembered. */
const MAX_GIVEN = 10_000

/** `from` is the number of the process that has made the token. */
type Wanted = { readonly key: string; readonly serial: number; readonly by: string; readonly from?: number }
/** Without a snapshot: it is gone. */
type Given = {
  readonly key: string
  readonly serial: number
  readonly to: string
  readonly snapshot?: ConnectionSnapshot
}

/** What this needs of `Processes`. */
type Reached = Pick<Processes, 'id' | 'number' | 'isGone'> & {
  readonly bulletin: Pick<Processes['bulletin'], 'isAlone' | 'on' | 'post'>
}

/**
 * Hands connections to the process that the client's next request comes to. The process that had one keeps it as it was: a request that was
 * given up may come to it late, and may then not call the connection back from where its client goes on.
 */
export class Handover {
  readonly #processes: Reached
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
    processes: Reached
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
      const given: Given = { key, serial, to: by, ...(snapshot === undefined ? {} : { snapshot }) }
      void bulletin.post('connection', given)
    })
    bulletin.on('connection', given => {
      const { key, serial, to, snapshot } = given as Given
      if (to === id) this.#waiting.get(nameOf(key, serial))?.(snapshot)
    })
  }

  /** Asks the process that has made a token (`from` is its number) for its connection; `undefined` if it is gone. */
  async fetch(key: string, serial: number, from: number | undefined): Promise<Connection | undefined> {
    const { bulletin, number } = this.#processes
    if (bulletin.isAlone) return undefined
    const isNowhere = from === number && !this.#given.has(key)
    if (from === undefined || isNowhere || this.#processes.isGone(from)) return undefined
    const name = nameOf(key, serial)
    const coming = this.#coming.get(name) ?? this.#ask(key, serial, from)
    this.#coming.set(name, coming)
    return this.#within(PATIENCE_MS, coming)
  }

  /** What the process still answers that was asked. */
  async late(key: string, serial: number): Promise<Connection | undefined> {
    return this.#coming.get(nameOf(key, serial))
  }

  async #ask(key: string, serial: number, from: number): Promise<Connection | undefined> {
    const { bulletin, id: by, number } = this.#processes
    const { promise, resolve } = Promise.withResolvers<ConnectionSnapshot | undefined>()
    const name = nameOf(key, serial)
    this.#waiting.set(name, resolve)
    const wanted: Wanted = { key, serial, by, from }
    void bulletin.post('connection wanted', wanted)
    const snapshot = await this.#within(MAX_PATIENCE_MS, promise)
    this.#waiting.delete(name)
    this.#coming.delete(name)
    // Another version of this program may be running beside this one.
    if (snapshot?.version !== VERSION) return undefined
    this.#given.delete(key)
    return Connection.from(snapshot, this.#random(), number)
  }

  /** `undefined` as well if it takes longer. */
  async #within<T>(ms: number, what: Promise<T>): Promise<T | undefined> {
    const over = new AbortController()
    const patience = this.#clock.sleep(ms, over.signal).then(
      () => undefined,
      () => undefined,
    )
    try {
      return await Promise.race([what, patience])
    } finally {
      over.abort()
    }
  }

  #remember(key: string): void {
    this.#given.add(key)
    const [first] = this.#given
    if (first !== undefined && this.#given.size > MAX_GIVEN) this.#given.delete(first)
  }
}

const nameOf = (key: string, serial: number): string => `${serial} ${key}`
