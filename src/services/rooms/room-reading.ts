import { MatrixError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import type { StoredEvent } from '../../storage/rooms/events.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { StateViews } from '../../storage/rooms/state-views.ts'
import type { Requester } from '../requester.ts'
import type { ClientEvents, EventViewer } from './client-events.ts'
import { chosenBy, type MembershipChoice } from './member-choice.ts'
import type { PartialRooms } from './partial-rooms.ts'
import { type Access, type AccessOf, isWorldReadable } from './room-access.ts'
import type { Seeing } from './room-sight.ts'
import { contentShown } from './room-summary.ts'
import { inSlices } from './state-slices.ts'
import type { TokenPosition } from './token-position.ts'

/** JSON texts of events, made as they are taken. */
type TextSlices = AsyncGenerator<string[], void>

/** Reads rooms for clients: state, members and single events, each as far as the requester may know. */
export class RoomReading {
  readonly #read: RoomReaders
  readonly #views: StateViews
  readonly #sights: Seeing
  readonly #accessOf: AccessOf
  readonly #clientEvents: ClientEvents
  readonly #tokenPosition: TokenPosition
  readonly #now: () => number
  readonly #partial: PartialRooms

  constructor(parts: {
    read: RoomReaders
    views: StateViews
    sights: Seeing
    access: AccessOf
    clientEvents: ClientEvents
    tokenPosition: TokenPosition
    currentPosition: () => number
    partial: PartialRooms
  }) {
    this.#partial = parts.partial
    this.#read = parts.read
    this.#views = parts.views
    this.#sights = parts.sights
    this.#accessOf = parts.access
    this.#clientEvents = parts.clientEvents
    this.#tokenPosition = parts.tokenPosition
    this.#now = parts.currentPosition
  }

  /** The room's state as JSON texts of client events. Throws `M_FORBIDDEN`. */
  async state(requester: Requester, roomId: string): Promise<string[]> {
    const texts: string[] = []
    for await (const slice of await this.stateSlices(requester, roomId))
      for (const text of slice) texts.push(text)
    return texts
  }

  /** The same as it is made: the state of a room may take hundreds of megabytes. Of one type, where that is given. */
  async stateSlices(requester: Requester, roomId: string, type?: string): Promise<TextSlices> {
    const access = await this.#access(requester, roomId)
    await this.#partial.require(access.room.nid)
    const entries = await this.#views.whole(access.room.nid, access.upTo ?? this.#now(), true)
    return this.#render(
      requester,
      access,
      entries.filter(entry => type === undefined || entry.type === type).map(({ nid }) => nid),
    )
  }

  /** Throws `M_FORBIDDEN` unless the requester may read the room as it is now. */
  async requirePresence(requester: Requester, roomId: string): Promise<void> {
    if ((await this.#access(requester, roomId)).upTo !== undefined) throw notInRoom()
  }

  /** Throws `M_FORBIDDEN` unless the requester may read the room. */
  async requireAccess(requester: Requester, roomId: string): Promise<void> {
    await this.#access(requester, roomId)
  }

  /** One state event: its content, or all of it. Throws `M_FORBIDDEN`, `M_NOT_FOUND`. */
  async stateEvent(
    requester: Requester,
    point: { roomId: string; type: string; stateKey: string; format: 'content' | 'event' },
  ): Promise<JsonObject> {
    const { type, stateKey } = point
    const access = await this.#access(requester, point.roomId)
    const find = () => this.#read.state.point(access.room.nid, type, stateKey, access.upTo)
    let nid = await find()
    if (nid === undefined && type === 'm.room.member') {
      await this.#partial.require(access.room.nid)
      nid = await find()
    }
    const stored = nid === undefined ? [] : await this.#read.events.byNids([nid])
    const viewer = await this.#viewer(requester, access)
    const [value] = await this.#clientEvents.values(stored, viewer, { roomId: true })
    if (value === undefined)
      throw new MatrixError('M_NOT_FOUND', `The room has no ${type} with this state key`)
    return point.format === 'event' ? value : (value['content'] as JsonObject)
  }

  /** Member events, now or as of a token, as JSON texts, made as they are taken. Throws `M_FORBIDDEN`, `M_INVALID_PARAM`. */
  async members(
    requester: Requester,
    roomId: string,
    options: MembershipChoice & { at?: string | undefined },
  ): Promise<TextSlices> {
    const access = await this.#access(requester, roomId)
    const position = await this.#positionOf(requester, options.at, access)
    await this.#partial.require(access.room.nid)
    const nids = await this.#views.memberEvents(access.room.nid, position)
    return this.#render(requester, access, nids, chosenBy(options))
  }

  /**
   * The joined members with what they are called, as the members of an object in JSON, made as they are taken. Throws `M_FORBIDDEN`
   * unless the requester is joined, or one of those for whom they speak: "an Application Service in which case any of the
   * AS's users must be in the room".
   */
  async joinedMembers(
    requester: Requester,
    roomId: string,
    speaksFor?: (userId: string) => boolean,
  ): Promise<TextSlices> {
    const room = await this.#read.rooms.byId(roomId)
    const own = room && (await this.#read.memberships.one(requester.userId, room.nid))
    if (room === undefined || (own?.membership !== 'join' && speaksFor === undefined)) throw notInRoom()
    await this.#partial.require(room.nid)
    const rows = await this.#read.memberships.joined(room.nid)
    if (own?.membership !== 'join' && !rows.some(row => speaksFor?.(row.userId))) throw notInRoom()
    const nids = rows.map(row => row.eventNid)
    return this.#cards(nids)
  }

  /** The rooms that a user has joined. */
  async joinedRooms(userId: string): Promise<string[]> {
    return (await this.#read.memberships.ofUser(userId, ['join'])).map(row => row.roomId)
  }

  /** How many rooms this server knows. */
  countRooms(): Promise<number> {
    return this.#read.rooms.count()
  }

  /** One event of a room as JSON text. Throws `M_NOT_FOUND` also for what the requester may not see. */
  async event(requester: Requester, roomId: string, eventId: string): Promise<string> {
    const stored = await this.visibleEvent(requester, roomId, eventId)
    const sight = await this.#sights.of(stored.roomNid, requester.userId)
    const forks = await this.#sights.forks([stored.nid], requester.userId)
    const viewer = { ...requester, sight, forks }
    const [text] = await this.#clientEvents.render([stored], viewer, { roomId: true, bundle: 'all' })
    if (text === undefined) throw notFound()
    return text
  }

  /** The same for an event whose room is not named. */
  async eventAnywhere(requester: Requester, eventId: string): Promise<string> {
    const stored = await this.#read.events.byId(eventId)
    if (stored === undefined) throw notFound()
    return this.event(requester, stored.event.roomId, eventId)
  }

  /** The stored event if the requester may see it. Throws `M_NOT_FOUND`. */
  async visibleEvent(requester: Requester, roomId: string, eventId: string): Promise<StoredEvent> {
    const [stored, room] = await Promise.all([this.#read.events.byId(eventId), this.#read.rooms.byId(roomId)])
    if (stored === undefined || room === undefined || stored.roomNid !== room.nid) throw notFound()
    if (stored.rejected !== undefined || stored.withheld === true) throw notFound()
    if (stored.softFailed && !(await this.#holds(stored))) throw notFound()
    const sight = await this.#sights.of(room.nid, requester.userId)
    const isState = stored.event.stateKey !== undefined && stored.position === undefined
    const seesAsState = isState && sight.membershipAt(this.#now()) === 'join'
    const forks = await this.#sights.forks([stored.nid], requester.userId)
    if (!sight.sees(stored, forks.get(stored.nid)) && !seesAsState) throw notFound()
    if (sight.membershipAt(this.#now()) !== 'join' && (await this.#hasForgotten(requester, room.nid))) {
      throw notFound()
    }
    return stored
  }

  /** What is soft-failed may come into the current state all the same: "the client should be told about it in the usual way". */
  async #holds({ nid, roomNid, event: { type, stateKey } }: StoredEvent): Promise<boolean> {
    return stateKey !== undefined && (await this.#read.state.point(roomNid, type, stateKey)) === nid
  }

  /** "After this API is called, … a user will no longer be able to retrieve history for this room": no more than a stranger. */
  async #hasForgotten({ userId }: Requester, roomNid: number): Promise<boolean> {
    const own = await this.#read.memberships.one(userId, roomNid)
    return own?.forgotten === true && !(await isWorldReadable(this.#read, roomNid))
  }

  #access({ userId }: Requester, roomId: string): Promise<Access> {
    return this.#accessOf(this.#read, userId, roomId)
  }

  async #viewer(requester: Requester, { room }: Access): Promise<EventViewer> {
    return { ...requester, sight: await this.#sights.of(room.nid, requester.userId) }
  }

  async *#render(
    requester: Requester,
    access: Access,
    nids: readonly number[],
    chosen: (stored: StoredEvent) => boolean = () => true,
  ): TextSlices {
    const viewer = await this.#viewer(requester, access)
    for await (const events of inSlices(this.#read, nids)) {
      yield await this.#clientEvents.render(events.filter(chosen), viewer, { roomId: true })
    }
  }

  async *#cards(nids: readonly number[]): AsyncGenerator<string[], void> {
    for await (const events of inSlices(this.#read, nids)) yield events.map(memberCard)
  }

  /** Who was in the room when the requester was not to know of it is not told: members are those of when they first were. */
  async #positionOf({ userId }: Requester, at: string | undefined, access: Access): Promise<number> {
    const limit = access.upTo ?? this.#now()
    if (at === undefined) return limit
    const position = this.#tokenPosition('at', at)
    const { ranges } = await this.#sights.of(access.room.nid, userId)
    const { from = limit } = ranges.find(({ to }) => to >= position) ?? {}
    return Math.min(Math.max(position, from), limit)
  }
}

const notInRoom = (): MatrixError => new MatrixError('M_FORBIDDEN', 'You are not in this room')

const notFound = (): MatrixError =>
  new MatrixError('M_NOT_FOUND', 'There is no such event, or you may not see it')

/** What a joined member is called in a room, under their user ID. */
const memberCard = (stored: StoredEvent): string => {
  const { displayname, avatar_url } = contentShown(stored)
  const card = {
    ...(typeof displayname === 'string' ? { display_name: displayname } : {}),
    ...(typeof avatar_url === 'string' ? { avatar_url } : {}),
  }
  return `${JSON.stringify(stored.event.stateKey ?? '')}:${JSON.stringify(card)}`
}
