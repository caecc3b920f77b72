import type { PushSourceReader } from '../../storage/push/push-source.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import { membershipOf } from '../rooms/room-head.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'

/** Finds out which earlier notifications are taken back by what has happened since. */
export class Undoing {
  readonly #context: RoomsContext
  readonly #source: PushSourceReader

  constructor(context: RoomsContext, source: PushSourceReader) {
    this.#context = context
    this.#source = source
  }

  /** The positions of the events that these have redacted, asked of the database: the cache may not know yet. */
  async redacted(redactions: readonly StoredEvent[]): Promise<number[]> {
    if (redactions.length === 0) return []
    return this.#source.redacted(
      redactions.flatMap(({ event }) => event.redacts ?? []),
      redactions.map(({ nid }) => nid),
    )
  }

  /**
   * The positions of events of rooms that have come to know all their members: by these some were judged anew, and found to be
   * nothing to show; with the rooms.
   */
  async hidden(after: number, upTo: number): Promise<{ positions: number[]; roomNids: number[] }> {
    const found: { positions: number[]; roomNids: number[] } = { positions: [], roomNids: [] }
    for (const { roomNid, joinedAt, completedAt } of await this.#context.read.partial.changedBetween(
      after,
      upTo,
    )) {
      if (completedAt === undefined || completedAt <= after || completedAt > upTo) continue
      found.positions.push(...(await this.#source.hidden(roomNid, joinedAt, completedAt)))
      found.roomNids.push(roomNid)
    }
    return found
  }

  /** Local users who have left a room, or come to it: what was there before does not count for them. */
  async cleared(
    roomNids: readonly number[],
    after: number,
    upTo: number,
  ): Promise<{ userId: string; roomNid: number; upTo: number }[]> {
    if (roomNids.length === 0) return []
    const { serverName } = this.#context
    const cleared: { userId: string; roomNid: number; upTo: number }[] = []
    for (const { roomNid, userId, position } of await this.#source.memberChanges(
      roomNids,
      { after, upTo },
      serverName,
    )) {
      const stayed =
        (await this.#isJoined(roomNid, userId, position)) &&
        (await this.#isJoined(roomNid, userId, position - 1))
      if (!stayed) cleared.push({ userId, roomNid, upTo: position })
    }
    return cleared
  }

  async #isJoined(roomNid: number, userId: string, position: number): Promise<boolean> {
    const { read } = this.#context
    const nid = await read.state.point(roomNid, 'm.room.member', userId, position)
    const [member] = nid === undefined ? [] : await read.events.byNids([nid])
    return member !== undefined && membershipOf(member.event) === 'join'
  }
}
