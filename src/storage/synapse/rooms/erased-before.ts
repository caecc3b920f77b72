import type { Reader, WriteStatement } from '../../database.ts'

/** What users had erased is all that is here now. */
export const erasedBefore = (db: Reader): WriteStatement => ({
  prepared: db.prepare('UPDATE users SET erased_position = ? WHERE erase = 1'),
  rows: [[db.position('events')]],
})
