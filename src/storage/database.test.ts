import test from 'ava'
import { testDatabases } from '../test-kit/database.ts'

testDatabases(
  test,
  'a set is stored as a whole, and answers its positions and what it returned',
  async (t, database) => {
    const insert = database.prepare(
      'INSERT INTO nid_sequences (name, next) VALUES (?, ?) RETURNING name, next',
    )
    const result = await database.commit({
      statements: [
        { prepared: insert, rows: [['a', { stream: 'events', offset: 0 }]], returning: 'inserted' },
      ],
    })
    t.deepEqual(result, {
      ok: true,
      positions: { events: 1 },
      returned: { inserted: [{ name: 'a', next: 1 }] },
    })
  },
)
