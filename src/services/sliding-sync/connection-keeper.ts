import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import {
  type ConnectionKey,
  SlidingConnectionReader,
  SlidingConnectionWriter,
} from '../../storage/accounts/sliding-connections.ts'
import type { Database } from '../../storage/database.ts'
import { Rounds } from '../rounds.ts'
import { Connection } from './connection.ts'
import { bearable, readSnapshot } from './connection-snapshot.ts'
import type { ConnectionToken } from './connection-token.ts'

/** So often it is looked what there is to store. Milliseconds. */
const ROUND_MS = 15_000
/**
 * A connection is stored again so long after it was last, if its client was told of rooms since: of a server that is killed, clients are sent those
 * rooms anew in which something has happened since then. Milliseconds.
 */
const STORED_EVERY_MS = 10 * 60_000
/** And one of which clients are told nothing new, for it to last. */
const STORED_AGAIN_MS = 24 * 3_600_000
/** In one round, and in one commit. */
const MAX_OF_ROUND = 500
const BATCH = 10
/** What is not stored within this time as the server stops is as if it had been killed. Milliseconds. */
const CLOSING_MS = 8_000
/** Connections that memory has no room for, until they are stored. */
const MAX_LEAVING = 1_000

/** The connections in memory, by what they are found by. */
export type InMemory = () => Iterable<readonly [key: ConnectionKey, connection: Connection]>

/**
 * Keeps connections in the database, for clients to go on after a restart: in the background, seldom, and as the server stops. What a client
 * was told since a connection was stored is found by comparing: see `Connection.fromStored`.
 */
export class ConnectionKeeper {
  readonly #parts: {
    readonly database: Database
    readonly clock: Clock
    readonly log: Log
    readonly random: () => number
    readonly maker: number | undefined
  }
  readonly #read: SlidingConnectionReader
  readonly #write: SlidingConnectionWriter
  readonly #rounds: Rounds
  readonly #stored = new WeakMap<Connection, { readonly change: string; readonly ts: number }>()
  readonly #leaving = new Map<Connection, ConnectionKey>()
  readonly #loading = new Map<string, Promise<Connection | undefined>>()
  /** What there is to keep. */
  inMemory: InMemory = () => []

  constructor(parts: {
    database: Database
    clock: Clock
    log: Log
    random: () => number
    maker: number | undefined
  }) {
    this.#parts = parts
    this.#read = new SlidingConnectionReader(parts.database)
    this.#write = new SlidingConnectionWriter(parts.database)
    this.#rounds = new Rounds({
      ...{ clock: parts.clock, log: parts.log, everyMs: ROUND_MS },
      round: signal => this.round(signal),
      failure: 'connections of sliding sync could not be stored',
    })
  }

  start(): void {
    this.#rounds.start()
  }

  /** Stores what has changed, those first that were used last. */
  async close(): Promise<void> {
    await this.#rounds.close()
    const { clock, log } = this.#parts
    const ends = clock.now() + CLOSING_MS
    const changed = this.#all().filter(([, connection]) => this.#hasChanged(connection))
    try {
      for (let from = 0; from < changed.length && clock.now() < ends; from += BATCH)
        await this.#store(changed.slice(from, from + BATCH))
    } catch (error) {
      log.warn({ err: error }, 'connections of sliding sync could not be stored')
    }
  }

  /** Takes one that goes from memory. */
  leave(key: ConnectionKey, connection: Connection): void {
    if (!this.#hasChanged(connection)) return
    this.#leaving.set(connection, key)
    const [first] = this.#leaving.keys()
    if (first !== undefined && this.#leaving.size > MAX_LEAVING) this.#leaving.delete(first)
  }

  /** One that went from memory and is not stored yet, if its client may go on from the response with this serial number. */
  leaving(key: ConnectionKey, serial: number): Connection | undefined {
    for (const [connection, { userId, deviceId, name }] of this.#leaving) {
      if (userId !== key.userId || deviceId !== key.deviceId || name !== key.name) continue
      if (connection.has(serial)) return connection
    }
    return undefined
  }

  /** The connection from which a client may go on by a token; `undefined` if there is none. */
  async load(key: ConnectionKey, token: ConnectionToken): Promise<Connection | undefined> {
    // Who gives up a request and asks again at once gets the same.
    const name = JSON.stringify([key.userId, key.deviceId, key.name, token.openedAt, token.serial])
    const loading = this.#loading.get(name) ?? this.#load(key, token)
    this.#loading.set(name, loading)
    try {
      return await loading
    } finally {
      this.#loading.delete(name)
    }
  }

  /** One round. */
  async round(signal: AbortSignal): Promise<void> {
    const now = this.#parts.clock.now()
    const due = this.#all()
      .filter(([, connection]) => this.#isDue(connection, now))
      .slice(0, MAX_OF_ROUND)
    for (let from = 0; from < due.length && !signal.aborted; from += BATCH)
      await this.#store(due.slice(from, from + BATCH))
  }

  #all(): (readonly [ConnectionKey, Connection])[] {
    // One may have come back to memory before it was stored.
    const all = new Map(this.#leaving)
    for (const [key, connection] of this.inMemory()) all.set(connection, key)
    return [...all].map(([connection, key]) => [key, connection])
  }

  #hasChanged(connection: Connection): boolean {
    return this.#stored.get(connection)?.change !== connection.change
  }

  #isDue(connection: Connection, now: number): boolean {
    if (this.#leaving.has(connection)) return true
    const stored = this.#stored.get(connection)
    // One whose client has not come back may have no client.
    if (stored === undefined) return connection.generation > 0
    // By a clock that was set back.
    if (stored.ts > now) return true
    if (this.#hasChanged(connection)) return now - stored.ts >= STORED_EVERY_MS
    return now - stored.ts >= STORED_AGAIN_MS && connection.usedTs > stored.ts
  }

  async #store(batch: readonly (readonly [ConnectionKey, Connection])[]): Promise<void> {
    const ts = this.#parts.clock.now()
    const changes = batch.map(([, { change }]) => change)
    const rows = batch.flatMap(([key, connection]) => {
      const { openedAt, generation } = connection
      const snapshot = bearable(connection)?.text
      return snapshot === undefined ? [] : [{ ...key, openedAt, generation, snapshot }]
    })
    const isAnyNew = batch.some(([, connection]) => !this.#stored.has(connection))
    if (rows.length > 0)
      await this.#parts.database.commit({
        // One that went from memory may have come back to it, and have gone on.
        statements: [
          ...rows.map(row => this.#write.put(row, ts)),
          ...(isAnyNew ? this.#write.trim(rows) : []),
        ],
      })
    for (const [index, [, connection]] of batch.entries()) {
      this.#stored.set(connection, { change: changes[index] ?? '', ts })
      this.#leaving.delete(connection)
    }
  }

  async #load(key: ConnectionKey, token: ConnectionToken): Promise<Connection | undefined> {
    const leaving = this.leaving(key, token.serial)
    if (leaving !== undefined) return leaving
    const row = await this.#read.one(key)
    if (row === undefined || row.openedAt !== token.openedAt) return undefined
    const snapshot = readSnapshot(row.snapshot)
    const { random, maker, clock } = this.#parts
    const connection = snapshot && Connection.fromStored(snapshot, token, random(), maker)
    if (connection !== undefined) this.#stored.set(connection, { change: connection.change, ts: clock.now() })
    return connection
  }
}
