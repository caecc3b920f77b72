import type { StateMap } from '../event/event.ts'

/** The states to resolve, split by whether they agree. */
export interface Split {
  /** Points on which the states agree: key → event ID. */
  readonly unconflicted: Map<string, string>
  /** Points on which they do not: key → the event IDs there, each once, in lexicographic order. */
  readonly conflicted: Map<string, string[]>
}

/**
 * Splits states into the unconflicted state map and the conflicted state set.
 *
 * @param absence whether a point that some states lack is in conflict. v2 (rooms/v2.md): "if a given key is present in
 *   every S_i with the same value", it is unconflicted, "otherwise" conflicted. v1 (rooms/v1.md): only "where those
 *   states have different event_ids for the same key".
 */
export const splitConflicted = (
  stateSets: readonly StateMap[],
  absence: 'is a conflict' | 'is no conflict',
): Split => {
  const unconflicted = new Map<string, string>()
  const conflicted = new Map<string, string[]>()
  const keys = new Set<string>()
  for (const stateSet of stateSets) for (const key of stateSet.keys()) keys.add(key)
  for (const key of keys) {
    const values = stateSets.map(stateSet => stateSet.get(key))
    const [first] = values
    if (first !== undefined && values.every(value => value === first)) {
      unconflicted.set(key, first)
      continue
    }
    const present = [...new Set(values.filter(value => value !== undefined))].sort()
    const [only] = present
    if (absence === 'is no conflict' && present.length === 1 && only !== undefined)
      unconflicted.set(key, only)
    else conflicted.set(key, present)
  }
  return { unconflicted, conflicted }
}
