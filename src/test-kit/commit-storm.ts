import { type DatabaseConfig, openDatabase } from '../storage/open.ts'

/**
 * A process to be killed: commits from 32 callers at once and reports each number once its commit is acknowledged, as
 * a message to its parent. Its one argument is the database's configuration as JSON; the table is there.
 */
const database = await openDatabase(JSON.parse(process.argv[2] ?? '') as DatabaseConfig, {
  forService: true,
})
const insert = database.prepare('INSERT INTO storm (id, at) VALUES (?, ?)')
let next = 0

const caller = async (): Promise<never> => {
  for (;;) {
    const id = next++
    await database.commit({
      statements: [
        { prepared: insert, rows: [[2 * id, { stream: 'events', offset: 0 }]] },
        { prepared: insert, rows: [[2 * id + 1, { stream: 'events', offset: 1 }]] },
      ],
    })
    process.send?.(id)
  }
}

for (let n = 0; n < 32; n++) void caller()
