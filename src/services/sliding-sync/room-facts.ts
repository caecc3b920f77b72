import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { StatePoint } from '../../storage/rooms/state-views.ts'
import type { SyncReader } from '../../storage/rooms/sync-reader.ts'
import type { UnreadCounts } from '../push/unread.ts'
import type { Sights } from '../rooms/room-sight.ts'
import type { PartialSpans } from '../sync/partial-spans.ts'
import type { RoomSummaries } from '../sync/room-summaries.ts'
import type { SpanMemo } from '../sync/span-memo.ts'

/** "Proper" activity: what moves a room up in clients' own lists (`bump_stamp`). */
const BUMP_TYPES = [
  ...['m.room.create', 'm.room.message', 'm.room.encrypted', 'm.sticker', 'm.call.invite'],
  ...['m.poll.start', 'org.matrix.msc3381.poll.start', 'm.beacon_info', 'org.matrix.msc3672.beacon_info'],
]

/** What rooms are called and shown by, as members of a room in a response (JSON text). */
export class RoomFacts {
  readonly #parts: {
    readonly read: RoomReaders
    readonly sync: SyncReader
    readonly summaries: RoomSummaries
    readonly memo: SpanMemo
    readonly unread: Pick<UnreadCounts, 'ofRoom'>
    readonly partial: Pick<PartialSpans, 'isCompletedIn'>
    readonly sights: Pick<Sights, 'of'>
  }

  constructor(parts: {
    read: RoomReaders
    sync: SyncReader
    summaries: RoomSummaries
    memo: SpanMemo
    unread: Pick<UnreadCounts, 'ofRoom'>
    partial: Pick<PartialSpans, 'isCompletedIn'>
    sights: Pick<Sights, 'of'>
  }) {
    this.#parts = parts
  }

  /** Name, picture, heroes and how many there are: all of it, or what has changed after a position. */
  async of(
    roomNid: number,
    userId: string,
    { after, upTo }: { readonly after: number | undefined; readonly upTo: number },
  ): Promise<string[]> {
    const { memo, summaries, partial } = this.#parts
    const isNew = after === undefined
    const changes: readonly StatePoint[] = isNew
      ? []
      : [...(await memo.changes(roomNid, after, upTo)), ...(await memo.ended(roomNid, after, upTo))]
    // Members who have come to be known were members before: their state has not changed.
    const isNewlyComplete = !isNew && partial.isCompletedIn(roomNid, after, upTo)
    // Whoever redacts a name changes no state, and takes the name away.
    const isOpen = isNew || memo.mayRedact(roomNid, after, upTo)
    const changed = (type: string): boolean =>
      isOpen || changes.some(change => change.type === type) || (type === MEMBER && isNewlyComplete)
    const summary = JSON.parse(await summaries.text(roomNid, userId)) as Record<string, unknown>
    return [
      ...(changed('m.room.name') ? await this.#content(roomNid, 'm.room.name', ['name', 'name'], isNew) : []),
      ...(changed('m.room.avatar')
        ? await this.#content(roomNid, 'm.room.avatar', ['url', 'avatar'], isNew)
        : []),
      ...(HERO_TYPES.some(changed) ? await this.#heroes(roomNid, userId, upTo) : []),
      ...(changed(MEMBER)
        ? [
            `"joined_count":${JSON.stringify(summary['m.joined_member_count'])}`,
            `"invited_count":${JSON.stringify(summary['m.invited_member_count'])}`,
          ]
        : []),
      ...(await this.#counts(userId, roomNid)),
      `"bump_stamp":${await this.#bumpStamp(roomNid, userId, upTo)}`,
    ]
  }

  /** A member of the content of some state, under another name; `null` where it has been removed. */
  async #content(
    roomNid: number,
    type: string,
    [member, name]: readonly [string, string],
    isNew: boolean,
  ): Promise<string[]> {
    const { read } = this.#parts
    const nid = await read.state.point(roomNid, type, '')
    const [stored] = nid === undefined ? [] : await read.events.byNids([nid])
    const value = stored?.redactedBy === undefined ? stored?.event.content[member] : undefined
    if (typeof value === 'string' && value !== '') return [`"${name}":${JSON.stringify(value)}`]
    return isNew ? [] : [`"${name}":null`]
  }

  /** "Heroes are only included if the room name is not set." */
  async #heroes(roomNid: number, userId: string, upTo: number): Promise<string[]> {
    const { summaries, memo, read } = this.#parts
    const heroes = await summaries.heroes(roomNid, userId)
    if (heroes.length === 0) return []
    const entries = await memo.members(roomNid, heroes, upTo)
    const events = await read.events.byNids(entries.map(({ nid }) => nid))
    const shown = heroes.map(hero => {
      const stored = events.find(({ event }) => event.stateKey === hero)
      const { displayname, avatar_url } =
        stored?.redactedBy === undefined ? (stored?.event.content ?? {}) : {}
      return {
        user_id: hero,
        ...(typeof displayname === 'string' ? { displayname } : {}),
        ...(typeof avatar_url === 'string' ? { avatar_url } : {}),
      }
    })
    return [`"heroes":${JSON.stringify(shown)}`]
  }

  async #counts(userId: string, roomNid: number): Promise<string[]> {
    const { total } = await this.#parts.unread.ofRoom(userId, roomNid)
    return [`"notification_count":${total.notification_count}`, `"highlight_count":${total.highlight_count}`]
  }

  /**
   * Of a room that has been joined by way of another server, or whose messages were purged, no such event is here; without a stamp clients
   * put it below all others.
   */
  async #bumpStamp(roomNid: number, userId: string, upTo: number): Promise<number> {
    const position = await this.#parts.sync.newestOfTypes(roomNid, BUMP_TYPES, upTo)
    if (position !== undefined && position > 0) return position
    const { joins } = await this.#parts.sights.of(roomNid, userId)
    return joins.findLast(({ from }) => from <= upTo)?.from ?? upTo
  }
}

const MEMBER = 'm.room.member'
const HERO_TYPES = [MEMBER, 'm.room.name', 'm.room.canonical_alias']
