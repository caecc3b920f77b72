import type { Clock } from '../../core/clock.ts'
import { serverNameOf } from '../../core/ids.ts'
import type { Log } from '../../core/log.ts'
import type { Database } from '../../storage/database.ts'
import { EventsOfType } from '../../storage/rooms/events-of-type.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import { aloneWith, type SoleWork } from '../processes.ts'
import { shownEvent } from '../rooms/shown-event.ts'
import { SerialQueue } from '../serial-queue.ts'
import { type FollowedStep, StreamFollower } from '../stream-follower.ts'
import { InvitationChanges, type InvitationRecordChange } from './changes.ts'
import type { InvitationRecords } from './records.ts'
import type { InvitationRedactions } from './redactions.ts'

const BATCH = 200

/** Nobody waits longer (ms) for the records to be up to date, as when a large database is followed for the first time. */
const MAX_WAIT_MS = 5_000

/**
 * Keeps the records in step with what happens, whichever way it came: from our own endpoints, from plain clients, from other
 * servers. Two streams tell of it: the events of the rooms in which this server is, and the invitations that came from
 * outside (`storage/rooms/invitations.ts`), which have no place in any timeline here. Both are followed from where
 * they were left, at least once; applying the same twice changes nothing.
 */
export class InvitationFollower {
  /** Told of invitations to users of this server that are on record now, by their events; at least once of each. */
  onInvited: (eventIds: readonly string[]) => Promise<void> = async () => {}
  readonly #read: RoomReaders
  readonly #clock: Clock
  readonly #serverName: string
  readonly #records: InvitationRecords
  readonly #members: EventsOfType
  readonly #changes: InvitationChanges
  readonly #redactions: Pick<InvitationRedactions, 'follow'> | undefined
  readonly #followers: readonly StreamFollower[]
  /** The two streams take turns, so that neither overtakes the other halfway. */
  readonly #turns = new SerialQueue()

  constructor(parts: {
    database: Database
    read: RoomReaders
    records: InvitationRecords
    /** Takes out of the records what redactions take away, if they are followed. */
    redactions?: (records: InvitationRecords) => Pick<InvitationRedactions, 'follow'>
    /** Where several processes may be there: has one of them follow. */
    sole?: SoleWork
    clock: Clock
    serverName: string
    log: Log
  }) {
    const { database, clock, log, sole = aloneWith(parts.database) } = parts
    this.#read = parts.read
    this.#clock = clock
    this.#serverName = parts.serverName
    // What follows from the streams is written only by the process that follows them.
    this.#records = parts.records.writtenBy(sole.database)
    this.#changes = new InvitationChanges({ ...parts, records: this.#records.read })
    this.#redactions = parts.redactions?.(this.#records)
    this.#members = new EventsOfType(database, parts.read.news, 'm.room.member')
    const follower = (
      stream: 'events' | 'invites',
      work: (after: number, upTo: number) => Promise<number | FollowedStep>,
      passesOver: (after: number, upTo: number) => boolean = () => false,
    ): StreamFollower =>
      new StreamFollower({
        ...{ name: `invitation records of ${stream}`, stream, database, clock, log, sole, passesOver },
        work: (after, upTo) => this.#turns.run('', () => work(after, upTo)),
      })
    this.#followers = [
      follower('invites', (after, upTo) => this.#followInvites(after, upTo)),
      follower(
        'events',
        (after, upTo) => this.#followEvents(after, upTo),
        (after, upTo) => this.#read.news.isKnownPlain(after, upTo),
      ),
    ]
  }

  start(): void {
    for (const follower of this.#followers) follower.start()
  }

  /** Resolves when the records hold everything that was written before the call, or when that takes too long. */
  async caughtUp(): Promise<void> {
    const timer = new AbortController()
    const tooLong = this.#clock.sleep(MAX_WAIT_MS, timer.signal).catch(() => undefined)
    await Promise.race([Promise.all(this.#followers.map(follower => follower.caughtUp())), tooLong])
    timer.abort()
  }

  async close(): Promise<void> {
    await Promise.all(this.#followers.map(follower => follower.close()))
  }

  async #followEvents(after: number, upTo: number): Promise<number | FollowedStep> {
    const { nids, reached } = await this.#members.after(after, upTo, BATCH)
    const changes: InvitationRecordChange[] = []
    const invitedBy: string[] = []
    for (const stored of await this.#read.events.byNids(nids)) {
      const event = shownEvent(stored)
      if (event.stateKey === undefined) continue
      if (!(await this.#changes.isPast(stored)))
        changes.push(...(await this.#changes.byEvent(event, event.stateKey, stored.position)))
      const isInvite = event.content['membership'] === 'invite'
      if (isInvite && this.#isLocal(event.stateKey)) invitedBy.push(event.eventId)
    }
    if (changes.length > 0) await this.#records.changeAll(changes)
    const moved = await this.#changes.byMoves(after, reached)
    if (moved.length > 0) await this.#records.changeAll(moved)
    if (invitedBy.length > 0) await this.onInvited(invitedBy)
    const redacted = (await this.#redactions?.follow(after, reached)) ?? reached
    return nids.length === 0 ? { reached: redacted, statements: [] } : redacted
  }

  async #followInvites(after: number, upTo: number): Promise<number> {
    const rows = await this.#read.invitations.changedOfAll(after, upTo, BATCH)
    const changes = await this.#changes.byRows(rows, { onlyInvited: false })
    if (changes.length > 0) await this.#records.changeAll(changes)
    const invitedBy = rows.filter(({ status }) => status === 'invited').map(({ eventId }) => eventId)
    if (invitedBy.length > 0) await this.onInvited(invitedBy)
    return rows.length < BATCH ? upTo : (rows.at(-1)?.position ?? upTo)
  }

  #isLocal(userId: string): boolean {
    return serverNameOf(userId) === this.#serverName
  }
}
