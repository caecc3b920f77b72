import type { Clock } from '../../core/clock.ts'
import type { RoomEvent } from '../../core/event/event.ts'
import { serverNameOf } from '../../core/ids.ts'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import type { Log } from '../../core/log.ts'
import type { Database } from '../../storage/database.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import { EventsOfType } from '../../storage/rooms/events-of-type.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { InvitationRow } from '../../storage/rooms/invitations.ts'
import { aloneWith, type SoleWork } from '../processes.ts'
import { shownEvent } from '../rooms/shown-event.ts'
import { SerialQueue } from '../serial-queue.ts'
import { type FollowedStep, StreamFollower } from '../stream-follower.ts'
import type { InvitationKey, InvitationRecords } from './records.ts'
import type { InvitationRedactions } from './redactions.ts'
import { InvitationStanding, isShown } from './standing.ts'
import { answered, ended, type InvitationChange, invited, restored } from './status.ts'

const BATCH = 200

/** Nobody waits longer (ms) for the records to be up to date, as when a large database is followed for the first time. */
const MAX_WAIT_MS = 5_000

type Change = InvitationKey & { readonly change: InvitationChange }

/**
 * Keeps the records in step with what happens, whichever way it came: from our own endpoints, from plain clients, from other
 * servers. Two streams tell of it: the events of the rooms in which this server is, and the invitations that came from
 * outside (`storage/rooms/invitations.ts`), which have no place in any timeline here. Both are followed from where
 * they were left, at least once; applying the same twice changes nothing.
 */
