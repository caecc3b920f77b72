import type { Clock } from '../../core/clock.ts'
import type { RoomEvent } from '../../core/event/event.ts'
import { serverNameOf } from '../../core/ids.ts'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import type { Database } from '../../storage/database.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { InvitationRow } from '../../storage/rooms/invitations.ts'
import { shownEvent } from '../rooms/shown-event.ts'
import type { InvitationKey, InvitationRecords } from './records.ts'
import { InvitationStanding, isShown } from './standing.ts'
import { answered, ended, type InvitationChange, invited, restored } from './status.ts'

/** A change to the record of one invitation. */
export type InvitationRecordChange = InvitationKey & { readonly change: InvitationChange }

/** What the records have to say after what has happened: reads, and changes nothing. */
export class InvitationChanges {
  readonly #database: Database
  readonly #read: RoomReaders
  readonly #records: InvitationRecords['read']
  readonly #clock: Clock
  readonly #serverName: string
  readonly #standing: InvitationStanding

  constructor(parts: {
    database: Database
    read: RoomReaders
    records: InvitationRecords['read']
    clock: Clock
    serverName: string
  }) {
    this.#database = parts.database
    this.#read = parts.read
    this.#records = parts.records
    this.#clock = parts.clock
    this.#serverName = parts.serverName
    this.#standing = new InvitationStanding(parts.read)
  }

  /** Whether a later invitation is on record already, as when a step that has failed halfway is done again. */
  async isPast({ event, position }: StoredEvent): Promise<boolean> {
    const record = await this.#records.one(event.roomId, event.stateKey ?? '')
    const told = record?.eventId === undefined ? undefined : await this.#read.events.byId(record.eventId)
    return told?.position !== undefined && position !== undefined && told.position > position
  }

