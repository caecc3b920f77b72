import type { LRUCache } from 'lru-cache'
import { boundedCache, cacheLimit } from '../../core/caches.ts'
import { MatrixError } from '../../core/errors.ts'
import type { ConnectionKey } from '../../storage/accounts/sliding-connections.ts'
import { Connection } from './connection.ts'
import { type ConnectionToken, parseConnectionToken } from './connection-token.ts'

/** Connections of one device; the one that was used least recently makes room. */
const MAX_OF_DEVICE = 8

/** Where a connection may be that is not in memory here. */
interface OtherPlaces {
  /** Asks another process, the last to have answered. */
  readonly elsewhere: (
    key: string,
    serial: number,
    maker: number | undefined,
  ) => Promise<Connection | undefined>
  /** Looks for what was stored of it. */
  readonly stored: (key: ConnectionKey, token: ConnectionToken) => Promise<Connection | undefined>
  /** Waits longer for the other process that was asked. */
  readonly late: (key: string, serial: number) => Promise<Connection | undefined>
  /** Is told of one that goes from memory. */
  readonly leave: (key: ConnectionKey, connection: Connection) => void
  /** One that has gone from memory and is not stored yet. */
  readonly leaving: (key: ConnectionKey, serial: number) => Connection | undefined
}

/** One with which requests are being answered. */
interface Used {
  readonly connection: Connection
  holders: number
}

/**
 * The connections of all devices, in memory. Where there are several processes, a connection is in the memory of those that its
 * requests have come to lately; which of them knows the newest of it, tokens tell. What is nowhere in memory may be stored: a client
 * of which nothing is stored either is told so and begins anew ("a server may decide to expire connections").
 */
export class Connections {
  other: OtherPlaces = {
    elsewhere: async () => undefined,
    stored: async () => undefined,
    late: async () => undefined,
    leave: () => undefined,
    leaving: () => undefined,
  }
  readonly #random: () => number
  readonly #now: () => number
  readonly #maker: number | undefined
  readonly #used = new Map<string, Used>()
  /** Those that nobody waits with now: they count by what they know of rooms. */
  readonly #idle: LRUCache<string, Connection>
  readonly #ofDevice = new Map<string, Set<string>>()

  /**
   * @param parts.random an integer that cannot be guessed, small enough to be counted up from
   * @param parts.now milliseconds since 1970
   * @param parts.maker the number of this process, where there may be others
   * @param parts.max how much those may weigh that nobody waits with, instead of what the cache's share allows
   */
  constructor(parts: {
    random: () => number
    now: () => number
    maker?: number | undefined
    max?: number | undefined
  }) {
    this.#random = parts.random
    this.#now = parts.now
    this.#maker = parts.maker
    this.#idle = boundedCache('sliding_connections', {
      max: parts.max,
      // One that is larger than all that may be there stays alone: to load it for each request would be worse.
      size: connection => Math.min(connection.weight, parts.max ?? cacheLimit('sliding_connections')),
      dispose: (connection, key, reason) => {
        if (reason !== 'evict') return
        this.#forget(key)
        this.other.leave(keyFrom(key), connection)
      },
    })
  }

  /** Those in memory, the one first that was used last. */
  *all(): Iterable<readonly [key: ConnectionKey, connection: Connection]> {
    for (const [key, { connection }] of this.#used) yield [keyFrom(key), connection]
    for (const [key, connection] of this.#idle.entries()) yield [keyFrom(key), connection]
  }

  /** Begins a connection, in place of the one that went by this name before. */
  open(key: ConnectionKey): Connection {
    const [serial, now] = [this.#random(), this.#now()]
    // Two that are opened within one millisecond are told apart.
    const openedAt = now * 1_000 + (Math.floor(serial / 1_000) % 1_000)
    return this.#keep(textOf(key), new Connection({ serial, openedAt, maker: this.#maker }))
  }

  /** A connection for another process, if its client may go on from the response with this serial number. */
  find(key: string, serial: number): Connection | undefined {
    const connection = this.#here(key)
    return connection?.has(serial) === true ? connection : this.other.leaving(keyFrom(key), serial)
  }

  /** Goes on with a connection. Throws `M_UNKNOWN_POS` for a token from which it does not. */
  async resume(name: ConnectionKey, pos: string): Promise<Connection> {
    const key = textOf(name)
    const token = parseConnectionToken(pos)
    const connection = token && (await this.#find(name, token))
    if (token === undefined || connection?.resume(token.serial, token.positions) !== true) {
      throw new MatrixError('M_UNKNOWN_POS', 'This connection has ended: begin anew')
    }
    return this.#keep(key, connection)
  }

  /**
   * Keeps a connection in memory while a request is answered with it, until the answer is called: as long as that waits, it takes memory
   * anyway, and its client comes back at once. What it has been told counts anew then.
   */
  hold(name: ConnectionKey, connection: Connection): () => void {
    const key = textOf(name)
    // Another has been opened under its name.
    if (this.#here(key) !== connection) return () => undefined
    this.#idle.delete(key)
    const used = this.#used.get(key) ?? { connection, holders: 0 }
    used.holders += 1
    this.#used.set(key, used)
    return () => {
      used.holders -= 1
      if (used.holders > 0 || this.#used.get(key) !== used) return
      this.#used.delete(key)
      this.#rest(key, connection)
    }
  }

  async #find(name: ConnectionKey, token: ConnectionToken): Promise<Connection | undefined> {
    const { serial, positions } = token
    const key = textOf(name)
    const here = this.#used.get(key)?.connection ?? this.#idle.get(key)
    if (here?.has(serial) === true) return here
    const { elsewhere, stored, late } = this.other
    return (
      (await elsewhere(key, serial, positions.maker)) ??
      (await stored(name, token)) ??
      (await late(key, serial))
    )
  }

  #here(key: string): Connection | undefined {
    return this.#used.get(key)?.connection ?? this.#idle.peek(key)
  }

  #keep(key: string, connection: Connection): Connection {
    connection.usedTs = this.#now()
    const device = deviceOf(key)
    const keys = this.#ofDevice.get(device) ?? new Set()
    keys.delete(key)
    keys.add(key)
    this.#ofDevice.set(device, keys)
    for (const oldest of keys) {
      if (keys.size <= MAX_OF_DEVICE) break
      this.#used.delete(oldest)
      this.#idle.delete(oldest)
      this.#forget(oldest)
    }
    if (this.#used.get(key)?.connection === connection) return connection
    this.#used.delete(key)
    this.#rest(key, connection)
    return connection
  }

  #rest(key: string, connection: Connection): void {
    // An object that is there already would count as before.
    this.#idle.delete(key)
    this.#idle.set(key, connection)
  }

  #forget(key: string): void {
    const device = deviceOf(key)
    const keys = this.#ofDevice.get(device)
    keys?.delete(key)
    if (keys?.size === 0) this.#ofDevice.delete(device)
  }
}

/** Neither user IDs nor JSON hold line feeds; what devices are called may. */
const textOf = ({ userId, deviceId, name }: ConnectionKey): string => `${userId}\n${name}\n${deviceId}`

const keyFrom = (text: string): ConnectionKey => {
  const [userId = '', name = '', ...deviceId] = text.split('\n')
  return { userId, name, deviceId: deviceId.join('\n') }
}

const deviceOf = (text: string): string => {
  const { userId, deviceId } = keyFrom(text)
  return `${userId}\n${deviceId}`
}
