import type { LRUCache } from 'lru-cache'
import { boundedCache } from '../../core/caches.ts'
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
  /** Is told of one that goes from memory. */
  readonly leave: (key: ConnectionKey, connection: Connection) => void
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
    leave: () => undefined,
  }
  readonly #random: () => number
  readonly #now: () => number
  readonly #maker: number | undefined
  /** They count by the rooms that they have been told of. */
  readonly #byKey: LRUCache<string, Connection>
  readonly #ofDevice = new Map<string, Set<string>>()

  /**
   * @param parts.random an integer that cannot be guessed, small enough to be counted up from
   * @param parts.now milliseconds since 1970
   * @param parts.maker the number of this process, where there may be others
   * @param parts.max how many rooms there may be in all, instead of what the cache's share allows
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
    this.#byKey = boundedCache('sliding_connections', {
      max: parts.max,
      size: connection => connection.rooms.size + connection.known.activity.size + 1,
      dispose: (connection, key, reason) => {
        if (reason === 'evict') this.other.leave(keyFrom(key), connection)
        if (reason !== 'set') this.#forget(key)
      },
    })
  }

  /** Those in memory, the one first that was used last. */
  *all(): Iterable<readonly [key: ConnectionKey, connection: Connection]> {
    for (const [key, connection] of this.#byKey.entries()) yield [keyFrom(key), connection]
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
    const connection = this.#byKey.peek(key)
    return connection?.has(serial) === true ? connection : undefined
  }

  /** Goes on with a connection. Throws `M_UNKNOWN_POS` for a token from which it does not. */
  async resume(name: ConnectionKey, pos: string): Promise<Connection> {
    const key = textOf(name)
    const token = parseConnectionToken(pos)
    const connection = token && (await this.#find(name, token))
    if (token === undefined || connection?.resume(token.serial, token.positions) !== true) {
      throw new MatrixError('M_UNKNOWN_POS', 'This connection has ended: begin anew')
    }
    // What it has been told counts anew.
    return this.#keep(key, connection)
  }

  async #find(name: ConnectionKey, token: ConnectionToken): Promise<Connection | undefined> {
    const { serial, positions } = token
    const key = textOf(name)
    const here = this.#byKey.get(key)
    if (here?.has(serial) === true) return here
    const { elsewhere, stored } = this.other
    return (await elsewhere(key, serial, positions.maker)) ?? (await stored(name, token))
  }

  #keep(key: string, connection: Connection): Connection {
    connection.usedTs = this.#now()
    this.#byKey.set(key, connection)
    const device = deviceOf(key)
    const keys = this.#ofDevice.get(device) ?? new Set()
    keys.delete(key)
    keys.add(key)
    this.#ofDevice.set(device, keys)
    for (const oldest of keys) {
      if (keys.size <= MAX_OF_DEVICE) break
      this.#byKey.delete(oldest)
    }
    return connection
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
