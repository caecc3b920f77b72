import type { JsonObject } from '../core/json.ts'
import { SYNAPSE_TABLES, type SynapseRows, type SynapseTables, type SynapseValue } from './synapse-tables.ts'

/** The tables of Synapse that the import reads of rooms, beside those of accounts. */
export const ROOM_TABLES: SynapseTables = {
  ...SYNAPSE_TABLES,
  events:
    'stream_ordering bigint, topological_ordering bigint, event_id text, type text, room_id text, outlier boolean, depth bigint, origin_server_ts bigint, received_ts bigint, sender text, state_key text',
  rejections: 'event_id text, reason text',
  state_events: 'event_id text, room_id text, type text, state_key text',
  event_to_state_groups: 'event_id text, state_group bigint',
  state_group_edges: 'state_group bigint, prev_state_group bigint',
  state_groups_state: 'state_group bigint, room_id text, type text, state_key text, event_id text',
  current_state_events: 'event_id text, room_id text, type text, state_key text, membership text',
  current_state_delta_stream: 'stream_id bigint, room_id text, type text, state_key text, event_id text',
  event_forward_extremities: 'event_id text, room_id text',
  rooms: 'room_id text, is_public boolean, creator text, room_version text',
  local_current_membership: 'room_id text, user_id text, event_id text, membership text',
  room_memberships: 'event_id text, user_id text, room_id text, membership text, forgotten integer',
  room_aliases: 'room_alias text, room_id text, creator text',
  blocked_rooms: 'room_id text, user_id text',
  appservice_room_list: 'appservice_id text, network_id text, room_id text',
  receipts_linearized:
    'stream_id bigint, room_id text, receipt_type text, user_id text, event_id text, data text, thread_id text',
  event_push_actions:
    'room_id text, event_id text, user_id text, actions text, stream_ordering bigint, notif smallint, highlight smallint, thread_id text',
  event_push_summary:
    'user_id text, room_id text, notif_count bigint, stream_ordering bigint, last_receipt_stream_ordering bigint, thread_id text',
  destinations: 'destination text, last_successful_stream_ordering bigint',
  destination_rooms: 'destination text, room_id text, stream_ordering bigint',
  partial_state_rooms: 'room_id text, join_event_id text',
  partial_state_rooms_servers: 'room_id text, server_name text',
  thread_subscriptions:
    'stream_id bigint, room_id text, event_id text, user_id text, subscribed boolean, automatic boolean, unsubscribed_at_stream_ordering bigint',
  delayed_events:
    'delay_id text, user_localpart text, device_id text, delay bigint, send_ts bigint, room_id text, event_type text, state_key text, content bytea, is_processed boolean',
  event_txn_id_device_id:
    'event_id text, room_id text, user_id text, device_id text, txn_id text, inserted_ts bigint',
  redactions: 'event_id text, redacts text',
  event_reports:
    'id bigint, received_ts bigint, room_id text, event_id text, user_id text, reason text, content text',
  room_reports: 'id bigint, received_ts bigint, room_id text, user_id text, reason text',
}

/** An event of a made-up room; most follow from what was there before. */
export interface MadeEvent {
  readonly type?: string
  readonly stateKey?: string
  readonly sender?: string
  readonly content?: JsonObject
  /** Names of others: by default the event that was made before. */
  readonly prev?: readonly string[]
  /** Where it stands in Synapse's stream; by default next. */
  readonly stream?: number
  readonly depth?: number
  /** The state that it stands on, by names of events: by default that after the first of `prev`. */
  readonly before?: readonly string[]
  readonly outlier?: boolean
  readonly rejected?: boolean
  readonly softFailed?: boolean
  readonly redacts?: string
  readonly unsigned?: JsonObject
  /** In place of the event in JSON. */
  readonly text?: string
}

type State = ReadonlyMap<string, { readonly type: string; readonly stateKey: string; readonly name: string }>

interface RoomOptions {
  readonly version?: string
  readonly isPublic?: boolean
}

/** What the rooms of a Synapse share: where its streams are. */
interface Counters {
  stream: number
  group: number
}

/** Rooms of one made-up Synapse. */
export class MadeRooms {
  readonly #counters: Counters = { stream: 0, group: 0 }
  readonly #rooms: MadeRoom[] = []

