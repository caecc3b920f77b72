import { parseJson } from '../../core/canonical-json.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts'
import type { SqlValue } from '../../storage/database.ts'

/** Whether it is the ID of somebody of this server. */
export const isOfServer = (userId: string, serverName: string): boolean =>
  userId.startsWith('@') && userId.endsWith(`:${serverName}`)

/** JSON as Synapse stored it, text or bytes; `undefined` for what is none. */
export const jsonOf = (stored: SqlValue): JsonValue | undefined => {
  try {
    if (typeof stored === 'string') return parseJson(stored)
    return stored instanceof Uint8Array ? parseJson(Buffer.from(stored).toString()) : undefined
  } catch {
    return undefined
  }
}

/** The same for objects. */
export const objectOf = (stored: SqlValue): JsonObject | undefined => {
  const value = jsonOf(stored)
  return isJsonObject(value) ? value : undefined
}

/** The part of `all` that a condition holds for; the others are told as left out. */
export const those = <T>(
  all: readonly T[],
  holds: (each: T) => boolean,
  left: (count: number) => void,
): readonly T[] => {
  const kept = all.filter(holds)
  left(all.length - kept.length)
  return kept
}
