import type { Clock } from '../../core/clock.ts'
import type { Reader } from '../../storage/database.ts'
import { type PurgeCandidate, PurgeReader, type PurgeSize } from '../../storage/rooms/purge-reader.ts'
import { BEGINNING } from './visible-ranges.ts'

/** Events looked at, and taken away, at once. */
export const PURGE_BATCH = 500

/** Clocks go wrong: what claims to have been sent later than this from now holds nothing else back. Milliseconds. */
const MAX_AHEAD_MS = 86_400_000

/** What a purge would take away; also the files that nothing else shows. */
export interface PurgeEstimate extends PurgeSize {
  readonly files: number
  readonly fileBytes: number
}

/** How far a purge goes. */
export interface PurgeBound {
  /** What was sent before (ms since 1970); */
  readonly before: number
  /** if given, instead all that stands before this position, whenever it claims to have been sent. */
  readonly position?: number | undefined
}

/** Events that may go, oldest first. */
interface Stretch {
  readonly candidates: readonly PurgeCandidate[]
  /** There may be more. */
  readonly isFull: boolean
  /** No event that belongs beyond the boundary is deeper than this. */
  readonly maxDepth: number
}

/** Knows what the purge of a room's history takes away; changes nothing. */
export class PurgeScope {
  readonly #read: PurgeReader
  readonly #clock: Pick<Clock, 'now'>

  constructor(db: Reader, clock: Pick<Clock, 'now'>) {
    this.#read = new PurgeReader(db)
    this.#clock = clock
  }

  /**
   * The oldest events after a position that may go: all up to the first that is beyond the bound, or that is an end of the graph.
   */
  async oldest(roomNid: number, after: number, bound: PurgeBound, limit = PURGE_BATCH): Promise<Stretch> {
    const end = await this.#read.lowestEnd(roomNid)
    if (end === undefined) return { candidates: [], isFull: false, maxDepth: 0 }
    const oldest = await this.#read.oldest(roomNid, after, limit)
    const latest = this.#clock.now() + MAX_AHEAD_MS
    const isBeyond = ({ position, ts }: PurgeCandidate): boolean =>
      bound.position === undefined ? ts >= bound.before && ts <= latest : position >= bound.position
    const stays = oldest.findIndex(each => each.position >= end.position || isBeyond(each))
    return {
      candidates: stays === -1 ? oldest : oldest.slice(0, stays),
      isFull: stays === -1 && oldest.length === limit,
      maxDepth: Math.max(0, end.depth - 1),
    }
  }

  /** What a purge would take away of messages. `before`: milliseconds since 1970. */
  async estimate(roomNid: number, before: number): Promise<PurgeEstimate> {
    let [events, bytes, upTo] = [0, 0, BEGINNING]
    for (let isFull = true; isFull; ) {
      const part = await this.oldest(roomNid, upTo, { before })
      for (const one of part.candidates) {
        if (one.isState) continue
        events += 1
        bytes += one.bytes
      }
      upTo = part.candidates.at(-1)?.position ?? upTo
      isFull = part.isFull
    }
    const { files, bytes: fileBytes } = await this.#read.files(roomNid, upTo)
    return { events, bytes, files, fileBytes }
  }
}
