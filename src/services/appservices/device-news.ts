import type { AppServiceReader } from '../../storage/appservices/app-services.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { Encryption } from '../encryption/index.ts'
import { membershipOf } from '../rooms/room-head.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'
import type { AppServiceAudience } from './audience.ts'

/** `device_lists` of a transaction (MSC3202). */
export interface DeviceLists {
  readonly changed: readonly string[]
  readonly left: readonly string[]
}

/** User ID → device ID → value. */
type ByDevice<T> = Record<string, Record<string, T>>

/** How many keys the devices of a service's users have left (MSC3202). */
export interface KeyCounts {
  readonly counts: ByDevice<Readonly<Record<string, number>>>
  readonly fallbackTypes: ByDevice<readonly string[]>
}

/** Finds out what a service that encrypts has to know of devices: others' and its own users'. */
export class DeviceNews {
  readonly #audience: AppServiceAudience
  readonly #context: RoomsContext
  readonly #encryption: Pick<Encryption, 'context' | 'deviceKeys'>
  readonly #read: AppServiceReader

  constructor(parts: {
    audience: AppServiceAudience
    context: RoomsContext
    encryption: Pick<Encryption, 'context' | 'deviceKeys'>
    read: AppServiceReader
  }) {
    this.#audience = parts.audience
    this.#context = parts.context
    this.#encryption = parts.encryption
    this.#read = parts.read
  }

  /**
   * Whose devices the service has to look at again: users it is interested in whose devices changed, with whom its
   * users came to share a room, or with whom none of them shares one any more.
   *
   * @param events the events of the same transaction
   */
  async lists(span: { after: number; upTo: number }, events: readonly StoredEvent[]): Promise<DeviceLists> {
    const changed = new Set<string>()
    const gone = new Set<string>()
    const { deviceLists } = this.#encryption.context.read
    for (const { userId, audience } of span.upTo > span.after
      ? await deviceLists.usersBetween(span.after, span.upTo)
      : []) {
      const isConcerned =
        audience === undefined ? await this.#isKnown(userId) : this.#audience.isOwn(audience)
      if (isConcerned) changed.add(userId)
    }
    for (const stored of events) await this.#moved(stored, changed, gone)
    for (const userId of gone) {
      if (await this.#isKnown(userId)) gone.delete(userId)
      else changed.delete(userId)
    }
    return { changed: [...changed], left: [...gone] }
  }

  /**
   * What the users that a transaction concerns have left: those in rooms with an encrypted event, and those who get
   * messages to their devices.
   */
  async keyCounts(events: readonly StoredEvent[], recipients: Iterable<string>): Promise<KeyCounts> {
    const users = new Set(recipients)
    const encrypted = events.filter(({ event }) => event.type === 'm.room.encrypted')
    for (const roomNid of new Set(encrypted.map(stored => stored.roomNid)))
      for (const userId of await this.#audience.members(roomNid)) users.add(userId)
    const counts: ByDevice<Readonly<Record<string, number>>> = {}
    const fallbackTypes: ByDevice<readonly string[]> = {}
    for (const { userId, deviceId } of await this.#read.devicesOf([...users])) {
      const left = await this.#encryption.deviceKeys.left(userId, deviceId)
      counts[userId] = { ...counts[userId], [deviceId]: left.counts }
      fallbackTypes[userId] = { ...fallbackTypes[userId], [deviceId]: left.unusedFallbackTypes }
    }
    return { counts, fallbackTypes }
  }

  async #isKnown(userId: string): Promise<boolean> {
    if (this.#audience.isOwn(userId)) return true
    for (const { roomNid } of await this.#context.read.memberships.ofUser(userId, ['join']))
      if ((await this.#audience.members(roomNid)).length > 0) return true
    return false
  }

  async #moved(stored: StoredEvent, changed: Set<string>, gone: Set<string>): Promise<void> {
    const { event, roomNid } = stored
    if (event.type !== 'm.room.member' || event.stateKey === undefined) return
    const isIn = membershipOf(event) === 'join'
    const others = this.#audience.isOwn(event.stateKey)
      ? (await this.#encryption.context.read.companions.ofRoom(roomNid, Number.MAX_SAFE_INTEGER)).map(
          ({ userId }) => userId,
        )
      : [event.stateKey]
    for (const userId of others) {
      if (this.#audience.isOwn(userId)) continue
      if (isIn) changed.add(userId)
      else gone.add(userId)
    }
  }
}
