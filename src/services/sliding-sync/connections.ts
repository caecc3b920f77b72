import type { LRUCache } from 'lru-cache'
import { boundedCache } from '../../core/caches.ts'
import { MatrixError } from '../../core/errors.ts'
import { parseStreamToken } from '../../core/stream-token.ts'
import { Connection, serialOf } from './connection.ts'

/** Connections of one device; the one that was used least recently makes room. */
const MAX_OF_DEVICE = 8

/**
 * The connections of all devices, in memory: a client whose connection is gone, as after a restart, is told so and begins
 * anew ("a server may decide to expire connections"). Where there are several processes, a connection is in the memory of those that its
 * requests have come to lately; which of them knows the newest of it, tokens tell.
 */
export class Connections {
  /** Asks another process, the last to have answered, for a connection that is not here. */
  elsewhere: (key: string, serial: number, maker: number | undefined) => Promise<Connection | undefined> =
    async () => undefined
  readonly #random: () => number
  readonly #maker: number | undefined
  /** They count by the rooms that they have been told of. */
  readonly #byKey: LRUCache<string, Connection>
  readonly #ofDevice = new Map<string, Set<string>>()

  /**
   * @param random an integer that cannot be guessed, small enough to be counted up from
   * @param maker the number of this process, where there may be others
   */
  constructor(random: () => number, maker?: number) {
    this.#random = random
    this.#maker = maker
    this.#byKey = boundedCache('sliding_connections', {
      size: connection => connection.rooms.size + connection.known.activity.size + 1,
      dispose: (_, key, reason) => {
        if (reason !== 'set') this.#forget(key)
      },
    })
  }

  /** Begins a connection, in place of the one that went by this name before. */
  open(device: string, connectionId: string): Connection {
    return this.#keep(device, connectionId, new Connection(this.#random(), this.#maker))
  }

  /** A connection for another process, if its client may go on from the response with this serial number. */
  find(key: string, serial: number): Connection | undefined {
    const connection = this.#byKey.peek(key)
    return connection?.has(serial) === true ? connection : undefined
  }

  #keep(device: string, connectionId: string, connection: Connection): Connection {
    const key = keyOf(device, connectionId)
    this.#byKey.set(key, connection)
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

  /** Goes on with a connection. Throws `M_UNKNOWN_POS` for a token from which it does not. */
  async resume(device: string, connectionId: string, pos: string): Promise<Connection> {
    const key = keyOf(device, connectionId)
    const serial = serialOf(pos)
    const here = this.#byKey.get(key)
    const isElsewhere = here?.has(serial) !== true && Number.isSafeInteger(serial)
    const connection = isElsewhere ? await this.elsewhere(key, serial, parseStreamToken(pos)?.maker) : here
    if (connection?.resume(serial) !== true) {
      throw new MatrixError('M_UNKNOWN_POS', 'This connection has ended: begin anew')
    }
    // What it has been told counts anew.
    return this.#keep(device, connectionId, connection)
  }

  #forget(key: string): void {
    const device = key.slice(0, key.indexOf('\n'))
    const keys = this.#ofDevice.get(device)
    keys?.delete(key)
    if (keys?.size === 0) this.#ofDevice.delete(device)
  }
}

const keyOf = (device: string, connectionId: string): string => `${device}\n${connectionId}`
