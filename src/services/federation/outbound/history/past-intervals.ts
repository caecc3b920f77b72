import { stateMapKey } from '../../../../core/event/event.ts'
import type { SqlParameter } from '../../../../storage/database.ts'
import type {
  HeldState,
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
 * What holds before the chunk is taken to hold from `base` on, until older history says otherwise. What is stored as holding
 * there, and held at the end of the chunk, too, is one interval: its beginning moves. So each further chunk costs rows for
 * what changed in it, not for the whole state. Where something is stored from before `base`, which is so in gaps, it ends
 * there if it is not the same, and goes on from where the chunk ends.
 *
 * @param stored what is stored as holding where the chunk is put
 * @param base since when what holds before the chunk is taken to hold: `SINCE_EVER`, or where a gap begins
 * @param seam the position where the chunk ends and `stored` holds in any case
 * @param before the state before the chunk
 * @param changes of the state within it, oldest first
 */
export const pastIntervals = ({
  stored,
  base,
  seam,
  before,
  changes,
}: {
  readonly stored: readonly HeldState[]
  readonly base: number
  readonly seam: number
  readonly before: readonly OldestState[]
  readonly changes: readonly PastChange[]
}): { moved: MovedInterval[]; inserted: PastInterval[] } => {
  const points = new Map<string, PastChange[]>()
  for (const state of before) points.set(keyOf(state), [{ ...state, at: base }])
  for (const change of changes) {
    const key = keyOf(change)
    points.set(key, [...(points.get(key) ?? []), change])
  }
  const storedByKey = new Map(stored.map(state => [keyOf(state), state]))
  const moved: MovedInterval[] = []
  const inserted: PastInterval[] = []
  for (const key of new Set([...storedByKey.keys(), ...points.keys()])) {
    const known = storedByKey.get(key)
    const steps = joinedBelow(points.get(key) ?? [], known)
    const last = steps.at(-1)
    for (const [index, step] of steps.entries()) {
      if (step === last && step.nid === known?.nid) continue
      const { at: from, ...state } = step
      inserted.push({ ...state, from, to: steps[index + 1]?.at ?? seam })
    }
    if (known === undefined) continue
    const to = last?.nid === known.nid ? last.at : seam
    if (to !== known.from) moved.push({ type: known.type, stateKey: known.stateKey, from: known.from, to })
  }
  return { moved, inserted }

  /** The steps, with what held before `base`: as one with the first, if that is the same. */
  function joinedBelow(steps: readonly PastChange[], known: HeldState | undefined): readonly PastChange[] {
    if (known === undefined || known.from >= base) return steps
    const [first, ...others] = steps
    if (first?.at === base && first.nid === known.nid) return [{ ...first, at: known.from }, ...others]
    const { from, ...state } = known
    inserted.push({ ...state, from, to: base })
    return steps
  }
}

const keyOf = ({ type, stateKey }: OldestState): string => stateMapKey(type, stateKey)
