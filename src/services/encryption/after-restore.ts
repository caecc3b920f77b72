import type { Clock } from '../../core/clock.ts'
import type { Database } from '../../storage/database.ts'
import { AfterRestore } from '../../storage/encryption/after-restore.ts'

/** More than any server hands out between a backup and its end. */
const SKIPPED = 1_000_000_000

/** Users that are worked on at once. */
const BATCH = 500

/** What was set right. */
export interface Repaired {
  /** Local users whose devices everybody asks for again. */
  readonly users: number
  readonly oneTimeKeys: number
  /** Remote users whose devices are asked for again. */
  readonly remoteUsers: number
}

/**
 * Sets right what a database that was put back from a backup says wrongly of keys; no server may run on it meanwhile.
 *
 * Positions go on beyond whatever clients and servers have seen: a token from after the backup would acknowledge messages
 * that its device never got. All users' device lists change, by a change that names one before it that nobody has been
 * told of: whoever follows them asks for them whole, and forgets devices that are gone. One-time keys may have been given
 * out since, and fallback keys been replaced: their devices are asked for new ones.
 */
export const repairAfterRestore = async (database: Database, clock: Clock): Promise<Repaired> => {
  const store = new AfterRestore(database)
  await database.commit({ statements: [store.skipPositions(SKIPPED)] })
  let users = 0
  for (let after = ''; ; ) {
    const page = await store.users(after, BATCH)
    if (page.length === 0) break
    const missing = await database.commit({ statements: [store.change(page, clock.now())] })
    const first = missing.ok ? (missing.positions.device_lists ?? 0) : 0
    await database.commit({
      statements: [store.untold(first + page.length - 1), store.change(page, clock.now())],
    })
    users += page.length
    after = page.at(-1)?.userId ?? ''
  }
  const result = await database.commit({ statements: [...store.dropKeys(), store.forgetRemote()] })
  const { dropped = [], stale = [] } = result.ok ? result.returned : {}
  return { users, oneTimeKeys: dropped.length, remoteUsers: stale.length }
}