  /** What a member event of a room here changes; `position` is its place in the timeline. */
  async byEvent(event: RoomEvent, userId: string, position = 0): Promise<InvitationRecordChange[]> {
    const { roomId } = event
    const now = this.#clock.now()
    const pending = this.#isLocal(userId) ? await this.#read.invitations.one(userId, roomId) : undefined
    if (event.content['membership'] === 'invite') {
      const concernsUs = this.#isLocal(userId) || this.#isLocal(event.sender)
      if (!concernsUs) return []
      // The other stream may be ahead: it finds nothing on record that it could end.
      const isPending = pending?.eventId === event.eventId
      // Of users elsewhere, too: their answer may have crossed it on the way.
      if (!isPending && (await this.#standing.holdsOlder({ roomId, userId }, position))) return []
      const isOver = isPending && (await this.#isUndone(pending))
      const after = isOver ? [{ roomId, userId, change: await this.#endOf(pending) }] : []
      return [{ roomId, userId, change: invited(event, now) }, ...after]
    }
    const change = answered(event, now)
    // Whoever accepts an invitation from outside brings this server into the room: the other stream may be behind.
    // One that has just been written, later than this event, and is not told of yet: its own event will be followed.
    const isLater = pending !== undefined && pending.position > this.#database.position('invites')
    const before = pending === undefined || isLater ? [] : await this.byRows([pending], { onlyInvited: true })
    const after =
      pending === undefined ? await this.#restoredAbroad(event, userId) : await this.#restoredBy(pending)
    return [...before, { roomId, userId, change }, ...after]
  }

  /** What came from outside; where a timeline tells of the invitation, it also tells what came of it. */
  async byRows(
    rows: readonly InvitationRow[],
    { onlyInvited }: { onlyInvited: boolean },
  ): Promise<InvitationRecordChange[]> {
    const stored = await this.#read.events.byIds(rows.map(row => row.eventId))
    const now = this.#clock.now()
    const changes: InvitationRecordChange[] = []
    for (const row of rows) {
      if (row.kind === 'knock') {
        if (!onlyInvited) changes.push(...(await this.#knockedInstead(row)))
        continue
      }
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

  /** Whoever may knock is not invited: that the invitation was withdrawn has not come here. */
  async #knockedInstead({ roomId, userId, status }: InvitationRow): Promise<InvitationRecordChange[]> {
    const key = { roomId, userId }
    if (status !== 'invited' || (await this.#standing.invitationOf(key)) !== undefined) return []
    const cancelled = ended('cancelled', this.#clock.now())
    return [{ ...key, change: record => (record?.status === 'invited' ? cancelled(record) : undefined) }]
  }

  /** How one has ended: by what the state has in its place, which may say more. The other stream tells the same, if it does. */
  async #endOf(row: InvitationRow): Promise<InvitationChange> {
    const answer = await this.#standing.answerTo(row)
    const now = this.#clock.now()
    return answer === undefined ? ended(row.status, now) : answered(shownEvent(answer), now)
  }

  /** What ends an invitation on another branch, or did for a while, does not where the state of the room still has it. */
  async #restoredBy(
    row: Pick<InvitationRow, 'roomId' | 'userId' | 'status' | 'eventId'>,
  ): Promise<InvitationRecordChange[]> {
    const { roomId, userId, status, eventId } = row
    if (status !== 'invited' || !(await this.#standing.holds(row))) return []
    return [{ roomId, userId, change: restored(eventId, this.#clock.now()) }]
  }

  /** The same of users elsewhere, of whom there are no rows: an answer on another branch is none if the state has the invitation. */
  async #restoredAbroad({ roomId }: RoomEvent, userId: string): Promise<InvitationRecordChange[]> {
    if (this.#isLocal(userId)) return []
    const held = await this.#standing.invitationOf({ roomId, userId })
    if (held === undefined) return []
    return [{ roomId, userId, change: restored(held.event.eventId, this.#clock.now()) }]
  }

  /** Of users elsewhere there are no rows: what the resolution of conflicts does to their invitations, the state alone tells. */
  async byMoves(after: number, upTo: number): Promise<InvitationRecordChange[]> {
    const moves = await this.#read.memberMoves.between(after, upTo)
    const byRoom = Map.groupBy(
      moves.filter(({ userId }) => !this.#isLocal(userId)),
      ({ roomNid }) => roomNid,
    )
    const changes = await this.#forgotten(after, upTo)
    // Nearly always: not even an empty list is asked for with every message.
    if (byRoom.size === 0) return changes
    for (const { nid, roomId } of await this.#read.rooms.byNids([...byRoom.keys()])) {
      const users = new Set(byRoom.get(nid)?.map(({ userId }) => userId))
      for (const userId of users) changes.push(...(await this.#brought({ roomId, userId })))
      for (const { userId, eventId } of await this.#records.ofUsers(roomId, [...users])) {
        if (eventId === undefined) continue
        const row = { roomId, userId, eventId }
        const status = await this.#standing.undoneBy(row)
        if (status === undefined) changes.push(...(await this.#restoredBy({ ...row, status: 'invited' })))
        else changes.push({ roomId, userId, change: onlyIfOf(row, ended(status, this.#clock.now())) })
      }
    }
    return changes
  }

  /**
   * The same where this server has come back into a room without its members, and is told of them at last: whom it had known there, and
   * nobody speaks of, has no membership at all.
   */
  async #forgotten(after: number, upTo: number): Promise<InvitationRecordChange[]> {
    const completed = await this.#read.partial.completedBetween(after, upTo)
    const changes: InvitationRecordChange[] = []
    for (const { nid, roomId } of await this.#read.rooms.byNids(completed.map(({ roomNid }) => roomNid))) {
      for (const { userId, eventId } of await this.#records.openIn(roomId)) {
        if (eventId === undefined || this.#isLocal(userId)) continue
        if ((await this.#read.memberships.one(userId, nid)) !== undefined) continue
        const change = onlyIfOf({ eventId }, ended('cancelled', this.#clock.now()))
        changes.push({ roomId, userId, change })
      }
    }
    return changes
  }

  /** An invitation by a user of this server that was not taken for one when it came, and holds now. */
  async #brought(key: InvitationKey): Promise<InvitationRecordChange[]> {
    const held = await this.#standing.invitationOf(key)
    if (held === undefined || !this.#isLocal(held.event.sender)) return []
    return [{ ...key, change: invited(shownEvent(held), this.#clock.now()) }]
  }

  /** Whether what has ended an invitation is told by no timeline; this server may have left the room before. */
  async #isUndone(row: InvitationRow): Promise<boolean> {
    if (row.status === 'invited') return false
    return (await this.#standing.holds(row)) || (await this.#standing.undoneBy(row)) !== undefined
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