export class InvitationFollower {
  /** Told of invitations to users of this server that are on record now, by their events; at least once of each. */
  onInvited: (eventIds: readonly string[]) => Promise<void> = async () => {}
  readonly #database: Database
  readonly #read: RoomReaders
  readonly #clock: Clock
  readonly #serverName: string
  readonly #records: InvitationRecords
  readonly #members: EventsOfType
  readonly #standing: InvitationStanding
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
    this.#database = database
    this.#read = parts.read
    this.#standing = new InvitationStanding(parts.read)
    this.#clock = clock
    this.#serverName = parts.serverName
    // What follows from the streams is written only by the process that follows them.
    this.#records = parts.records.writtenBy(sole.database)
    this.#redactions = parts.redactions?.(this.#records)
    this.#members = new EventsOfType(database, parts.read.news, 'm.room.member')
    const follower = (
      stream: 'events' | 'invites',
      work: (after: number, upTo: number) => Promise<number | FollowedStep>,
    ): StreamFollower =>
      new StreamFollower({
        ...{ name: `invitation records of ${stream}`, stream, database, clock, log, sole },
        news: parts.read.news,
        work: (after, upTo) => this.#turns.run('', () => work(after, upTo)),
      })
    this.#followers = [
      follower('invites', (after, upTo) => this.#followInvites(after, upTo)),
      follower('events', (after, upTo) => this.#followEvents(after, upTo)),
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
    const changes: Change[] = []
    const invitedBy: string[] = []
    for (const stored of await this.#read.events.byNids(nids)) {
      const event = shownEvent(stored)
      if (event.stateKey === undefined) continue
      if (!(await this.#isPast(stored)))
        changes.push(...(await this.#changesBy(event, event.stateKey, stored.position)))
      const isInvite = event.content['membership'] === 'invite'
      if (isInvite && this.#isLocal(event.stateKey)) invitedBy.push(event.eventId)
    }
    if (changes.length > 0) await this.#records.changeAll(changes)
    const moved = await this.#changesByMoves(after, reached)
    if (moved.length > 0) await this.#records.changeAll(moved)
    if (invitedBy.length > 0) await this.onInvited(invitedBy)
    const redacted = (await this.#redactions?.follow(after, reached)) ?? reached
    return nids.length === 0 ? { reached: redacted, statements: [] } : redacted
  }

  /** Whether a later invitation is on record already, as when a step that has failed halfway is done again. */
  async #isPast({ event, position }: StoredEvent): Promise<boolean> {
    const record = await this.#records.read.one(event.roomId, event.stateKey ?? '')
    const told = record?.eventId === undefined ? undefined : await this.#read.events.byId(record.eventId)
    return told?.position !== undefined && position !== undefined && told.position > position
  }

  async #changesBy(event: RoomEvent, userId: string, position = 0): Promise<Change[]> {
    const { roomId } = event
    const now = this.#clock.now()
    const pending = this.#isLocal(userId) ? await this.#read.invitations.one(userId, roomId) : undefined
    if (event.content['membership'] === 'invite') {
      const concernsUs = this.#isLocal(userId) || this.#isLocal(event.sender)
      if (!concernsUs) return []
      // The other stream may be ahead: it finds nothing on record that it could end.
      const isPending = pending?.eventId === event.eventId
      if (
        !isPending &&
        this.#isLocal(userId) &&
        (await this.#standing.holdsOlder({ roomId, userId }, position))
      )
        return []
      const isOver = isPending && (await this.#isUndone(pending))
      const after = isOver ? [{ roomId, userId, change: await this.#endOf(pending) }] : []
      return [{ roomId, userId, change: invited(event, now) }, ...after]
    }
    const change = answered(event, now)
    // Whoever accepts an invitation from outside brings this server into the room: the other stream may be behind.
    // One that has just been written, later than this event, and is not told of yet: its own event will be followed.
    const isLater = pending !== undefined && pending.position > this.#database.position('invites')
    const before =
      pending === undefined || isLater ? [] : await this.#changesByRows([pending], { onlyInvited: true })
    const after =
      pending === undefined ? await this.#restoredAbroad(event, userId) : await this.#restoredBy(pending)
    return [...before, { roomId, userId, change }, ...after]
  }

  async #followInvites(after: number, upTo: number): Promise<number> {
    const rows = await this.#read.invitations.changedOfAll(after, upTo, BATCH)
    const changes = await this.#changesByRows(rows, { onlyInvited: false })
    if (changes.length > 0) await this.#records.changeAll(changes)
    const invitedBy = rows.filter(({ status }) => status === 'invited').map(({ eventId }) => eventId)
    if (invitedBy.length > 0) await this.onInvited(invitedBy)
    return rows.length < BATCH ? upTo : (rows.at(-1)?.position ?? upTo)
  }

  /** What came from outside; where a timeline tells of the invitation, it also tells what came of it. */
  async #changesByRows(
    rows: readonly InvitationRow[],
    { onlyInvited }: { onlyInvited: boolean },
  ): Promise<Change[]> {
    const invitations = rows.filter(row => row.kind === 'invite')
    const stored = await this.#read.events.byIds(invitations.map(row => row.eventId))
    const now = this.#clock.now()
    const changes: Change[] = []
    for (const row of invitations) {
      const { roomId, userId, status } = row
      const isOver = status !== 'invited' && !onlyInvited
      const isTold = isShown(stored.get(row.eventId))
      if (!isTold) changes.push({ roomId, userId, change: invited(memberEvent(row), now) })
      if (isOver && (!isTold || (await this.#isUndone(row))))
        changes.push({ roomId, userId, change: onlyIfOf(row, await this.#endOf(row)) })
      if (!onlyInvited) changes.push(...(await this.#restoredBy(row)))
    }
    return changes
  }

  /** How one has ended: by what the state has in its place, which may say more. The other stream tells the same, if it does. */
  async #endOf(row: InvitationRow): Promise<InvitationChange> {
    const answer = await this.#standing.answerTo(row)
    const now = this.#clock.now()
    return answer === undefined ? ended(row.status, now) : answered(shownEvent(answer), now)
  }

  /** What ends an invitation on another branch, or did for a while, does not where the state of the room still has it. */
  async #restoredBy(row: Pick<InvitationRow, 'roomId' | 'userId' | 'status' | 'eventId'>): Promise<Change[]> {
    const { roomId, userId, status, eventId } = row
    if (status !== 'invited' || !(await this.#standing.holds(row))) return []
    return [{ roomId, userId, change: restored(eventId, this.#clock.now()) }]
  }

  /** The same of users elsewhere, of whom there are no rows: an answer on another branch is none if the state has the invitation. */
  async #restoredAbroad({ roomId }: RoomEvent, userId: string): Promise<Change[]> {
    if (this.#isLocal(userId)) return []
    const eventId = await this.#standing.invitationOf({ roomId, userId })
    return eventId === undefined ? [] : [{ roomId, userId, change: restored(eventId, this.#clock.now()) }]
  }

  /** Of users elsewhere there are no rows: what the resolution of conflicts does to their invitations, the state alone tells. */
  async #changesByMoves(after: number, upTo: number): Promise<Change[]> {
    const moves = await this.#read.memberMoves.between(after, upTo)
    const byRoom = Map.groupBy(
      moves.filter(({ userId }) => !this.#isLocal(userId)),
      ({ roomNid }) => roomNid,
    )
    const changes: Change[] = []
    // Nearly always: not even an empty list is asked for with every message.
    if (byRoom.size === 0) return changes
    for (const { nid, roomId } of await this.#read.rooms.byNids([...byRoom.keys()])) {
      const users = new Set(byRoom.get(nid)?.map(({ userId }) => userId))
      for (const { userId, eventId } of await this.#records.read.ofUsers(roomId, [...users])) {
        if (eventId === undefined) continue
        const row = { roomId, userId, eventId }
        const status = await this.#standing.undoneBy(row)
        if (status === undefined) changes.push(...(await this.#restoredBy({ ...row, status: 'invited' })))
        else changes.push({ roomId, userId, change: onlyIfOf(row, ended(status, this.#clock.now())) })
      }
    }
    return changes
  }

  /** Whether what has ended an invitation is told by no timeline. */
  async #isUndone(row: InvitationRow): Promise<boolean> {
    return row.status !== 'invited' && (await this.#standing.undoneBy(row)) !== undefined
  }

  #isLocal(userId: string): boolean {
    return serverNameOf(userId) === this.#serverName
  }
}

const memberEvent = ({ eventId, roomId, userId, sender, event }: InvitationRow) => {
  const content: JsonObject = isJsonObject(event['content']) ? event['content'] : {}
  return { eventId, roomId, sender, stateKey: userId, content }
}

/** What became of one invitation says nothing of another one. */
const onlyIfOf =
  (row: Pick<InvitationRow, 'eventId'>, change: InvitationChange): InvitationChange =>
  record =>
    record?.eventId === row.eventId ? change(record) : undefined
