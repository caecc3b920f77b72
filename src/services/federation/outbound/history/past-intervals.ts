import { stateMapKey } from '../../../../core/event/event.ts'
import type { SqlParameter } from '../../../../storage/database.ts'
import type {
  MovedInterval,
  OldestState,
  PastInterval,
} from '../../../../storage/federation/history-state.ts'

/** Since ever, as far as this server can tell: below any position. */
export const SINCE_EVER: number = -Number.MAX_SAFE_INTEGER

/** A change of the room state within a chunk of history. */
export interface PastChange extends OldestState {
  /** The position of the event that makes it. */
  readonly at: SqlParameter
}

/**
 * The intervals that describe the state over a chunk of history, joined to what is stored.
 *
 * What holds before the chunk is taken to hold since ever, until older history says otherwise. What is stored as holding
 * from the lower end on, and held at the end of the chunk, too, is one interval: its beginning moves. So each further
 * chunk costs rows for what changed in it, not for the whole state.
 *
 * @param stored what is stored as holding from `lowest` on
 * @param seam the position just before the oldest event that is stored, where `stored` holds in any case
 * @param before the state before the chunk
 * @param changes of the state within it, oldest first
 */
export const pastIntervals = ({
  stored,
  lowest,
  seam,
  before,
  changes,
}: {
  readonly stored: readonly OldestState[]
  readonly lowest: number
  readonly seam: number
  readonly before: readonly OldestState[]
  readonly changes: readonly PastChange[]
}): { moved: MovedInterval[]; inserted: PastInterval[] } => {
  const points = new Map<string, PastChange[]>()
  for (const state of before) points.set(keyOf(state), [{ ...state, at: SINCE_EVER }])
  for (const change of changes) {
    const key = keyOf(change)
    points.set(key, [...(points.get(key) ?? []), change])
  }
  const moved: MovedInterval[] = []
  const inserted: PastInterval[] = []
  const storedByKey = new Map(stored.map(state => [keyOf(state), state]))
  for (const [key, steps] of points) {
    const known = storedByKey.get(key)
    for (const [index, { at, type, stateKey, nid }] of steps.entries()) {
      const next = steps[index + 1]
      if (next === undefined && nid === known?.nid) {
        if (at !== lowest) moved.push({ type, stateKey, from: lowest, to: at })
      } else {
        inserted.push({ type, stateKey, nid, from: at, to: next?.at ?? seam })
        if (next === undefined && known !== undefined) moveToSeam(known)
      }
    }
  }
  for (const [key, state] of storedByKey) if (!points.has(key)) moveToSeam(state)
  return { moved, inserted }

  /** What did not hold at the end of the chunk holds from the seam on, not since ever. */
  function moveToSeam({ type, stateKey }: OldestState): void {
    if (lowest !== seam) moved.push({ type, stateKey, from: lowest, to: seam })
  }
}

const keyOf = ({ type, stateKey }: OldestState): string => stateMapKey(type, stateKey)
