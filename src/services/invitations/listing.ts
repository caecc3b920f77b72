import { MatrixError } from '../../core/errors.ts'
import { isJsonObject, type JsonObject } from '../../core/json.ts'
import type { Operations } from '../../spec/types.ts'
import type {
  Direction,
  InvitationPlace,
  InvitationRecord,
  StoredInvitation,
} from '../../storage/invitations/records.ts'
import type { InvitationStatus } from '../../storage/rooms/invitations.ts'
import type { RoomSummaries } from '../discovery/room-summaries.ts'
import { contentShown } from '../rooms/room-summary.ts'
import type { RoomViews } from '../rooms/room-views.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'
import { shownProfile } from '../rooms/shown-profile.ts'
import { addressOf } from './address-invitations.ts'
import { type CalendarPart, calendarOf, matrixUri } from './calendar.ts'
import type { InvitationFollower } from './follower.ts'
import type { InvitationRecords } from './records.ts'

/** An invitation as clients are shown it. */
export type ShownInvitation = Operations['getInvitation']['response']
export type InvitationList = Operations['getInvitations']['response']

const ALL: readonly InvitationStatus[] = [
  'scheduled',
  'invited',
  'accepted',
  'declined',
  'cancelled',
  'expired',
]
/** What is not for somebody's eyes is skipped, in so many stretches at most. */
const MAX_STRETCHES = 10
const DEFAULT_LIMIT = 20
const MAX_LIMIT = 100

/** Shows people the invitations that they have got and sent. */
export class InvitationListing {
  readonly #context: RoomsContext
  readonly #records: InvitationRecords
  readonly #follower: InvitationFollower
  readonly #summaries: RoomSummaries
  readonly #views: RoomViews

  constructor(parts: {
    context: RoomsContext
    records: InvitationRecords
    follower: InvitationFollower
    summaries: RoomSummaries
    views: RoomViews
  }) {
    this.#context = parts.context
    this.#records = parts.records
    this.#follower = parts.follower
    this.#summaries = parts.summaries
    this.#views = parts.views
  }

