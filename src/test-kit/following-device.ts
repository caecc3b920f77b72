/** A device that follows others' devices as the specification asks of clients ("Tracking the device list for a user"). */
import type { QueryResponse } from '../services/encryption/key-query.ts'
import type { CryptoServer, EncryptionWorld } from './encryption-world.ts'

/** What an answer says of a user: their devices, and their identity. */
export const keysIn = (
  { device_keys: devices, master_keys: masters, self_signing_keys: selfSigning }: QueryResponse,
  userId: string,
) => ({
  devices: devices[userId] ?? {},
  master: masters[userId],
  selfSigning: selfSigning[userId],
})

/** What a device has received, in order. */
export interface Received {
  readonly sender: string
  readonly n: unknown
}

export class FollowingDevice {
  readonly userId: string
  readonly deviceId: string
  readonly received: Received[] = []
  readonly #world: EncryptionWorld
  readonly #host: string
  /** User → keys as they were last answered; nothing else is ever known of them. */
  readonly #lists = new Map<string, unknown>()
  readonly #outdated = new Set<string>()
  #token: { deviceLists: number; events: number; toDevice: number } | undefined

  constructor(world: EncryptionWorld, { userId, deviceId }: { userId: string; deviceId: string }) {
    this.#world = world
    this.userId = userId
    this.deviceId = deviceId
    this.#host = userId.slice(userId.indexOf(':') + 1)
  }

  /** As it is now: servers are started anew. */
  get server(): CryptoServer {
    return this.#world.server(this.#host)
  }

  /** One `/sync`. */
  async sync(): Promise<void> {
    const { encryption, database } = this.server
    const after = this.#token
    const upTo = {
      deviceLists: database.position('device_lists'),
      events: database.position('events'),
      toDevice: database.position('to_device'),
    }
    if (after !== undefined) {
      const { changed, left } = await encryption.deviceListSpans.news(this.userId, {
        deviceLists: { after: after.deviceLists, upTo: upTo.deviceLists },
        events: { after: after.events, upTo: upTo.events },
      })
      for (const userId of changed) if (this.#lists.has(userId)) this.#outdated.add(userId)
      for (const userId of left) this.#lists.delete(userId)
      await encryption.toDevice.acknowledge(this.userId, this.deviceId, after.toDevice)
    }
    const span = { after: after?.toDevice ?? 0, upTo: upTo.toDevice }
    const waiting = await encryption.toDevice.waiting(this.userId, this.deviceId, span, 1_000)
    for (const { sender, content } of waiting) this.received.push({ sender, n: JSON.parse(content).n })
    this.#token = upTo
  }

  /** Asks for whatever it needs to encrypt for everybody it shares a room with; answers to whose devices it would. */
  async lists(): Promise<ReadonlyMap<string, unknown>> {
    const { encryption } = this.server
    const companions = await this.#companions()
    const wanted = companions.filter(userId => !this.#lists.has(userId) || this.#outdated.has(userId))
    const asked = Object.fromEntries(wanted.map(userId => [userId, []]))
    for (const userId of wanted) this.#outdated.delete(userId)
    const answer = await encryption.keyQueries.query(this.userId, asked, undefined)
    for (const userId of wanted) {
      const isAnswered = answer.failures[userId.slice(userId.indexOf(':') + 1)] === undefined
      if (isAnswered) this.#lists.set(userId, keysIn(answer, userId))
      else this.#outdated.add(userId)
    }
    return new Map(companions.map(userId => [userId, this.#lists.get(userId)]))
  }

  async #companions(): Promise<string[]> {
    const { database } = this.server
    const rows = await database.all<{ user_id: string }>(
      database.prepare(
        `SELECT DISTINCT b.user_id FROM memberships a JOIN memberships b ON b.room_nid = a.room_nid
         WHERE a.user_id = ? AND a.membership = 'join' AND b.membership = 'join' ORDER BY b.user_id`,
      ),
      [this.userId],
    )
    return rows.map(row => row.user_id)
  }
}
