import { placeholders, type SynapseSource } from '../source.ts'

/** So many values stand in one list. */
const LIST = 200

/** All rows of a query over a list of values of any length: `sql` is given the placeholders. */
export const inLists = async <T extends object>(
  values: readonly (string | number)[],
  sql: (marks: string) => string,
  source: SynapseSource,
): Promise<T[]> => {
  const rows: T[] = []
  for (let at = 0; at < values.length; at += LIST) {
    const some = values.slice(at, at + LIST)
    rows.push(...(await source.all<T>(sql(placeholders(some)), some)))
  }
  return rows
}
