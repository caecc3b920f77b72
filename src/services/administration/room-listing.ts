import { MatrixError } from '../../core/errors.ts'
import type { JsonObject, JsonValue } from '../../core/json.ts'
import { LocalDeviceCounter } from '../../storage/rooms/local-devices.ts'
import { type CataloguedRoom, RoomCatalogue, type RoomPage } from '../../storage/rooms/room-catalogue.ts'
import type { RoomCore } from '../rooms/index.ts'
import { contentShown } from '../rooms/room-summary.ts'

/** A room as the admin API lists it. What is not known, or not set, is `null`. */
export interface ListedRoom {
  readonly [name: string]: JsonValue
  readonly room_id: string
  readonly name: string | null
  readonly canonical_alias: string | null
  readonly joined_members: number
  readonly joined_local_members: number
  readonly version: string
  readonly creator: string
  readonly encryption: string | null
  readonly federatable: boolean
  readonly public: boolean
  readonly join_rules: string | null
  readonly guest_access: string | null
  readonly history_visibility: string | null
  readonly state_events: number
  readonly room_type: string | null
}

/** A room with all that is told of it. */
export interface RoomDetails extends ListedRoom {
  readonly avatar: string | null
  readonly topic: string | null
  /** Of its members who are users of this server. */
  readonly joined_local_devices: number
  /** Whether everybody of this server who was in it has left and forgotten it. */
  readonly forgotten: boolean
  readonly tombstoned: boolean
  readonly replacement_room: string | null
}

/** What rooms the server knows, for administrators. */
export class RoomListing {
  readonly catalogue: RoomCatalogue
  readonly #core: RoomCore
  readonly #devices: LocalDeviceCounter

  constructor(core: RoomCore) {
    this.#core = core
    this.catalogue = new RoomCatalogue(core.context.db)
    this.#devices = new LocalDeviceCounter(core.context.db)
  }

  /** A page of the rooms that are wanted, and how many there are. */
  async list(page: RoomPage): Promise<{ rooms: ListedRoom[]; total: number }> {
    const { serverName } = this.#core.context
    const [rows, total] = await Promise.all([
      this.catalogue.page(serverName, page),
      this.catalogue.count(page),
    ])
    return { rooms: await this.#listed(rows), total }
  }

  /** Throws `M_NOT_FOUND`. */
  async details(roomId: string): Promise<RoomDetails> {
    const { serverName } = this.#core.context
    const row = await this.catalogue.one(serverName, roomId)
    if (row === undefined) throw notFound()
    const [listed] = await this.#listed([row])
    const tombstone = await this.#content(row.nid, 'm.room.tombstone')
    const { devices, isRemembered } = await this.#devices.ofRoom(row.nid, serverName)
    const { avatar_url: avatar, topic } = row.summary ?? {}
    return {
      ...(listed ?? nothing(row)),
      avatar: avatar ?? null,
      topic: topic ?? null,
      joined_local_devices: devices,
      forgotten: !isRemembered,
      tombstoned: tombstone !== undefined,
      replacement_room: text(tombstone?.['replacement_room']),
    }
  }

  /** `undefined` where the room is not known. */
  async nidOf(roomId: string): Promise<number | undefined> {
    return (await this.#core.context.read.rooms.byId(roomId))?.nid
  }

  /** An event as it is stored, with its ID, whatever has become of it. Throws `M_NOT_FOUND`. */
  async event(eventId: string): Promise<JsonObject> {
    const stored = await this.#core.context.read.events.byId(eventId)
    if (stored === undefined) throw new MatrixError('M_NOT_FOUND', 'The event was not found')
    const { event, rejected, softFailed } = stored
    const age = this.#core.context.clock.now() - event.originServerTs
    return {
      ...event.pdu,
      event_id: event.eventId,
      room_id: event.roomId,
      unsigned: {
        age,
        ...(softFailed ? { 'io.element.synapse.soft_failed': true } : {}),
        ...(rejected === undefined ? {} : { 'chat.tessera.rejected': rejected }),
      },
    }
  }

  /** The user IDs of the members of a room. Throws `M_NOT_FOUND`. */
  async members(roomId: string): Promise<string[]> {
    const { read } = this.#core.context
    const room = await read.rooms.byId(roomId)
    if (room === undefined) throw notFound()
    return (await read.memberships.joined(room.nid)).map(({ userId }) => userId)
  }

  /** The ends of a room's graph, deepest first. Throws `M_NOT_FOUND`. */
  async ends(roomId: string): Promise<{ eventId: string; depth: number; ts: number }[]> {
    const { read } = this.#core.context
    const room = await read.rooms.byId(roomId)
    if (room === undefined) throw notFound()
    const ends = await read.rooms.extremities(room.nid)
    const events = await read.events.byNids(ends.map(({ nid }) => nid))
    const times = new Map(events.map(({ nid, event }) => [nid, event.originServerTs]))
    return ends.map(({ nid, eventId, depth }) => ({ eventId, depth, ts: times.get(nid) ?? 0 }))
  }

  async #listed(rows: readonly CataloguedRoom[]): Promise<ListedRoom[]> {
    const { read } = this.#core.context
    const rules = await this.catalogue.rules(rows.map(({ nid }) => nid))
    const events = await read.events.byNids(rules.map(({ eventNid }) => eventNid))
    const contents = new Map(
      events.map(stored => [`${stored.roomNid} ${stored.event.type}`, contentShown(stored)]),
    )
    return rows.map(row => {
      const rule = (type: string, name: string): string | null =>
        text(contents.get(`${row.nid} ${type}`)?.[name])
      return {
        ...nothing(row),
        guest_access: rule('m.room.guest_access', 'guest_access'),
        history_visibility: rule('m.room.history_visibility', 'history_visibility'),
      }
    })
  }

  async #content(roomNid: number, type: string): Promise<JsonObject | undefined> {
    const { read } = this.#core.context
    const nid = await read.state.point(roomNid, type, '')
    const [stored] = nid === undefined ? [] : await read.events.byNids([nid])
    return stored && contentShown(stored)
  }
}

const text = (value: JsonValue | undefined): string | null => (typeof value === 'string' ? value : null)

/** What is known without looking into the state. */
const nothing = (row: CataloguedRoom): ListedRoom => ({
  room_id: row.roomId,
  name: row.summary?.name ?? null,
  canonical_alias: row.summary?.canonical_alias ?? null,
  joined_members: row.members,
  joined_local_members: row.localMembers,
  version: row.version,
  creator: row.creator,
  encryption: row.summary?.encryption ?? null,
  federatable: row.isFederated,
  public: row.isPublic,
  join_rules: row.summary?.join_rule ?? null,
  guest_access: null,
  history_visibility: null,
  state_events: row.stateEvents,
  room_type: row.summary?.room_type ?? null,
})

const notFound = (): MatrixError => new MatrixError('M_NOT_FOUND', 'The room was not found')
