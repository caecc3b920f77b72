import type { Prepared, Reader } from './database.ts'

/** More keys than this may answer more rows than should be read on the calling thread. */
const MAX_AT_ONCE = 100

/** All rows of a query by nothing but a list of keys. */
export const listedRows = <T extends object>(
  db: Reader,
  prepared: Prepared,
  keys: readonly (string | number)[],
): Promise<T[]> => {
  const parameters = [db.list(keys)]
  return keys.length > MAX_AT_ONCE ? db.scan<T>(prepared, parameters) : db.all<T>(prepared, parameters)
}