  /** A page of somebody's invitations, newest first. Throws `M_INVALID_PARAM` for a bad `from`. */
  async list(
    userId: string,
    query: {
      readonly direction?: Direction | undefined
      readonly room_id?: string | undefined
      readonly status?: readonly InvitationStatus[] | undefined
      readonly limit?: number | undefined
      readonly from?: string | undefined
    },
  ): Promise<InvitationList> {
    const { direction = 'received', room_id: roomId } = query
    const limit = Math.min(query.limit ?? DEFAULT_LIMIT, MAX_LIMIT)
    const statuses = [...new Set(query.status ?? ALL)]
    let after = query.from === undefined ? undefined : placeOf(query.from)
    await this.#follower.caughtUp()
    const wants = await this.#wantedInviters(userId)
    const shown: StoredInvitation[] = []
    for (let stretch = 0; stretch < MAX_STRETCHES; stretch++) {
      const wanted = limit - shown.length
      const page = await this.#records.read.page(direction, {
        ...{ owner: userId, roomId, statuses, after, limit: wanted },
      })
      shown.push(...page.filter(record => isFor(userId, record, wants)))
      const last = page.at(-1)
      after = page.length < wanted ? undefined : last
      if (after === undefined || shown.length === limit) break
    }
    const invitations = await Promise.all(shown.map(record => this.#show(userId, record)))
    return { invitations, ...(after === undefined ? {} : { next_batch: tokenOf(after) }) }
  }

  /** One invitation, for its two sides. Throws `M_NOT_FOUND`. */
  async one(userId: string, roomId: string, invited: string = userId): Promise<ShownInvitation> {
    return this.#show(userId, await this.record(userId, roomId, invited))
  }

  /** The same as it is stored. Throws `M_NOT_FOUND`. */
  async record(userId: string, roomId: string, invited: string = userId): Promise<StoredInvitation> {
    await this.#follower.caughtUp()
    const record = await this.#records.read.one(roomId, invited)
    if (record === undefined || !isFor(userId, record, await this.#wantedInviters(userId))) {
      throw new MatrixError('M_NOT_FOUND', 'You know of no such invitation')
    }
    return record
  }

  /** The same for a calendar. Throws `M_NOT_FOUND`. */
  async calendar(userId: string, roomId: string, invited: string = userId): Promise<CalendarPart> {
    const record = await this.record(userId, roomId, invited)
    return (await this.inWords(record, userId)).calendar
  }

  /**
   * An invitation for people who read it elsewhere.
   *
   * @param viewer who may know what stands there
   * @param uris how calendars know the two sides; by default as Matrix users
   */
  async inWords(
    record: InvitationRecord,
    viewer: string,
    uris = { organizer: matrixUri(record.inviter), attendee: matrixUri(record.userId) },
  ): Promise<{
    readonly inviter: string
    readonly roomName: string | undefined
    readonly calendar: CalendarPart
  }> {
    const { room, inviter, invited } = await this.#show(viewer, record)
    const roomName = room.name === '' ? room.alias : room.name
    const calendar = calendarOf({
      record,
      organizer: { uri: uris.organizer, name: inviter.displayname },
      attendee: { uri: uris.attendee, name: invited.displayname },
      roomName,
    })
    const nameOf = inviter.displayname ?? ''
    return { inviter: nameOf === '' ? record.inviter : nameOf, roomName, calendar }
  }

  /** Whether the invited user wants to know of it. */
  async isWanted({ userId, inviter }: Pick<InvitationRecord, 'userId' | 'inviter'>): Promise<boolean> {
    return (await this.#wantedInviters(userId))(inviter)
  }

  /** Whose invitations a user wants to see: of nobody whom they ignore, or whose invitations they refuse. */
  async #wantedInviters(userId: string): Promise<(inviter: string) => boolean> {
    const { ignoredUsers, invitePolicies } = this.#views
    const [ignored, policy] = await Promise.all([ignoredUsers.of(userId), invitePolicies.of(userId)])
    return inviter => !ignored.has(inviter) && policy(inviter) === 'allow'
  }

  async #show(viewer: string, record: InvitationRecord): Promise<ShownInvitation> {
    const { userId, roomId, inviter, status, details, expiresTs, deliverTs } = record
    const { comment, event, failure } = details
    // Silence is for the inviter; whoever has declined knows what they said.
    const address = addressOf(userId)
    const answer = record.silent && viewer !== userId ? undefined : details.answer
    const [room, by, to] = await Promise.all([
      this.#summaries.ofInvitation(viewer, record),
      this.#person(record, inviter),
      address === undefined ? this.#person(record, userId) : { address },
    ])
    return {
      ...{ room_id: roomId, room, inviter: by, invited: to, status },
      created_ts: record.createdTs,
      updated_ts: record.updatedTs,
      ...(comment === undefined ? {} : { reason: comment }),
      ...(expiresTs === undefined ? {} : { expires_ts: expiresTs }),
      ...(deliverTs === undefined ? {} : { deliver_ts: deliverTs }),
      ...(event === undefined ? {} : { event }),
      ...(answer === undefined ? {} : { answer }),
      ...(failure === undefined ? {} : { failure: { ...failure } }),
    }
  }

  /** A side of the invitation with name and picture: as the room has them, or, for who has left it, as the invitation has. */
  async #person(
    { roomId, userId, eventId }: InvitationRecord,
    of: string,
  ): Promise<ShownInvitation['inviter']> {
    const { read } = this.#context
    // Many may be listed, and rooms are large: no more is read of each than this.
    const room = await read.rooms.byId(roomId)
    const nid = room && (await read.state.point(room.nid, 'm.room.member', of))
    const [stored] = nid === undefined ? [] : await read.events.byNids([nid])
    const current = stored && contentShown(stored)
    const membership = current?.['membership']
    if (membership === 'join' || membership === 'invite') return { user_id: of, ...shownProfile([current]) }
    const invitation =
      of === userId && eventId !== undefined ? (await read.events.byIds([eventId])).get(eventId) : undefined
    const invited = invitation && contentShown(invitation)
    return {
      user_id: of,
      ...shownProfile([current, invited, await this.#strippedMember(roomId, userId, of)]),
    }
  }

  async #strippedMember(roomId: string, userId: string, of: string): Promise<JsonObject> {
    const invitation = await this.#context.read.invitations.one(userId, roomId)
    const member = invitation?.strippedState.find(
      event => event['type'] === 'm.room.member' && event['state_key'] === of,
    )
    return isJsonObject(member?.['content']) ? member['content'] : {}
  }
}

/** What is not sent yet is its inviter's alone; "ignored users' invitations never appear". */
const isFor = (viewer: string, record: InvitationRecord, wants: (inviter: string) => boolean): boolean => {
  if (viewer === record.inviter) return true
  return viewer === record.userId && record.eventId !== undefined && wants(record.inviter)
}

const tokenOf = ({ createdTs, recordId }: InvitationPlace): string => `${createdTs}_${recordId}`

const placeOf = (token: string): InvitationPlace => {
  const [, createdTs, recordId] = /^(\d{1,15})_(.{1,128})$/.exec(token) ?? []
  if (createdTs === undefined || recordId === undefined) {
    throw new MatrixError('M_INVALID_PARAM', 'from is not a token of this list')
  }
  return { createdTs: Number(createdTs), recordId }
}
