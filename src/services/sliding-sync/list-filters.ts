import { parseJson } from '../../core/canonical-json.ts'
import { isJsonObject, type JsonValue } from '../../core/json.ts'
import type { RoomSummary } from '../../core/room-summary.ts'
import type { AccountDataReader } from '../../storage/accounts/account-data.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { InvitationRow } from '../../storage/rooms/invitations.ts'
import type { AccountDataMemo } from '../rooms/account-data-memo.ts'
import type { RoomKind } from './known-rooms.ts'
import type { ListFilters } from './request.ts'
import type { JoinedPlace, LeftPlace, Place } from './room-list.ts'

/** Rooms whose summaries are read at a time. */
const BATCH = 100

const UNKNOWN: RoomKind = { roomType: null, isEncrypted: false }

/** Finds which of a user's rooms belong into a list ("SlidingRoomFilter"). One for each look, since it remembers. */
export class ListFilter {
  readonly #read: RoomReaders
  readonly #accountData: AccountDataReader
  readonly #direct: AccountDataMemo<ReadonlySet<string>>
  readonly #userId: string
  readonly #places: readonly Place[]
  #kinds: Promise<Map<string, RoomKind>> | undefined
  #tags: Promise<Map<string, readonly string[]>> | undefined

  constructor(parts: {
    read: RoomReaders
    accountData: AccountDataReader
    direct: AccountDataMemo<ReadonlySet<string>>
    userId: string
    places: readonly Place[]
  }) {
    this.#read = parts.read
    this.#accountData = parts.accountData
    this.#direct = parts.direct
    this.#userId = parts.userId
    this.#places = parts.places
  }

  /** The rooms that pass, in their order. */
  async passing(filters: ListFilters): Promise<Place[]> {
    const tests = await Promise.all([
      this.#byInvitation(filters),
      this.#byDirect(filters),
      this.#byKind(filters),
      this.#byTags(filters),
      this.#bySpaces(filters),
    ])
    const listed = this.#places.filter(place => place.kind !== 'left' || place.isListed)
    return listed.filter(place => tests.every(test => test === undefined || test(place)))
  }

  async #byInvitation({ isInvited }: ListFilters): Promise<((place: Place) => boolean) | undefined> {
    if (isInvited === undefined) return undefined
    return place => (place.kind === 'invited' && place.invitation.kind === 'invite') === isInvited
  }

  async #byDirect({ isDirect }: ListFilters): Promise<((place: Place) => boolean) | undefined> {
    if (isDirect === undefined) return undefined
    const direct = await this.#direct.of(this.#userId)
    return ({ roomId }) => direct.has(roomId) === isDirect
  }

  async #byKind(filters: ListFilters): Promise<((place: Place) => boolean) | undefined> {
    const { isEncrypted, roomTypes, notRoomTypes } = filters
    if (isEncrypted === undefined && roomTypes === undefined && notRoomTypes === undefined) return undefined
    this.#kinds ??= this.#loadKinds()
    const kinds = await this.#kinds
    return ({ roomId }) => {
      const room = kinds.get(roomId) ?? UNKNOWN
      return (
        (isEncrypted === undefined || room.isEncrypted === isEncrypted) &&
        (roomTypes === undefined || roomTypes.includes(room.roomType)) &&
        // "If a type is in both …, then `not_room_types` wins."
        notRoomTypes?.includes(room.roomType) !== true
      )
    }
  }

  async #byTags({ tags, notTags }: ListFilters): Promise<((place: Place) => boolean) | undefined> {
    if (tags === undefined && notTags === undefined) return undefined
    this.#tags ??= this.#loadTags()
    const tagged = await this.#tags
    return ({ roomId }) => {
      const own = tagged.get(roomId) ?? []
      return (
        (tags?.some(tag => own.includes(tag)) ?? true) && notTags?.some(tag => own.includes(tag)) !== true
      )
    }
  }

  /** "Unknown spaces or spaces the user is not joined to will be ignored." */
  async #bySpaces({ spaces }: ListFilters): Promise<((place: Place) => boolean) | undefined> {
    if (spaces === undefined) return undefined
    const children = new Set<string>()
    for (const place of this.#places) {
      if (place.kind !== 'joined' || !spaces.includes(place.roomId)) continue
      const now = Number.MAX_SAFE_INTEGER
      const entries = await this.#read.state.ofTypes(place.roomNid, ['m.space.child'], now)
      for (const { event, redactedBy } of await this.#read.events.byNids(entries.map(({ nid }) => nid))) {
        if (redactedBy === undefined && Array.isArray(event.content['via']))
          children.add(event.stateKey ?? '')
      }
    }
    return ({ roomId }) => children.has(roomId)
  }

  async #loadKinds(): Promise<Map<string, RoomKind>> {
    const kinds = new Map<string, RoomKind>()
    const unknown: (JoinedPlace | LeftPlace)[] = []
    for (const place of this.#places) {
      if (place.kind === 'invited') kinds.set(place.roomId, invitedKind(place.invitation))
      else if (place.kind === 'ended') kinds.set(place.roomId, invitedKind(place))
      else if (place.kind === 'left') unknown.push(...(place.isListed ? [place] : []))
      else if (place.activity.kind === undefined) unknown.push(place)
      else kinds.set(place.roomId, place.activity.kind)
    }
    for (let from = 0; from < unknown.length; from += BATCH) {
      const batch = unknown.slice(from, from + BATCH)
      const rows = await this.#read.summaries.ofRooms(batch.map(({ roomNid }) => roomNid))
      for (const place of batch) {
        const kind = kindOf(rows.get(place.roomNid)?.summary)
        kinds.set(place.roomId, kind)
        if (place.kind === 'joined') place.activity.kind = kind
      }
    }
    return kinds
  }

  async #loadTags(): Promise<Map<string, readonly string[]>> {
    const entries = await this.#accountData.ofType(this.#userId, 'm.tag')
    return new Map(
      entries.flatMap(({ roomId, content }) => {
        const { tags } = parseJson(content) as { tags?: JsonValue }
        return isJsonObject(tags) ? [[roomId, Object.keys(tags)] as const] : []
      }),
    )
  }
}

const kindOf = (summary: RoomSummary | undefined): RoomKind =>
  summary === undefined
    ? UNKNOWN
    : { roomType: summary.room_type ?? null, isEncrypted: summary.encryption !== undefined }

const invitedKind = ({ strippedState }: Pick<InvitationRow, 'strippedState'>): RoomKind => {
  const create = strippedState.find(event => event['type'] === 'm.room.create')?.['content']
  const type = isJsonObject(create) ? create['type'] : undefined
  return {
    roomType: typeof type === 'string' ? type : null,
    isEncrypted: strippedState.some(event => event['type'] === 'm.room.encryption'),
  }
}
