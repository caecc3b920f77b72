import type { SqlParameter, WriteStatement } from '../../../../storage/database.ts'
import { type HeldState, HistoryStateReader } from '../../../../storage/federation/history-state.ts'
import type { RoomsContext } from '../../../rooms/room-writer.ts'
import { SINCE_EVER } from './past-intervals.ts'

/** Where in a room's timeline a chunk of history is put: see `pastIntervals` for the states there. */
export interface Ground {
  readonly stored: readonly HeldState[]
  readonly base: number
  readonly seam: number
  /** The positions of the chunk's events, from the newest. */
  readonly position: (index: number) => SqlParameter
  /** So many of them find place. */
  readonly room: number
  /** What notes that so many were put there. */
  readonly filled: (count: number) => readonly WriteStatement[]
}

/**
 * Before everything that is here. The first position of the set stays free, so that what holds just before the older end has a
 * place of its own.
 */
export const groundBeforeAll = async (
  { read, db }: RoomsContext,
  roomNid: number,
): Promise<Ground | undefined> => {
  const states = new HistoryStateReader(db)
  const lowest = await states.lowest(roomNid)
  const all = { after: -Number.MAX_SAFE_INTEGER, upTo: Number.MAX_SAFE_INTEGER }
  const [oldest] = await read.events.forwards({ roomNid, ...all, limit: 1 })
  if (lowest === undefined || oldest?.position === undefined) return undefined
  return {
    stored: await states.at(roomNid, lowest),
    base: SINCE_EVER,
    seam: oldest.position - 1,
    position: index => ({ stream: 'backfill', offset: index + 1 }),
    room: Number.POSITIVE_INFINITY,
    filled: () => [],
  }
}

/** Before a join that comes with its state, this state has a position, and what held just before it, too. */
const BETWEEN = 2

/** So many events find place in a gap. */
export const roomIn = ({ base, floor }: { readonly base: number; readonly floor: number }): number =>
  Math.max(floor - BETWEEN - 1 - base, 0)

/** At the upper end of what is left of a gap that begins at a position. */
export const groundInGap = async (
  { read, write, db }: RoomsContext,
  roomNid: number,
  base: number,
): Promise<Ground | undefined> => {
  const gap = (await read.gaps.ofRoom(roomNid)).find(one => one.base === base)
  if (gap === undefined) return undefined
  const seam = gap.floor - BETWEEN
  return {
    stored: await new HistoryStateReader(db).at(roomNid, base),
    ...{ base, seam },
    position: index => seam - 1 - index,
    room: roomIn(gap),
    filled: count => [...write.gaps.fill(roomNid, gap, seam - count), write.gaps.close(roomNid)],
  }
}
