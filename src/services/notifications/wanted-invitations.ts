import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import { AccountDataReader } from '../../storage/accounts/account-data.ts'
import type { Database } from '../../storage/database.ts'
import type { InvitationRecordReader } from '../../storage/invitations/records.ts'
import {
  MESSAGE_KINDS,
  NOTIFICATION_KINDS,
  type NotificationRow,
} from '../../storage/notifications/notifications.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import { StreamTouches } from '../../storage/stream-touches.ts'
import type { SoleWork } from '../processes.ts'
import { INVITATION_SETTINGS } from '../rooms/invite-policies.ts'
import { StreamFollower } from '../stream-follower.ts'
import type { Inbox } from './inbox.ts'
import { invitationFact } from './invitation-notices.ts'

/** So many pending invitations of a user are looked through for what is back, newest first. */
const MAX_LOOKED_AT = 200
/** Notifications that are read at once. */
const BATCH = 200

/**
 * Keeps the pending invitations in inboxes to those that are wanted, as lists of invitations and `/sync` do: when users
 * ignore somebody or refuse invitations, these go; when they think better of it, what is still pending is back. All else that comes
 * from ignored people goes, too, once and for all.
 */
export class WantedInvitations {
  readonly #inbox: Inbox
  readonly #records: InvitationRecordReader
  readonly #rooms: RoomReaders['rooms']
  readonly #follower: StreamFollower

  constructor(parts: {
    db: Database
    inbox: Inbox
    records: InvitationRecordReader
    rooms: RoomReaders['rooms']
    sole: SoleWork
    clock: Clock
    log: Log
  }) {
    const { db, clock, log, sole } = parts
    this.#inbox = parts.inbox
    this.#records = parts.records
    this.#rooms = parts.rooms
    const settings = new AccountDataReader(db)
    const touches = new StreamTouches(db)
    this.#follower = new StreamFollower({
      ...{ name: 'wanted invitations', stream: 'account_data', database: db, clock, log, sole },
      noteEvery: 100,
      work: async (after, upTo) => {
        for (const userId of await touches.users('account_data', after, upTo)) {
          const changed = await settings.changed(userId, after, upTo)
          if (!changed.some(({ roomId, type }) => roomId === '' && INVITATION_SETTINGS.has(type))) continue
          // What goes wrong with one user is nothing to the others.
          await this.#review(userId).catch(error =>
            log.warn({ err: error, user: userId }, 'invitations were not looked at'),
          )
        }
        return upTo
      },
    })
  }

  start(): void {
    this.#follower.start()
  }

  /**
   * Resolves once all settings that are stored now have been followed.
   *
   * @param mostMs so long it takes at most
   */
  caughtUp(mostMs?: number): Promise<void> {
    return this.#follower.caughtUp(mostMs)
  }

  close(): Promise<void> {
    return this.#follower.close()
  }

  async #review(userId: string): Promise<void> {
    const pending = await this.#records.page('received', {
      ...{ owner: userId, statuses: ['invited'] },
      ...{ after: undefined, limit: MAX_LOOKED_AT },
    })
    for (const record of pending) {
      const fact = invitationFact(record)
      const isThere = await this.#inbox.restore(fact)
      // It may have been answered meanwhile.
      const isPending = (await this.#records.byId(record.recordId))?.status === 'invited'
      if (!isThere || !isPending) await this.#inbox.settle(userId, fact.id)
    }
    await this.#giveUp(userId)
  }

  /** Takes all away that is not wanted, however much it is: whoever is pestered is so by many invitations. */
  async #giveUp(userId: string): Promise<void> {
    const rooms = new Set<string>()
    let after: NotificationRow | undefined
    do {
      const waiting = await this.#inbox.read.page(userId, { kinds: NOTIFICATION_KINDS, after, limit: BATCH })
      for (const row of waiting) {
        // What is told of a room's messages may stand for those of several people.
        if (MESSAGE_KINDS.includes(row.kind)) rooms.add(row.roomId)
        else if (!(await this.#inbox.isWanted(row))) await this.#inbox.settle(userId, row.id)
      }
      after = waiting.length < BATCH ? undefined : waiting.at(-1)
    } while (after !== undefined)
    for (const roomId of rooms) {
      const room = await this.#rooms.byId(roomId)
      if (room !== undefined) await this.#inbox.follow(userId, room.nid)
    }
  }
}
