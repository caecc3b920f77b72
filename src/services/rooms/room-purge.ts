import { serverNameOf } from '../../core/ids.ts'
import type { WriteStatement } from '../../storage/database.ts'
import { AbandonedRoomWriter } from '../../storage/rooms/abandoned-rooms.ts'
import { type PurgeCandidate, PurgeReader, type PurgeSize } from '../../storage/rooms/purge-reader.ts'
import { PurgeWriter } from '../../storage/rooms/purge-writer.ts'
import { PURGE_BATCH, type PurgeBound, PurgeScope } from './purge-scope.ts'
import type { RoomHead } from './room-head.ts'
import type { Draft, RoomsContext, RoomWriter, Settled } from './room-writer.ts'
import { BEGINNING } from './visible-ranges.ts'

/** What a purge takes away. */
interface Wanted extends PurgeBound {
  /** Messages of users of this server stay, outside of the timeline: there may be no other copy of them. */
  readonly keepsOwn?: boolean | undefined
}

/** A part of the purge of one room. */
interface Part {
  /** Events that go: messages, and state that is past and authorises nothing. */
  readonly gone: readonly number[]
  /** Events that stay, beside the timeline. */
  readonly kept: readonly { readonly nid: number; readonly position: number }[]
  readonly positions: readonly number[]
  readonly upTo: number
  readonly depth: number
  /** What was sent before (ms) and is no deeper belongs to what goes. */
  readonly before: number
  readonly bytes: number
  /** There is more to purge. */
  readonly isFull: boolean
}

/**
 * Purges the history of rooms: from the beginning of a room's timeline all goes that was sent before an instant, up to the
 * first event that was not, and never an end of the graph. Messages go altogether. State that still holds, or authorises
 * events, stays as what it is without being part of the timeline; states of before the boundary are forgotten. The
 * boundary is remembered: what is beyond it is not fetched back, nor taken when it comes again.
 */
export class RoomPurges {
  readonly #writer: RoomWriter
  readonly #context: RoomsContext
  readonly #read: PurgeReader
  readonly #scope: PurgeScope
  readonly #write: PurgeWriter
  readonly #removal: AbandonedRoomWriter

  constructor(writer: RoomWriter) {
    this.#writer = writer
    this.#context = writer.context
    this.#read = new PurgeReader(writer.context.db)
    this.#scope = new PurgeScope(writer.context.db, writer.context.clock)
    this.#write = new PurgeWriter(writer.context.db)
    this.#removal = new AbandonedRoomWriter(writer.context.db)
    const { processes, read } = writer.context
    processes.bulletin.on('purged', content => {
      const { roomNid, to } = content as { roomNid: number; to: number }
      read.events.forgetUpTo(roomNid, to)
    })
  }

