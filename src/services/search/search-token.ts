import { parseJson } from '../../core/canonical-json.ts'
import { MatrixError } from '../../core/errors.ts'

/** What results may be put into groups by. */
export const GROUP_KEYS = ['room_id', 'sender'] as const
export type GroupKey = (typeof GROUP_KEYS)[number]

/** Where to go on in the results of a search. */
export interface SearchPlace {
  /** Events that came after the first page do not move those that were found. */
  readonly upToNid: number
  /** How many results come before. */
  readonly offset: number
  /** If given, only results of this group are gone through. */
  readonly group?: { readonly key: GroupKey; readonly value: string }
}

/** Writes a `next_batch`. */
export const formatSearchToken = ({ upToNid, offset, group }: SearchPlace): string =>
  Buffer.from(JSON.stringify([upToNid, offset, ...(group ? [group.key, group.value] : [])])).toString(
    'base64url',
  )

/** Reads one. Throws `M_INVALID_PARAM`. */
export const parseSearchToken = (token: string): SearchPlace => {
  const [upToNid, offset, key, value] = read(token)
  const isPlace = Number.isSafeInteger(upToNid) && Number.isSafeInteger(offset) && Number(offset) >= 0
  const groupKey = GROUP_KEYS.find(known => known === key)
  const isGroup = key === undefined || (groupKey !== undefined && typeof value === 'string')
  if (!isPlace || !isGroup) {
    throw new MatrixError('M_INVALID_PARAM', 'next_batch is not a token of this server')
  }
  return {
    upToNid: Number(upToNid),
    offset: Number(offset),
    ...(groupKey === undefined ? {} : { group: { key: groupKey, value: String(value) } }),
  }
}

const read = (token: string): unknown[] => {
  try {
    const value: unknown = parseJson(Buffer.from(token, 'base64url').toString())
    return Array.isArray(value) ? value : []
  } catch {
    return []
  }
}