  /** A room without any event. */
  empty(roomId: string, options: RoomOptions = {}): MadeRoom {
    const room = new MadeRoom(this.#counters, roomId, options)
    this.#rooms.push(room)
    return room
  }

  /** A room that `@ann:a.test` has made and `@ben:b.test` has come to. */
  open(roomId: string, options: RoomOptions = {}): MadeRoom {
    const room = this.empty(roomId, options)
    const create = { creator: '@ann:a.test', room_version: '10' }
    room.add('create', { type: 'm.room.create', stateKey: '', content: create })
    room.member('ann', '@ann:a.test')
    const levels = { users: { '@ann:a.test': 100 } }
    room.add('levels', { type: 'm.room.power_levels', stateKey: '', content: levels })
    room.add('rules', { type: 'm.room.join_rules', stateKey: '', content: { join_rule: 'public' } })
    room.member('ben', '@ben:b.test')
    return room
  }

  /** What all of that comes to, with rows of other tables. */
  rows(others: SynapseRows = {}): SynapseRows {
    const all: Record<string, Readonly<Record<string, SynapseValue>>[]> = {}
    for (const [table, rows] of [...this.#rooms.flatMap(room => [...room.rows]), ...Object.entries(others)])
      all[table] = [...(all[table] ?? []), ...rows]
    return all
  }
}

/** A room as Synapse stores it: the tables' rows follow from the events that are added. */
export class MadeRoom {
  readonly roomId: string
  readonly #version: string
  readonly #tables = new Map<string, Record<string, SynapseValue>[]>()
  readonly #after = new Map<string, State>()
  readonly #groups = new Map<string, number>()
  #last: string | undefined
  #depth = 0
  readonly #counters: Counters

  constructor(counters: Counters, roomId: string, options: RoomOptions = {}) {
    this.#counters = counters
    this.roomId = roomId
    this.#version = options.version ?? '10'
    this.#row('rooms', {
      ...{ room_id: roomId, is_public: options.isPublic ?? false, creator: '@ann:a.test' },
      room_version: this.#version,
    })
  }

  /** The ID of an event by its name. */
  id(name: string): string {
    return `$${name}-${this.roomId.slice(1, this.roomId.indexOf(':'))}`
  }

  member(name: string, userId: string, membership = 'join', more: MadeEvent = {}): void {
    const content = { membership, displayname: name }
    this.add(name, { sender: userId, type: 'm.room.member', stateKey: userId, content, ...more })
  }

  add(name: string, made: MadeEvent = {}): void {
    const { type = 'm.room.message', stateKey, sender = '@ann:a.test', outlier = false } = made
    const prev = made.prev ?? (this.#last === undefined ? [] : [this.#last])
    const stream = made.stream ?? ++this.#counters.stream
    const depth = made.depth ?? ++this.#depth
    const before = this.#before(made, prev)
    const eventId = this.id(name)
    const ts = 1_700_000_000_000 + stream
    const content = made.content ?? { msgtype: 'm.text', body: name }
    const pdu: JsonObject = {
      ...{ type, sender, content, room_id: this.roomId, depth, origin_server_ts: ts },
      ...(stateKey === undefined ? {} : { state_key: stateKey }),
      ...(made.redacts === undefined ? {} : { redacts: this.id(made.redacts) }),
      prev_events: prev.map(one => this.id(one)),
      auth_events: authOf(before, sender, stateKey).map(one => this.id(one)),
      hashes: { sha256: 'hash' },
      signatures: { 'a.test': { 'ed25519:1': 'signature' } },
      unsigned: made.unsigned ?? { age_ts: ts },
    }
    this.#row('events', {
      ...{
        stream_ordering: stream,
        topological_ordering: depth,
        depth,
        event_id: eventId,
        type,
        sender,
        outlier,
      },
      ...{ room_id: this.roomId, origin_server_ts: ts, received_ts: ts + 1, state_key: stateKey ?? null },
    })
    const notes = JSON.stringify(made.softFailed === true ? { soft_failed: true } : {})
    const json = made.text ?? JSON.stringify(pdu)
    this.#row('event_json', { event_id: eventId, room_id: this.roomId, internal_metadata: notes, json })
    if (made.rejected === true) this.#row('rejections', { event_id: eventId, reason: 'auth_error' })
    if (stateKey !== undefined)
      this.#row('state_events', { event_id: eventId, room_id: this.roomId, type, state_key: stateKey })
    const isSet = stateKey !== undefined && made.rejected !== true
    const after = isSet ? new Map([...before, [`${type} ${stateKey}`, { type, stateKey, name }]]) : before
    this.#after.set(name, after)
    if (outlier) return
    this.#store(name, { before, prev: prev[0], isSet, after })
    if (stream > 0) this.#last = name
  }

  /** Says which events are the room's ends, and that its state is that after one of them. */
  ends(...names: readonly string[]): this {
    for (const name of names)
      this.#row('event_forward_extremities', { event_id: this.id(name), room_id: this.roomId })
    for (const { type, stateKey, name } of this.#after.get(names[0] ?? '')?.values() ?? [])
      this.#row('current_state_events', {
        ...{ event_id: this.id(name), room_id: this.roomId, type, state_key: stateKey },
      })
    return this
  }

  /** What it comes to, by table. */
  get rows(): ReadonlyMap<string, readonly Record<string, SynapseValue>[]> {
    return this.#tables
  }

  #before({ before }: MadeEvent, [first]: readonly string[]): State {
    if (before === undefined) return (first === undefined ? undefined : this.#after.get(first)) ?? new Map()
    return new Map(
      before.flatMap(name => [...(this.#after.get(name) ?? [])].filter(([, entry]) => entry.name === name)),
    )
  }

  /** Groups are told by others where only the event itself is new. */
  #store(
    name: string,
    { before, prev, isSet, after }: { before: State; prev: string | undefined; isSet: boolean; after: State },
  ): void {
    const known = prev === undefined ? undefined : this.#groups.get(prev)
    const isPlain = known !== undefined && this.#after.get(prev ?? '') === before
    const group = isPlain && !isSet ? known : ++this.#counters.group
    this.#groups.set(name, group)
    this.#row('event_to_state_groups', { event_id: this.id(name), state_group: group })
    if (group === known) return
    const told = isPlain ? [...after.values()].filter(entry => entry.name === name) : [...after.values()]
    if (isPlain) this.#row('state_group_edges', { state_group: group, prev_state_group: known })
    for (const entry of told)
      this.#row('state_groups_state', {
        ...{ state_group: group, room_id: this.roomId, type: entry.type, state_key: entry.stateKey },
        event_id: this.id(entry.name),
      })
  }

  #row(table: string, row: Record<string, SynapseValue>): void {
    this.#tables.set(table, [...(this.#tables.get(table) ?? []), row])
  }
}

const authOf = (state: State, sender: string, stateKey: string | undefined): string[] =>
  [...state.values()].flatMap(entry => {
    const isOfRoom = ['m.room.create', 'm.room.power_levels', 'm.room.join_rules'].includes(entry.type)
    const isOfPeople = entry.type === 'm.room.member' && [sender, stateKey].includes(entry.stateKey)
    return isOfRoom || isOfPeople ? [entry.name] : []
  })
