import { parseJson } from '../../core/canonical-json.ts'
import { isJsonObject, type JsonValue } from '../../core/json.ts'
import type { AccountDataReader } from '../../storage/accounts/account-data.ts'
import type { RoomReaders } from '../../storage/rooms/index.ts'
import type { InvitationRow } from '../../storage/rooms/invitations.ts'
import type { AccountDataMemo } from '../rooms/account-data-memo.ts'
import type { ListFilters } from './request.ts'
import type { Place } from './room-list.ts'

/** Rooms whose summaries are read at a time. */
const BATCH = 100

interface Facts {
  readonly roomType: string | null
  readonly isEncrypted: boolean
}

const UNKNOWN: Facts = { roomType: null, isEncrypted: false }

/** Finds which of a user's rooms belong into a list ("SlidingRoomFilter"). One for each look, since it remembers. */
export class ListFilter {
  readonly #read: RoomReaders
  readonly #accountData: AccountDataReader
  readonly #direct: AccountDataMemo<ReadonlySet<string>>
  readonly #userId: string
  readonly #places: readonly Place[]
  #facts: Promise<Map<string, Facts>> | undefined
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
      this.#byFacts(filters),
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

  async #byFacts(filters: ListFilters): Promise<((place: Place) => boolean) | undefined> {
    const { isEncrypted, roomTypes, notRoomTypes } = filters
    if (isEncrypted === undefined && roomTypes === undefined && notRoomTypes === undefined) return undefined
    this.#facts ??= this.#loadFacts()
    const facts = await this.#facts
    return ({ roomId }) => {
      const room = facts.get(roomId) ?? UNKNOWN
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

  async #loadFacts(): Promise<Map<string, Facts>> {
    const facts = new Map<string, Facts>()
    const nids: number[] = []
    for (const place of this.#places) {
      if (place.kind === 'invited') facts.set(place.roomId, invitedFacts(place.invitation))
      else if (place.kind === 'ended') facts.set(place.roomId, invitedFacts(place))
      else nids.push(place.roomNid)
    }
    for (let from = 0; from < nids.length; from += BATCH) {
      const rows = await this.#read.summaries.ofRooms(nids.slice(from, from + BATCH))
      for (const { roomId, summary } of rows.values()) {
        facts.set(roomId, {
          roomType: summary.room_type ?? null,
          isEncrypted: summary.encryption !== undefined,
        })
      }
    }
    return facts
  }

  async #loadTags(): Promise<Map<string, readonly string[]>> {
    const entries = await this.#accountData.all(this.#userId)
    return new Map(
      entries.flatMap(({ roomId, type, content }) => {
        const { tags } = type === 'm.tag' ? (parseJson(content) as { tags?: JsonValue }) : {}
        return isJsonObject(tags) ? [[roomId, Object.keys(tags)] as const] : []
      }),
    )
  }
}

const invitedFacts = ({ strippedState }: Pick<InvitationRow, 'strippedState'>): Facts => {
  const create = strippedState.find(event => event['type'] === 'm.room.create')?.['content']
  const type = isJsonObject(create) ? create['type'] : undefined
  return {
    roomType: typeof type === 'string' ? type : null,
    isEncrypted: strippedState.some(event => event['type'] === 'm.room.encryption'),
  }
}
