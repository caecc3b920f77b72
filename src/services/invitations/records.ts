import type { Database, WriteStatement } from '../../storage/database.ts'
import {
  CHANGED,
  type InvitationRecord,
  InvitationRecordReader,
  InvitationRecordWriter,
  type StoredInvitation,
} from '../../storage/invitations/records.ts'
import type { InvitationChange } from './status.ts'

/** Several may change one invitation at the same moment; each then looks again. */
const MAX_ATTEMPTS = 10

/** The pair that an invitation is. */
export interface InvitationKey {
  readonly roomId: string
  readonly userId: string
}

/** The one place where invitations are changed: reads them, lets a change decide, and writes what it answers. */
export class InvitationRecords {
  readonly read: InvitationRecordReader
  readonly write: InvitationRecordWriter
  /** Told when something has to be done about a record that was just stored. Instants are milliseconds. */
  onDue: (dueTs: number) => void = () => {}
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
    this.read = new InvitationRecordReader(db)
    this.write = new InvitationRecordWriter(db)
  }

  /** The same records, changed through another handle of their database. */
  writtenBy(db: Database): InvitationRecords {
    const same = new InvitationRecords(db)
    same.onDue = dueTs => this.onDue(dueTs)
    return same
  }

  /**
   * Changes one invitation, together with other statements, which come first. Resolves when that is durable.
   *
   * @returns what it is now; `undefined` if nothing is written: `change` answered nothing, or a guard of the other
   *   statements failed.
   */
  async change(
    key: InvitationKey,
    change: InvitationChange,
    statements: readonly WriteStatement[] = [],
  ): Promise<InvitationRecord | undefined> {
    const [changed] = await this.#changeAll(
      [key],
      found => {
        const record = change(found.get(keyOf(key)))
        return record === undefined ? [] : [record]
      },
      statements,
    )
    return changed
  }

  /** Applies changes one after another, in one commit. */
  async changeAll(
    changes: readonly (InvitationKey & { readonly change: InvitationChange })[],
  ): Promise<void> {
    await this.#changeAll(changes, found => {
      const records = new Map<string, InvitationRecord>(found)
      const changed = new Map<string, InvitationRecord>()
      for (const { change, ...key } of changes) {
        const record = change(records.get(keyOf(key)))
        if (record === undefined) continue
        records.set(keyOf(key), record)
        changed.set(keyOf(key), record)
      }
      return [...changed.values()]
    })
  }

  /** Has what is due looked at again later, with other statements, which come first. */
  async postpone(
    { recordId }: InvitationRecord,
    wakeTs: number,
    statements: readonly WriteStatement[],
  ): Promise<void> {
    await this.#db.commit({ statements: [...statements, this.write.postpone(recordId, wakeTs)] })
    this.onDue(wakeTs)
  }

  /** Removes what has become another invitation; answers `false` for what has changed since it was read. */
  async remove(record: StoredInvitation): Promise<boolean> {
    return (await this.#db.commit({ statements: [this.write.remove(record)] })).ok
  }

  async #changeAll(
    keys: readonly InvitationKey[],
    decide: (found: ReadonlyMap<string, StoredInvitation>) => readonly InvitationRecord[],
    statements: readonly WriteStatement[] = [],
  ): Promise<readonly InvitationRecord[]> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const found = await this.#load(keys)
      const changed = decide(found)
      if (changed.length === 0) return []
      const puts = changed.map((record, offset) =>
        this.write.put(record, found.get(keyOf(record))?.position, { stream: 'invitation_records', offset }),
      )
      const committed = await this.#db.commit({ statements: [...statements, ...puts] })
      if (committed.ok) {
        for (const { dueTs } of changed) if (dueTs !== undefined) this.onDue(dueTs)
        return changed
      }
      if (committed.guard !== CHANGED) return []
    }
    throw new Error('an invitation is changed by too many at once')
  }

  async #load(keys: readonly InvitationKey[]): Promise<Map<string, StoredInvitation>> {
    const users = new Map<string, Set<string>>()
    for (const { roomId, userId } of keys) {
      const ofRoom = users.get(roomId) ?? new Set()
      users.set(roomId, ofRoom.add(userId))
    }
    const found = await Promise.all(
      [...users].map(([roomId, userIds]) => this.read.ofUsers(roomId, [...userIds])),
    )
    return new Map(found.flat().map(record => [keyOf(record), record]))
  }
}

const keyOf = ({ roomId, userId }: InvitationKey): string => `${roomId} ${userId}`
