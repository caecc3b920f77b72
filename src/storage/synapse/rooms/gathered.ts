import type { WriteStatement } from '../../database.ts'

/** Rows that nothing of the set reads or changes before they are there. */
const PLAIN = /^\s*INSERT INTO (?:events|event_json|event_auth|message_words|relations) \(/

/**
 * The statements of a set with what they insert of events put together, each kind into one statement, before everything else: most of
 * what a row costs is its being sent alone. What refers to an event comes after it all the same.
 */
export const gathered = (statements: readonly WriteStatement[]): WriteStatement[] => {
  const plain = new Map<number, { statement: WriteStatement; rows: WriteStatement['rows'][number][] }>()
  const others: WriteStatement[] = []
  for (const statement of statements) {
    const { prepared, guard, returning, rows } = statement
    if (guard !== undefined || returning !== undefined || !PLAIN.test(prepared.sql)) {
      others.push(statement)
      continue
    }
    const known = plain.get(prepared.id)
    if (known === undefined) plain.set(prepared.id, { statement, rows: [...rows] })
    else known.rows.push(...rows)
  }
  return [...[...plain.values()].map(({ statement, rows }) => ({ ...statement, rows })), ...others]
}
