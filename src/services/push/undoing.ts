import type { RoomPlace } from '../../storage/push/push-action.ts'
import type { PushSourceReader } from '../../storage/push/push-source.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import { EventsOfSender } from '../../storage/rooms/events-of-sender.ts'
import { asksForRedaction } from '../rooms/redact-on-ban.ts'
import { membershipOf } from '../rooms/room-head.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'
import type { RoomAudiences } from './room-audience.ts'

/** What rooms that have come to know all their members have notified of in vain. */
export interface Hidden {
  /** Where the events stand that were found to be nothing to show. */
  readonly places: readonly RoomPlace[]
  /** Those that are shown, and whom they are not. */
  readonly unseen: readonly (RoomPlace & { readonly userId: string })[]
  readonly roomNids: readonly number[]
}

/** Somebody for whom nothing of a room counts up to a position, where they have left it or come to it. */
export interface Cleared {
  readonly userId: string
  readonly roomNid: number
  readonly upTo: number
  /** They have come. */
  readonly isThere: boolean
}

/** Finds out which earlier notifications are taken back by what has happened since. */
export class Undoing {
  readonly #context: RoomsContext
  readonly #source: PushSourceReader
  readonly #sent: EventsOfSender
  readonly #audiences: Pick<RoomAudiences, 'blind'>

  constructor(context: RoomsContext, source: PushSourceReader, audiences: Pick<RoomAudiences, 'blind'>) {
    this.#context = context
    this.#source = source
    this.#sent = new EventsOfSender(context.db)
    this.#audiences = audiences
  }

  /** Where the events stand that these have redacted, asked of the database: the cache may not know yet. */
  async redacted(redactions: readonly StoredEvent[]): Promise<RoomPlace[]> {
    if (redactions.length === 0) return []
    const named = await this.#source.redacted(
      redactions.flatMap(({ event }) => event.redacts ?? []),
      redactions.map(({ nid }) => nid),
    )
    const removed = await Promise.all(redactions.map(removal => this.#ofRemoved(removal)))
    return [...named, ...removed.flat()]
  }

  /** What was redacted by a kick or ban of whom had sent it (MSC4293). */
  async #ofRemoved({ event, roomNid, nid, position }: StoredEvent): Promise<RoomPlace[]> {
    const { stateKey: sender } = event
    if (sender === undefined || position === undefined || !asksForRedaction(event)) return []
    const redacted = await this.#sent.redacted({ roomNid, sender }, { nid, position })
    return redacted.map(one => ({ roomNid, position: one.position }))
  }

  /**
   * What was judged anew as rooms have come to know all their members: some events are found to be nothing to show, and others to
   * lie on a branch on which somebody was not in the room, who was taken to be there.
   */
  async hidden(after: number, upTo: number): Promise<Hidden> {
    const places: RoomPlace[] = []
    const unseen: Hidden['unseen'][number][] = []
    const roomNids: number[] = []
    for (const { roomNid, joinedAt, completedAt } of await this.#context.read.partial.changedBetween(
      after,
      upTo,
    )) {
      if (completedAt === undefined || completedAt <= after || completedAt > upTo) continue
      for (const position of await this.#source.hidden(roomNid, joinedAt, completedAt))
        places.push({ roomNid, position })
      unseen.push(...(await this.#unseen(roomNid, joinedAt, completedAt)))
      roomNids.push(roomNid)
    }
    return { places, unseen, roomNids }
  }

  async #unseen(roomNid: number, after: number, upTo: number): Promise<Hidden['unseen']> {
    const { read, serverName } = this.#context
    const unseen: Hidden['unseen'][number][] = []
    const nids = await this.#source.forkedFor(roomNid, { after, upTo }, serverName)
    for (const stored of await read.events.byNids(nids)) {
      const { position = 0 } = stored
      for (const userId of await this.#audiences.blind(stored)) unseen.push({ userId, roomNid, position })
    }
    return unseen
  }

  /** Local users who have left a room, or come to it: what was there before does not count for them. */
  async cleared(roomNids: readonly number[], after: number, upTo: number): Promise<Cleared[]> {
    if (roomNids.length === 0) return []
    const { serverName } = this.#context
    const cleared: Cleared[] = []
    for (const { roomNid, userId, position } of await this.#source.memberChanges(
      roomNids,
      { after, upTo },
      serverName,
    )) {
      const isThere = await this.#isJoined(roomNid, userId, position)
      const stayed = isThere && (await this.#isJoined(roomNid, userId, position - 1))
      if (!stayed) cleared.push({ userId, roomNid, upTo: position, isThere })
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
