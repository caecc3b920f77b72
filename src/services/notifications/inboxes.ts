import { boundedCache } from '../../core/caches.ts'
import type { Database } from '../../storage/database.ts'
import type { InvitationRecordReader } from '../../storage/invitations/records.ts'
import { InboxWriter } from '../../storage/notifications/inboxes.ts'
import { SerialQueue } from '../serial-queue.ts'
import type { Inbox } from './inbox.ts'
import { invitationFact } from './invitation-notices.ts'

/** Of what there was before a user first asked, so much is looked through, newest first. */
const MAX_ROOMS = 200
const MAX_INVITATIONS = 200

/**
 * Knows whose messages are kept as notifications: of those who have asked for them once. So nobody pays for it whose
 * clients know nothing of it, and whoever begins to ask finds what there was before.
 */
export class Inboxes {
  readonly #db: Database
  readonly #inbox: Inbox
  readonly #records: InvitationRecordReader
  readonly #write: InboxWriter
  readonly #ready = boundedCache<string, true>('inboxes')
  readonly #queue = new SerialQueue()

  constructor(parts: { db: Database; inbox: Inbox; records: InvitationRecordReader }) {
    this.#db = parts.db
    this.#inbox = parts.inbox
    this.#records = parts.records
    this.#write = new InboxWriter(parts.db)
  }

  /** Resolves once a user's notifications are complete. */
  async ensure(userId: string): Promise<void> {
    if (this.#ready.has(userId)) return
    await this.#queue.run(userId, async () => {
      const isReady = await this.#inbox.rooms.isReady(userId)
      if (isReady !== true) await this.#build(userId, isReady === undefined)
      this.#ready.set(userId, true)
    })
  }

  async #build(userId: string, isNew: boolean): Promise<void> {
    // From here on what happens is followed; then comes what has happened before.
    if (isNew) await this.#db.commit({ statements: [this.#write.set(userId, false)] })
    const pending = await this.#records.page('received', {
      owner: userId,
      statuses: ['invited'],
      after: undefined,
      limit: MAX_INVITATIONS,
    })
    for (const record of pending) await this.#inbox.raise(invitationFact(record))
    for (const roomNid of await this.#inbox.messageRooms(userId, MAX_ROOMS))
      await this.#inbox.follow(userId, roomNid)
    await this.#db.commit({ statements: [this.#write.set(userId, true)] })
  }
}
