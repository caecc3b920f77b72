import type { AppServiceReader } from '../../storage/appservices/app-services.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { DeviceListSpan } from '../encryption/device-list-span.ts'
import type { Encryption } from '../encryption/index.ts'
import { type EventSpan, type RoomMember, type Stay, Stays } from '../encryption/stays.ts'
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
  readonly #encryption: Pick<Encryption, 'context' | 'keysLeft'>
  readonly #read: AppServiceReader
  readonly #stays: Stays

  constructor(parts: {
    audience: AppServiceAudience
    context: RoomsContext
    encryption: Pick<Encryption, 'context' | 'keysLeft'>
    read: AppServiceReader
  }) {
    this.#audience = parts.audience
    this.#context = parts.context
    this.#encryption = parts.encryption
    this.#read = parts.read
    this.#stays = new Stays(parts.context.read)
  }

  /**
   * Whose devices the service has to look at again: users it is interested in whose devices changed, with whom its
   * users came to share a room, or with whom none of them shares one any more.
   */
  async lists({ deviceLists, events }: DeviceListSpan): Promise<DeviceLists> {
    const changed = new Set<string>()
    const gone = new Set<string>()
    const { read } = this.#encryption.context
    for (const { userId, audience } of deviceLists.upTo > deviceLists.after
      ? await read.deviceLists.usersBetween(deviceLists.after, deviceLists.upTo)
      : []) {
      const isConcerned =
        audience === undefined ? await this.#isKnown(userId) : this.#audience.isOwn(audience)
      if (isConcerned) changed.add(userId)
    }
    if (events.upTo > events.after) await this.#moved(events, changed, gone)
    for (const userId of gone) {
      if (await this.#isKnown(userId)) gone.delete(userId)
      else changed.delete(userId)
    }
    return { changed: [...changed], left: [...gone] }
  }

  /**
   * What the users that a transaction concerns have left: those in rooms that are or become encrypted, who come into a room or
   * are invited, whose own devices changed, and those who get messages to their devices. A service may upload the first keys
   * of a device only when it hears that there are none: before somebody encrypts for it.
   */
  async keyCounts(
    events: readonly StoredEvent[],
    recipients: Iterable<string>,
    { changed }: Pick<DeviceLists, 'changed'>,
  ): Promise<KeyCounts> {
    const users = new Set([...recipients, ...changed.filter(userId => this.#audience.isOwn(userId))])
    const rooms = new Set<number>()
    for (const { event, roomNid } of events) {
      if (event.type === 'm.room.encrypted' || event.type === 'm.room.encryption') rooms.add(roomNid)
      else if (event.type === 'm.room.member' && event.stateKey !== undefined) {
        const isComing = ['join', 'invite'].includes(membershipOf(event) ?? '')
        if (isComing && this.#audience.isOwn(event.stateKey)) users.add(event.stateKey)
      }
    }
    for (const roomNid of rooms) for (const userId of await this.#audience.members(roomNid)) users.add(userId)
    const counts: ByDevice<Readonly<Record<string, number>>> = {}
    const fallbackTypes: ByDevice<readonly string[]> = {}
    for (const { userId, deviceId } of await this.#read.devicesOf([...users])) {
      const left = await this.#encryption.keysLeft.read({ userId, deviceId })
      counts[userId] = { ...counts[userId], [deviceId]: left.counts }
      fallbackTypes[userId] = { ...fallbackTypes[userId], [deviceId]: left.unusedFallbackTypes }
    }
    return { counts, fallbackTypes }
  }

  async #isKnown(userId: string): Promise<boolean> {
    if (this.#audience.isOwn(userId)) return true
    const rooms = await this.#context.read.memberships.ofUser(userId, ['join'])
    for (const { roomNid } of rooms) if ((await this.#audience.members(roomNid)).length > 0) return true
    return (await this.#audience.named(rooms.map(({ roomId }) => roomId))).size > 0
  }

  /** Who came or went, be it by an event of theirs or as states were resolved, and who came to be known. */
  async #moved(span: EventSpan, changed: Set<string>, gone: Set<string>): Promise<void> {
    const { companions } = this.#encryption.context.read
    const moves = await this.#context.read.memberMoves.between(span.after, span.upTo)
    for (const [roomNid, inRoom] of Map.groupBy(moves, one => one.roomNid)) {
      const movers = [...new Map(inRoom.map(one => [one.userId, one])).values()]
      const [own, others] = [movers.filter(one => this.#isOwn(one)), movers.filter(one => !this.#isOwn(one))]
      const stays: Stay[] = []
      for (const member of own) stays.push(await this.#stays.over(member, span))
      if (stays.some(stay => stay.isUnbroken) || (await this.#isFollowed(roomNid, own))) {
        for (const member of others) {
          const move = await this.#stays.move(member, span)
          if (move === 'came') changed.add(member.userId)
          else if (move === 'went') gone.add(member.userId)
        }
      } else await this.#ownMoved(roomNid, stays, span, { changed, gone })
    }
    for (const { roomNid } of await this.#context.read.partial.completedBetween(span.after, span.upTo)) {
      if (!(await this.#isFollowed(roomNid, []))) continue
      for (const member of await companions.ofRoom(roomNid, span.upTo))
        if (member.membership === 'join' && !this.#isOwn(member)) changed.add(member.userId)
    }
  }

  /** The service's users came into a room in which none of them was all the time, or left it: everybody there is concerned. */
  async #ownMoved(
    roomNid: number,
    stays: readonly Stay[],
    span: EventSpan,
    { changed, gone }: { changed: Set<string>; gone: Set<string> },
  ): Promise<void> {
    const [was, is] = [stays.some(stay => stay.was), stays.some(stay => stay.is)]
    if (!was && !is) return
    for (const member of await this.#encryption.context.read.companions.ofRoom(roomNid, span.after)) {
      if (this.#isOwn(member)) continue
      if (is && member.membership === 'join') changed.add(member.userId)
      else if (was && (await this.#stays.wasIn(member, span.after))) gone.add(member.userId)
    }
  }

  /** Whether the service is interested in a room apart from these of its users. */
  async #isFollowed(roomNid: number, except: readonly RoomMember[]): Promise<boolean> {
    const { companions } = this.#encryption.context.read
    const locals = await companions.ofHost(roomNid, this.#context.serverName)
    if (locals.some(one => this.#isOwn(one) && !except.some(({ userId }) => userId === one.userId)))
      return true
    const [room] = await this.#context.read.rooms.byNids([roomNid])
    return room !== undefined && (await this.#audience.isNamed(room.roomId))
  }

  #isOwn({ userId }: Pick<RoomMember, 'userId'>): boolean {
    return this.#audience.isOwn(userId)
  }
}
