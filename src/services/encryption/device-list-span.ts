import type { RecentMember } from '../../storage/encryption/device-list-changes.ts'
import { membershipOf } from '../rooms/room-head.ts'
import type { EncryptionContext } from './context.ts'

/** A stretch of the two streams that device lists depend on. */
export interface DeviceListSpan {
  readonly deviceLists: { readonly after: number; readonly upTo: number }
  readonly events: { readonly after: number; readonly upTo: number }
}

/** The `device_lists` of `/sync`. */
export interface DeviceListNews {
  /** Users who share a room with the user and whose devices changed, or with whom a room came to be shared. */
  readonly changed: readonly string[]
  /** Users with whom a room was shared, and none is now. */
  readonly left: readonly string[]
}

/** Beyond that, of several changes of a user only the newest is known. */
const KEPT_MS = 60 * 86_400_000

const NOTHING: DeviceListNews = { changed: [], left: [] }

/**
 * Finds out whose devices a user has to look at again. What has changed since then is told as it is now: whoever came
 * and went in between is told of the next time.
 */
export class DeviceListSpans {
  readonly #context: EncryptionContext

  constructor(context: EncryptionContext) {
    this.#context = context
  }

  async news(userId: string, { deviceLists, events }: DeviceListSpan): Promise<DeviceListNews> {
    const { read } = this.#context
    const changed = new Set(
      deviceLists.upTo > deviceLists.after
        ? await read.deviceLists.changedFor(userId, deviceLists.after, deviceLists.upTo)
        : [],
    )
    if (events.upTo <= events.after) return changed.size === 0 ? NOTHING : { changed: [...changed], left: [] }
    const gone = new Set<string>()
    await this.#ownMoves(userId, events, changed, gone)
    await this.#othersMoves(userId, events, changed, gone)
    await this.#newlyKnown(userId, events, changed)
    gone.delete(userId)
    const sharing = await read.deviceLists.sharing(userId, [...gone])
    const left = [...gone].filter(other => !sharing.has(other))
    for (const other of left) changed.delete(other)
    return { changed: [...changed], left }
  }

  /** Forgets changes that nobody will ask for any more. */
  async expire(): Promise<void> {
    const { write, clock } = this.#context
    await this.#context.commit([write.deviceLists.expire(clock.now() - KEPT_MS)])
  }

  /** The user's own joining and leaving: everybody in the room is concerned. */
  async #ownMoves(
    userId: string,
    { after, upTo }: DeviceListSpan['events'],
    changed: Set<string>,
    gone: Set<string>,
  ): Promise<void> {
    const { read, rooms } = this.#context
    for (const row of await rooms.memberships.changed(userId, after, upTo)) {
      const was = await this.#wasJoined(row.roomNid, userId, after)
      const is = row.membership === 'join'
      if (was === is) continue
      for (const member of await read.deviceLists.ofRoom(row.roomNid, after)) {
        if (member.userId === userId) continue
        if (is && member.membership === 'join') changed.add(member.userId)
        else if (!is && (await this.#sharedBefore(member, after))) gone.add(member.userId)
      }
    }
  }

  /** Others' joining and leaving in rooms that the user is in. */
  async #othersMoves(
    userId: string,
    { after, upTo }: DeviceListSpan['events'],
    changed: Set<string>,
    gone: Set<string>,
  ): Promise<void> {
    for (const member of await this.#context.read.deviceLists.companions(userId, after, upTo)) {
      const was = await this.#wasJoined(member.roomNid, member.userId, after)
      const is = member.membership === 'join'
      if (is && !was) changed.add(member.userId)
      else if (!is && was) gone.add(member.userId)
    }
  }

  /**
   * Members of whom this server was not told when it joined: they were there, but nobody here knew that a room was shared
   * with them, nor heard of their devices.
   */
  async #newlyKnown(
    userId: string,
    { after, upTo }: DeviceListSpan['events'],
    changed: Set<string>,
  ): Promise<void> {
    const { read, rooms } = this.#context
    for (const { roomNid } of await rooms.partial.completedBetween(after, upTo)) {
      const own = await rooms.memberships.one(userId, roomNid)
      if (own?.membership !== 'join') continue
      for (const member of await read.deviceLists.ofRoom(roomNid, upTo)) {
        if (member.membership === 'join' && member.userId !== userId) changed.add(member.userId)
      }
    }
  }

  async #sharedBefore(member: RecentMember, position: number): Promise<boolean> {
    if (member.membership === 'join' && member.position <= position) return true
    return this.#wasJoined(member.roomNid, member.userId, position)
  }

  async #wasJoined(roomNid: number, userId: string, position: number): Promise<boolean> {
    const { state, events } = this.#context.rooms
    const nid = await state.point(roomNid, 'm.room.member', userId, position)
    const [stored] = nid === undefined ? [] : await events.byNids([nid])
    return stored !== undefined && membershipOf(stored.event) === 'join'
  }
}
