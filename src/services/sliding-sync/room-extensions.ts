import type { StreamToken } from '../../core/stream-token.ts'
import type { SyncRequest } from '../sync/sync-request.ts'
import { extrasByRoom, type News, type SyncSource, type ToldRoom } from '../sync/sync-source.ts'
import { type Owed, type RoomStream, withOwed } from './owed.ts'
import type { ExtensionScope } from './request.ts'
import type { Selected } from './selection.ts'
import type { SentRoom } from './sent-room.ts'
import type { ToldRoom as WrittenRoom } from './told-room.ts'

/** Rooms of one response that are told all there is, though the client has them; the others come with the next, which does not wait. */
const MAX_OWED_AT_ONCE = 250

/** Which rooms extensions may speak of. */
export interface ExtensionRooms {
  /** Rooms that this response sends for the first time: all there is of them is told. */
  readonly fresh: readonly ToldRoom[]
  /** Rooms that have been sent before, by room ID. */
  readonly known: {
    has(roomId: string): boolean
    get(roomId: string): Pick<SentRoom, 'members'> | undefined
    keys(): Iterable<string>
  }
  /** The rooms that the request is about, by room ID. */
  readonly selected: ReadonlyMap<string, Selected>
  readonly owed: Owed
  /** The rooms of this response, by room ID. */
  readonly told: ReadonlyMap<string, Pick<WrittenRoom, 'sent' | 'people'>>
  /** Whether this response shows an event in the room's timeline. */
  isTold(roomId: string, nid: number): boolean
}

/** What one stream has to say of rooms: texts of events by room ID, and what is owed after that. */
export interface RoomsTold {
  readonly told: (readonly [roomId: string, events: readonly string[]])[]
  readonly owed: Owed
}

/** Finds what a stream tells of rooms on which its extension bears, and keeps in mind what it does not tell of others. */
export class RoomExtensions {
  readonly #sources: readonly SyncSource[]

  constructor(sources: readonly SyncSource[]) {
    this.#sources = sources
  }

  /**
   * @param before where the streams stood in the response before: one that nobody has followed has told of no room
   * @param news what there is since then
   */
  async told(
    request: SyncRequest,
    { stream, scope, news }: { stream: RoomStream; scope: ExtensionScope; news: readonly News[] },
    before: StreamToken,
    rooms: ExtensionRooms,
  ): Promise<RoomsTold> {
    const { fresh, known, selected } = rooms
    const told: (readonly [string, readonly string[]])[] = []
    const owed = new Set(before[stream] === undefined ? known.keys() : rooms.owed[stream])
    const freshIds = new Set(fresh.map(({ roomId }) => roomId))
    for (const [roomId, extras] of extrasByRoom(news)) {
      const events = (stream === 'account_data' ? extras.accountData : extras.ephemeral) ?? []
      if (events.length === 0 || !known.has(roomId) || freshIds.has(roomId) || owed.has(roomId)) continue
      if (bearsOn(scope, selected.get(roomId), roomId)) told.push([roomId, events])
      else owed.add(roomId)
    }
    const whole: ToldRoom[] = []
    for (const room of fresh) {
      owed.delete(room.roomId)
      if (bearsOn(scope, selected.get(room.roomId), room.roomId)) whole.push(room)
      else owed.add(room.roomId)
    }
    for (const room of whole) {
      const events = await this.#wholeOf(request, stream, room)
      if (events.length > 0) told.push([room.roomId, events])
    }
    const span = before[stream] === undefined ? undefined : { after: 0 }
    const most = told.length + MAX_OWED_AT_ONCE
    for (const room of dueOf(owed, { stream, scope, selected, fresh: freshIds })) {
      owed.delete(room.roomId)
      const events = await this.#wholeOf(request, stream, { ...room, span })
      if (events.length > 0 && told.push([room.roomId, events]) >= most) break
    }
    return { told, owed: withOwed(rooms.owed, stream, owed) }
  }

  /** What is owed of a stream that is not asked for now: rooms that come without it. One that was never asked for has told of none. */
  passedOver(stream: RoomStream, before: StreamToken, { fresh, owed }: ExtensionRooms): Owed {
    if (before[stream] === undefined || fresh.length === 0) return owed
    return withOwed(owed, stream, new Set([...(owed[stream] ?? []), ...fresh.map(({ roomId }) => roomId)]))
  }

  async #wholeOf(request: SyncRequest, stream: RoomStream, room: ToldRoom): Promise<readonly string[]> {
    const sources = this.#sources.filter(source => source.stream === stream)
    const found = await Promise.all(
      sources.map(source =>
        stream === 'account_data'
          ? (source.roomAccountData?.(request, room) ?? [])
          : (source.roomEphemeral?.(request, room) ?? []),
      ),
    )
    return found.flat()
  }
}

/** Whether an extension is to speak of a room. */
export const bearsOn = (
  { lists, rooms }: ExtensionScope,
  selected: Selected | undefined,
  roomId: string,
): boolean =>
  selected !== undefined &&
  ((selected.isSubscribed && rooms?.has(roomId) !== false) ||
    selected.lists.some(name => lists?.has(name) !== false))

/** The rooms of those that are owed of which the extension may speak now: what others do in a room that was left is not the user's to see. */
const dueOf = (
  owed: ReadonlySet<string>,
  {
    stream,
    scope,
    selected,
    fresh,
  }: {
    readonly stream: RoomStream
    readonly scope: ExtensionScope
    readonly selected: ReadonlyMap<string, Selected>
    readonly fresh: ReadonlySet<string>
  },
): ToldRoom[] => {
  const due: ToldRoom[] = []
  for (const roomId of owed) {
    const one = selected.get(roomId)
    if (fresh.has(roomId) || one === undefined || !('roomNid' in one.place)) continue
    if (one.place.kind !== 'joined' && stream !== 'account_data') continue
    if (bearsOn(scope, one, roomId)) due.push({ roomNid: one.place.roomNid, roomId })
  }
  return due
}
