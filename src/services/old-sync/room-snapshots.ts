import { MatrixError } from '../../core/errors.ts'
import { roomEventFilter } from '../../core/filter.ts'
import { formatStreamToken } from '../../core/stream-token.ts'
import { AccountDataReader } from '../../storage/accounts/account-data.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { InvitationRow } from '../../storage/rooms/invitations.ts'
import type { MembershipRow } from '../../storage/rooms/memberships.ts'
import { type Body, objectBody } from '../body.ts'
import type { Requester } from '../requester.ts'
import { accessOf } from '../rooms/room-access.ts'
import type { RoomHistory } from '../rooms/room-history.ts'
import type { RoomReading } from '../rooms/room-reading.ts'
import type { RoomViews } from '../rooms/room-views.ts'
import type { RoomsContext } from '../rooms/room-writer.ts'
import { inviteEvent, type OwnNews } from './own-news.ts'

const DEFAULT_LIMIT = 20
const MAX_INVITATIONS = 500

/**
 * The endpoints from before `/sync` that show a room, or all rooms of a user, as they are: of use for peeking
 * (module "Room previews"). Everything is answered as JSON text.
 */
export class RoomSnapshots {
  readonly #context: RoomsContext
  readonly #read: RoomReaders
  readonly #roomReading: RoomReading
  readonly #roomHistory: RoomHistory
  readonly #accountData: AccountDataReader
  readonly #views: RoomViews
  readonly #own: OwnNews

  constructor(parts: {
    context: RoomsContext
    views: RoomViews
    roomReading: RoomReading
    roomHistory: RoomHistory
    own: OwnNews
  }) {
    this.#context = parts.context
    this.#read = parts.context.read
    this.#views = parts.views
    this.#own = parts.own
    this.#roomReading = parts.roomReading
    this.#roomHistory = parts.roomHistory
    this.#accountData = new AccountDataReader(parts.context.db)
  }

  /** `GET /rooms/{roomId}/initialSync`. Throws `M_FORBIDDEN`. */
  async room(requester: Requester, roomId: string): Promise<Body> {
    const { members, state } = await this.#parts(requester, roomId)
    return objectBody(members, [['state', state]])
  }

  /** What there is of a room: members as JSON texts, and its state. */
  async #parts(
    requester: Requester,
    roomId: string,
    limit: number = DEFAULT_LIMIT,
  ): Promise<{ readonly members: readonly string[]; readonly state: AsyncGenerator<string[], void> }> {
    const { room, membership } = await accessOf(this.#read, requester.userId, roomId)
    const [page, state, accountData, summary] = await Promise.all([
      this.#roomHistory.messages(requester, roomId, {
        direction: 'b',
        limit,
        filter: roomEventFilter(undefined),
      }),
      this.#roomReading.stateSlices(requester, roomId),
      this.#accountData.all(requester.userId),
      this.#read.summaries.ofRoom(room.nid),
    ])
    const messages = [
      ...(page.end === undefined ? [] : [`"start":"${page.end}"`]),
      `"end":"${page.start}"`,
      `"chunk":[${page.chunk.toReversed().join(',')}]`,
    ]
    const data = accountData.filter(entry => entry.roomId === roomId).map(dataEvent)
    const members = [
      `"room_id":${JSON.stringify(roomId)}`,
      ...(membership === undefined || membership === 'knock' ? [] : [`"membership":"${membership}"`]),
      `"messages":${joined(messages)}`,
      `"visibility":"${summary?.isPublished === true ? 'public' : 'private'}"`,
      `"account_data":[${data.join(',')}]`,
    ]
    return { members, state }
  }

  /** `GET /initialSync`: all rooms of a user, with those that they have left if asked for. */
  async all(
    requester: Requester,
    options: { readonly limit?: number | undefined; readonly archived: boolean },
  ): Promise<Body> {
    const { userId } = requester
    const { db } = this.#context
    await this.#own.ready()
    const end = formatStreamToken(this.#own.now)
    const memberships = options.archived ? (['join', 'leave', 'ban'] as const) : (['join'] as const)
    const [rows, invitations, initial, ignored, policy] = await Promise.all([
      this.#read.memberships.ofUser(userId, memberships),
      this.#read.invitations.pending(userId, db.position('invites'), MAX_INVITATIONS),
      this.#own.initial(requester),
      this.#views.ignoredUsers.of(userId),
      this.#views.invitePolicies.of(userId),
    ])
    const shown = invitations.filter(
      ({ kind, sender }) => kind === 'invite' && !ignored.has(sender) && policy(sender) === 'allow',
    )
    const members = [
      `"end":"${end}"`,
      `"presence":[${initial.presence.join(',')}]`,
      `"account_data":[${initial.accountData.join(',')}]`,
    ]
    return objectBody(members, [['rooms', this.#rooms(requester, rows, shown, options.limit)]])
  }

  async *#rooms(
    requester: Requester,
    rows: readonly MembershipRow[],
    invitations: readonly InvitationRow[],
    limit: number | undefined,
  ): AsyncGenerator<string[], void> {
    for (const row of rows) {
      const text = await this.#ofRow(requester, row, limit)
      if (text !== undefined) yield [text]
    }
    for (const row of invitations)
      yield [JSON.stringify({ room_id: row.roomId, membership: 'invite', invite: inviteEvent(row) })]
  }

  /** A room that the user has left without ever having been in it, or just now, has nothing to show. */
  async #ofRow(requester: Requester, row: MembershipRow, limit?: number): Promise<string | undefined> {
    if (row.membership !== 'join' && row.forgotten) return undefined
    const parts = await this.#parts(requester, row.roomId, limit).catch(noneOf)
    if (parts === undefined) return undefined
    const state: string[] = []
    for await (const slice of parts.state) state.push(...slice)
    return joined([...parts.members, `"state":[${state.join(',')}]`])
  }
}

const noneOf = (error: unknown): undefined => {
  if (!(error instanceof MatrixError)) throw error
}

const joined = (members: readonly string[]): string => `{${members.join(',')}}`

/** `content` is JSON text already. */
const dataEvent = ({ type, content }: { type: string; content: string }): string =>
  `{"type":${JSON.stringify(type)},"content":${content}}`
