import type { Prepared, Reader, WriteStatement } from '../database.ts'
import { type SynapseSource, SynapseUnreadable } from './source.ts'

/** What is read, of all that a Matrix Authentication Service has. */
const TABLES = ['users', 'user_passwords', 'user_emails', 'upstream_oauth_links', 'compat_sessions']

/**
 * Opens the database of a Matrix Authentication Service (MAS), to which a Synapse leaves signing in, for reading.
 * @throws {SynapseUnreadable} if there is none
 */
export const openMas = async (url: string): Promise<SynapseSource> => {
  const whose = "the Matrix Authentication Service's"
  const opened = await (await import('./postgres-source.ts')).openPostgresSynapse(url, whose)
  if (TABLES.every(table => opened.has(table))) return { ...opened, schemaVersion: 0 }
  await opened.close()
  throw new SynapseUnreadable(
    '--mas-database is no database of a Matrix Authentication Service: it lacks its tables.',
  )
}

/** What such a service knows of an account, and Synapse does not. */
export interface MasAccount {
  readonly userId: string
  readonly passwordHash: string | undefined
  readonly isLocked: boolean
  readonly isAdmin: boolean
}

/** Builds the statement that brings accounts up to date with it. */
export class MasAccountWriter {
  readonly #set: Prepared

  constructor(db: Reader) {
    this.#set = db.prepare(
      `UPDATE users SET password_hash = ?, is_locked = CASE WHEN ? = 1 THEN 1 ELSE is_locked END, is_admin = ?
       WHERE user_id = ? AND deactivated_ts IS NULL`,
    )
  }

  /** Accounts that are not here, or were deactivated, stay as they are. */
  set(accounts: readonly MasAccount[]): WriteStatement {
    return {
      prepared: this.#set,
      rows: accounts.map(({ userId, passwordHash, isLocked, isAdmin }) => [
        ...[passwordHash ?? null, isLocked ? 1 : 0, isAdmin ? 1 : 0, userId],
      ]),
    }
  }
}