  /**
   * Purges what is before a bound, in bounded parts; stops between two of them if `signal` says so. Answers what is gone. Rooms that
   * lack members, or are not known, are left alone.
   */
  async purge(
    room: { nid: number; roomId: string },
    wanted: Wanted,
    signal: AbortSignal,
  ): Promise<PurgeSize> {
    const total = { events: 0, bytes: 0 }
    // Most rooms have nothing to purge at most times: they are not written to.
    const first = await this.#scope.oldest(room.nid, BEGINNING, wanted, 1)
    if (first.candidates.length === 0) return total
    for (let isFull = true; isFull && !signal.aborted; ) {
      await this.#context.nids.ensure(1)
      const part = await this.#writer.update<Part | undefined>(
        room.roomId,
        head => this.#draft(head, wanted),
        { settled: true },
      )
      if (part === undefined) break
      this.#context.read.events.forget([...part.gone, ...part.kept.map(({ nid }) => nid)])
      total.events += part.gone.length
      total.bytes += part.bytes
      isFull = part.isFull
    }
    const to = await this.#sweep(room.nid)
    if (to !== undefined) await this.#context.processes.bulletin.post('purged', { roomNid: room.nid, to })
    return total
  }

  async #draft(head: RoomHead, wanted: Wanted): Promise<Draft<Part | undefined> | Settled<undefined>> {
    if (head.partial !== undefined) return { settled: undefined }
    const part = await this.#part(head.room.nid, wanted)
    if (part === undefined) return { settled: undefined }
    const { write, clock } = this.#context
    const { nid: roomNid } = head.room
    const { gone, kept, upTo, depth } = part
    const purged = {
      to: Math.max(upTo, head.purged?.to ?? upTo),
      depth: Math.max(depth, head.purged?.depth ?? depth),
      before: Math.max(part.before, head.purged?.before ?? part.before),
    }
    const unplaced = [...gone, ...kept.map(({ nid }) => nid)]
    const replies = (await this.#read.replies(unplaced)).flatMap(({ nid, parentId }) =>
      write.relations.remove({ nid, roomNid, relType: 'm.thread', parentId }),
    )
    head.purged = purged
    head.revision += 1
    const statements: WriteStatement[] = [
      this.#write.boundary(roomNid, purged),
      ...replies,
      write.messages.remove(unplaced),
      ...write.files.releaseOf(gone, clock.now()),
      ...this.#removal.removeEvents({ nids: gone, positions: part.positions }),
      ...this.#write.unplace(kept),
      ...this.#write.states(roomNid, upTo, unplaced),
    ]
    return { statements, nids: [], result: () => part }
  }

  async #part(roomNid: number, wanted: Wanted): Promise<Part | undefined> {
    const { candidates, isFull, maxDepth } = await this.#scope.oldest(roomNid, BEGINNING, wanted)
    const upTo = candidates.at(-1)?.position
    if (upTo === undefined) return undefined
    const states = candidates.filter(({ isState }) => isState)
    const past = [...new Set([...states.map(({ nid }) => nid), ...(await this.#read.ended(roomNid, upTo))])]
    const held = await this.#read.held(past, upTo)
    const stays = ({ isState, sender }: PurgeCandidate): boolean =>
      !isState && wanted.keepsOwn === true && serverNameOf(sender) === this.#context.serverName
    const gone = [
      ...candidates.filter(each => !each.isState && !stays(each)).map(({ nid }) => nid),
      ...past.filter(nid => !held.has(nid)),
    ]
    const goneSet = new Set(gone)
    return {
      gone,
      kept: candidates.filter(each => (each.isState ? held.has(each.nid) : stays(each))),
      positions: candidates.map(({ position }) => position),
      upTo,
      depth: Math.min(
        maxDepth,
        candidates.reduce((max, { depth }) => Math.max(max, depth), 0),
      ),
      before: candidates.reduce(
        (max, { ts }) => (wanted.position === undefined ? max : Math.max(max, ts + 1)),
        wanted.before,
      ),
      bytes: candidates.reduce((sum, { nid, bytes }) => sum + (goneSet.has(nid) ? bytes : 0), 0),
      isFull,
    }
  }

  /** Takes away what was never shown, and what is left of threads; answers how far the room is purged. */
  async #sweep(roomNid: number): Promise<number | undefined> {
    const { db, read, write, clock } = this.#context
    const [row] = await read.rooms.byNids([roomNid])
    if (row?.purged === undefined) return undefined
    const { to } = row.purged
    for (;;) {
      const hidden = await this.#read.hidden(roomNid, to, PURGE_BATCH)
      const nids = hidden.map(({ nid }) => nid)
      if (nids.length > 0) {
        const positions = hidden.map(({ position }) => position)
        await db.commit({
          statements: [
            write.messages.remove(nids),
            ...write.files.releaseOf(nids, clock.now()),
            ...this.#removal.removeEvents({ nids, positions }),
          ],
        })
        read.events.forget(nids)
      }
      if (nids.length < PURGE_BATCH) break
    }
    await db.commit({ statements: this.#write.threads(roomNid, to) })
    return to
  }
}
