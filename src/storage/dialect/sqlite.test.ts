import test from 'ava'
import { bothDatabases } from '../../test-kit/database.ts'

bothDatabases(test, 'limits and patterns are those that are bound', async (t, database) => {
  const pick = database.prepare(
    `SELECT word FROM (SELECT 'ape' AS word UNION ALL SELECT 'apple' UNION ALL SELECT 'bear') AS words
     WHERE word LIKE ? ESCAPE '!' ORDER BY word LIMIT ?`,
  )
  const picked = async (pattern: string, limit: number) =>
    (await database.all<{ word: string }>(pick, [pattern, limit])).map(({ word }) => word)
  t.deepEqual(await picked('ap%', 9), ['ape', 'apple'])
  t.deepEqual(await picked('%a%', 2), ['ape', 'apple'])
  t.deepEqual(await picked('%a%', 3), ['ape', 'apple', 'bear'])
  // Bound as they stand, SQLite would compile the statement anew at each execution.
  if (database.dialect.name === 'sqlite') t.regex(pick.sql, /LIKE \+\? .* LIMIT \+\?$/)
})
