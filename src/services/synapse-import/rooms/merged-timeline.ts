import { positionOf } from '../../../storage/synapse/rooms/positions.ts'
import type { SynapseRooms, TimelineRow } from '../../../storage/synapse/rooms/room-reader.ts'

/** An event, and where it stands here. */
export interface PlacedRow extends TimelineRow {
  readonly position: number
}

/** How far a room's timeline was gone through: what an interrupted import goes on from. */
export interface TimelineCursor {
  /** In the stream of Synapse. */
  readonly live: number
  readonly pastDepth: string
  readonly pastStream: number
  /** How many events of the past that were. */
  readonly pastTaken: number
  /** Of the last event. */
  readonly position: number | undefined
  /** The greatest of those that have come while Synapse was in the room; decimal. */
  readonly depth: string
}

export const BEGINNING: TimelineCursor = {
  ...{ live: 0, pastDepth: '-9223372036854775808', pastStream: Number.MIN_SAFE_INTEGER, pastTaken: 0 },
  ...{ position: undefined, depth: '-1' },
}

/** Where the past of a room stands that is before everything else. */
export interface PastGround {
  /** Positions up to this one, counted into the past, belong to other rooms. */
  readonly base: number
  /** Events of the past of this room. */
  readonly count: number
}

/** Each event of the past has a position before it for a state. */
const STEP = 2
/** What the past of a room takes of the positions. */
export const groundTaken = ({ count }: PastGround): number => STEP * (count + 1)

/**
 * A room's timeline in one order: what came while Synapse was in the room, as it came; and what it has fetched of the past, by depth,
 * before all that or in the middle of it, as Synapse shows it to who reads a room page by page.
 */
export class MergedTimeline {
  readonly #source: SynapseRooms
  readonly #roomId: string
  readonly #ground: PastGround
  /** No position is greater. */
  readonly #end: number
  readonly #size: number
  #at: TimelineCursor
  #live: TimelineRow[] = []
  #past: TimelineRow[] = []
  #liveOver = false
  #pastOver: boolean

  /** @param options.size rows that are read at once */
  constructor(
    source: SynapseRooms,
    roomId: string,
    options: { ground: PastGround; end: number; from: TimelineCursor; size: number },
  ) {
    this.#source = source
    this.#roomId = roomId
    this.#ground = options.ground
    this.#end = options.end
    this.#at = options.from
    this.#size = options.size
    this.#pastOver = options.ground.count === 0
  }

  get cursor(): TimelineCursor {
    return this.#at
  }

  /** The next rows, at most as many as are read at once; none at the end. */
  async next(): Promise<PlacedRow[]> {
    const rows: PlacedRow[] = []
    while (rows.length < this.#size) {
      const row = await this.#one()
      if (row === undefined) break
      rows.push(row)
    }
    return rows
  }

  async #one(): Promise<PlacedRow | undefined> {
    await this.#fill()
    const [live] = this.#live
    const [past] = this.#past
    if (past !== undefined && (live === undefined || !isDeeper(past.depth, this.#at.depth, live.depth)))
      return this.#takePast(past, live)
    return live === undefined ? undefined : this.#takeLive(live)
  }

  #takeLive(live: TimelineRow): PlacedRow {
    this.#live.shift()
    const position = positionOf(live.stream)
    const depth = isDeeper(live.depth, this.#at.depth) ? live.depth : this.#at.depth
    this.#at = { ...this.#at, live: live.stream, position, depth }
    return { ...live, position }
  }

  #takePast(past: TimelineRow, next: TimelineRow | undefined): PlacedRow {
    this.#past.shift()
    const { position: last, pastTaken, live } = this.#at
    const end = next === undefined ? this.#end : positionOf(next.stream) - 1
    const between = last === undefined || live === 0 ? undefined : last + STEP
    const { base, count } = this.#ground
    // Where there is no more room in between, it stands before all.
    const isBetween = between !== undefined && between < end
    const position = isBetween ? between : -(base + STEP * (count - pastTaken))
    this.#at = {
      ...this.#at,
      ...{ pastDepth: past.depth, pastStream: past.stream, pastTaken: pastTaken + 1 },
      position: between === undefined || isBetween ? position : last,
    }
    return { ...past, position }
  }

  async #fill(): Promise<void> {
    const { live, pastDepth: depth, pastStream: stream } = this.#at
    if (this.#live.length === 0 && !this.#liveOver) {
      this.#live = await this.#source.live(this.#roomId, live, this.#size)
      this.#liveOver = this.#live.length < this.#size
    }
    if (this.#past.length === 0 && !this.#pastOver) {
      this.#past = await this.#source.past(this.#roomId, { depth, stream }, this.#size)
      this.#pastOver = this.#past.length < this.#size
    }
  }
}

/** Whether a depth is greater than all of others. They may be greater than what a double holds. */
const isDeeper = (depth: string, ...others: readonly string[]): boolean =>
  others.every(other => BigInt(depth) > BigInt(other))
