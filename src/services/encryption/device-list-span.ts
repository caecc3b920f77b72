import { isCompliantUserId } from '../../core/ids.ts'
import type { EncryptionContext } from './context.ts'
import { type EventSpan, Stays } from './stays.ts'

/** A stretch of the two streams that device lists depend on. */
export interface DeviceListSpan {
  readonly deviceLists: { readonly after: number; readonly upTo: number }
  readonly events: EventSpan
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

/** Memberships tell of their last change alone: whoever has moved later as well may have moved in the span. */
const END = Number.MAX_SAFE_INTEGER

const NOTHING: DeviceListNews = { changed: [], left: [] }

/** Servers "SHOULD NOT forward" non-compliant user IDs "to clients when referenced outside the context of an event". */
const told = (changed: Iterable<string>, left: readonly string[]): DeviceListNews => ({
  changed: [...changed].filter(isCompliantUserId),
  left: left.filter(isCompliantUserId),
})

/**
 * Finds out whose devices a user has to look at again. What has changed since then is told as it is now: whoever came
 * and went in between is told of the next time.
 */
export class DeviceListSpans {
  readonly #context: EncryptionContext
  readonly #stays: Stays

  constructor(context: EncryptionContext) {
    this.#context = context
    this.#stays = new Stays(context.rooms)
  }

  async news(userId: string, { deviceLists, events }: DeviceListSpan): Promise<DeviceListNews> {
    const { read } = this.#context
    const changed = new Set(
      deviceLists.upTo > deviceLists.after
        ? await read.deviceLists.changedFor(userId, deviceLists.after, deviceLists.upTo)
        : [],
    )
    if (events.upTo <= events.after) return changed.size === 0 ? NOTHING : told(changed, [])
    const gone = new Set<string>()
    await this.#ownMoves(userId, events, changed, gone)
    await this.#othersMoves(userId, events, changed, gone)
    await this.#newlyKnown(userId, events, changed)
    gone.delete(userId)
    const sharing = await read.companions.sharing(userId, [...gone])
    const left = [...gone].filter(other => !sharing.has(other))
    for (const other of left) changed.delete(other)
    return told(changed, left)
  }

  /** Forgets changes that nobody will ask for any more. */
  async expire(): Promise<void> {
    const { write, clock } = this.#context
    await this.#context.commit([write.deviceLists.expire(clock.now() - KEPT_MS)])
  }

  /** The user's own joining and leaving: everybody in the room is concerned. */
  async #ownMoves(userId: string, events: EventSpan, changed: Set<string>, gone: Set<string>): Promise<void> {
    const { read, rooms } = this.#context
    for (const row of await rooms.memberships.changed(userId, events.after, END)) {
      const move = await this.#stays.move(row, events)
      if (move === undefined) continue
      for (const member of await read.companions.ofRoom(row.roomNid, events.after)) {
        if (member.userId === userId) continue
        if (move === 'came' && member.membership === 'join') changed.add(member.userId)
        else if (move === 'went' && (await this.#stays.wasIn(member, events.after))) gone.add(member.userId)
      }
    }
  }

  /** Others' joining and leaving in rooms that the user is in. */
  async #othersMoves(
    userId: string,
    events: EventSpan,
    changed: Set<string>,
    gone: Set<string>,
  ): Promise<void> {
    for (const member of await this.#context.read.companions.moved(userId, events.after)) {
      const move = await this.#stays.move(member, events)
      if (move === 'came') changed.add(member.userId)
      else if (move === 'went') gone.add(member.userId)
    }
  }

  /**
   * Members of whom this server was not told when it joined: they were there, but nobody here knew that a room was shared
   * with them, nor heard of their devices.
   */
  async #newlyKnown(userId: string, { after, upTo }: EventSpan, changed: Set<string>): Promise<void> {
    const { read, rooms } = this.#context
    for (const { roomNid } of await rooms.partial.completedBetween(after, upTo)) {
      const own = await rooms.memberships.one(userId, roomNid)
      if (own?.membership !== 'join') continue
      for (const member of await read.companions.ofRoom(roomNid, upTo)) {
        if (member.membership === 'join' && member.userId !== userId) changed.add(member.userId)
      }
    }
  }
}
