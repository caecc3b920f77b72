import type { RoomSummary } from '../../core/room-summary.ts'
import { containing, foldText } from '../../core/search-text.ts'
import type { Prepared, Reader } from '../database.ts'

/** By what administrators have rooms ordered. */
export const ROOM_ORDERS = [
  'name',
  'canonical_alias',
  'joined_members',
  'joined_local_members',
  'version',
  'creator',
  'encryption',
  'federatable',
  'public',
  'join_rules',
  'guest_access',
  'history_visibility',
  'state_events',
] as const
export type RoomOrder = (typeof ROOM_ORDERS)[number]

/** A room with what is counted in it. */
export interface CataloguedRoom {
  readonly nid: number
  readonly roomId: string
  readonly version: string
  readonly creator: string
  readonly isPublic: boolean
  readonly isFederated: boolean
  readonly members: number
  readonly localMembers: number
  /** Events of the state as it is. */
  readonly stateEvents: number
  readonly summary: RoomSummary | undefined
}

/** Which rooms are wanted; what is not given is of no matter. */
export interface RoomFilter {
  /** Part of what the room is called (name, topic, aliases), or the whole of its ID. */
  readonly term?: string | undefined
  readonly isPublic?: boolean | undefined
  readonly isEmpty?: boolean | undefined
}

type Direction = 'ASC' | 'DESC'

export interface RoomPage extends RoomFilter {
  readonly order: RoomOrder
  readonly isDescending: boolean
  readonly from: number
  readonly limit: number
}

interface Columns {
  room_nid: number
  room_id: string
  version: string
  creator: string
  is_public: number
  is_federated: number | null
  joined: number | null
  here: number
  states: number
  summary: string | null
}

const HERE = `(SELECT COUNT(*) FROM memberships m WHERE m.room_nid = r.room_nid AND m.host = ? AND m.membership = 'join')`
const STATES = '(SELECT COUNT(*) FROM room_state c WHERE c.room_nid = r.room_nid AND c.valid_to IS NULL)'

/** State that is not in the summary word for word, by what it is called here. */
const RULES: Readonly<Partial<Record<RoomOrder, string>>> = {
  guest_access: 'm.room.guest_access',
  history_visibility: 'm.room.history_visibility',
}

/** Reads all rooms for administrators, in whatever order; costs what is counted. */
export class RoomCatalogue {
  readonly #db: Reader
  /** By order and direction. */
  readonly #pages = new Map<string, Prepared>()
  readonly #count: Prepared
  readonly #one: Prepared
  readonly #largest: Prepared
  readonly #rules: Prepared

  constructor(db: Reader) {
    this.#db = db
    const columns = `r.room_nid, r.room_id, r.version, r.creator, r.is_public, s.is_federated, s.joined, s.summary,
        ${HERE} AS here, ${STATES} AS states`
    const summarised = 'LEFT JOIN room_summaries s ON s.room_nid = r.room_nid'
    const flag = 'CAST(? AS integer)'
    const wanted = `(${flag} = 1 OR r.room_id = ? OR s.search_text LIKE ? ESCAPE '!')
      AND (${flag} = -1 OR r.is_public = ${flag})
      AND (${flag} = -1 OR CASE WHEN COALESCE(s.joined, 0) = 0 THEN 1 ELSE 0 END = ${flag})`
    const { jsonText } = db.dialect
    const page = (order: RoomOrder, direction: Direction): Prepared => {
      const type = RULES[order]
      const rule =
        type === undefined
          ? ''
          : ` LEFT JOIN room_state o ON o.room_nid = r.room_nid AND o.type = '${type}' AND o.state_key = ''
                AND o.valid_to IS NULL LEFT JOIN event_json j ON j.event_nid = o.event_nid`
      // Rooms of which it is not known come last, whichever way round.
      const sorted = `ORDER BY CASE WHEN k.place IS NULL THEN 1 ELSE 0 END, k.place ${direction}, k.room_id ${direction}`
      // Only what a page shows is counted.
      return db.prepare(
        `SELECT ${columns} FROM (
           SELECT * FROM (SELECT r.room_nid AS nid, r.room_id, ${keyOf(order, jsonText)} AS place
             FROM rooms r ${summarised}${rule} WHERE ${wanted}) k ${sorted} LIMIT ? OFFSET ?) k
         JOIN rooms r ON r.room_nid = k.nid ${summarised} ${sorted}`,
      )
    }
    for (const order of ROOM_ORDERS) {
      for (const direction of ['ASC', 'DESC'] as const) {
        this.#pages.set(`${order} ${direction}`, page(order, direction))
      }
    }
    this.#count = db.prepare(`SELECT COUNT(*) AS n FROM rooms r ${summarised} WHERE ${wanted}`)
    this.#one = db.prepare(`SELECT ${columns} FROM rooms r ${summarised} WHERE r.room_id = ?`)
    const shown = 'e.position IS NOT NULL AND e.rejected IS NULL AND e.soft_failed = 0'
    this.#largest = db.prepare(
      `SELECT g.room_id AS "roomId", g.events * COALESCE((SELECT AVG(octet_length(j.json)) FROM event_json j WHERE j.event_nid IN (
           SELECT e.event_nid FROM events e WHERE e.room_nid = g.room_nid AND ${shown} ORDER BY e.position DESC LIMIT ?)), 0) AS bytes
       FROM (SELECT r.room_nid, r.room_id,
           (SELECT COUNT(*) FROM events e WHERE e.room_nid = r.room_nid AND ${shown}) AS events
         FROM rooms r ORDER BY events DESC, r.room_nid LIMIT ?) g`,
    )
    this.#rules = db.prepare(
      `SELECT room_nid, event_nid FROM room_state WHERE ${db.dialect.inInteger('room_nid')}
         AND type IN ('m.room.guest_access', 'm.room.history_visibility') AND state_key = '' AND valid_to IS NULL`,
    )
  }

  /** A page of the rooms that are wanted. */
  async page(serverName: string, page: RoomPage): Promise<CataloguedRoom[]> {
    const prepared = this.#pages.get(`${page.order} ${page.isDescending ? 'DESC' : 'ASC'}`)
    if (prepared === undefined) return []
    const counted = page.order === 'joined_local_members' ? [serverName] : []
    const rows = await this.#db.scan<Columns>(prepared, [
      ...[serverName, ...counted, ...filterOf(page)],
      ...[page.limit, page.from],
    ])
    return rows.map(catalogued)
  }

  /** How many rooms are wanted. */
  async count(filter: RoomFilter): Promise<number> {
    const [row] = await this.#db.scan<{ n: number }>(this.#count, filterOf(filter))
    return Number(row?.n ?? 0)
  }

  async one(serverName: string, roomId: string): Promise<CataloguedRoom | undefined> {
    return (await this.#db.scan<Columns>(this.#one, [serverName, roomId])).map(catalogued)[0]
  }

  /**
   * The rooms with the most events, and about how many bytes the texts of these take: as many times the average of the newest
   * `sample`.
   */
  async largest(limit: number, sample: number): Promise<{ roomId: string; bytes: number }[]> {
    const rows = await this.#db.scan<{ roomId: string; bytes: number }>(this.#largest, [sample, limit])
    return rows.map(({ roomId, bytes }) => ({ roomId, bytes: Math.round(Number(bytes)) }))
  }

  /** The events that say who may read rooms, and whether guests may join, by the nid of the room. */
  async rules(roomNids: readonly number[]): Promise<{ roomNid: number; eventNid: number }[]> {
    const rows = await this.#db.scan<{ room_nid: number; event_nid: number }>(this.#rules, [
      this.#db.list(roomNids),
    ])
    return rows.map(row => ({ roomNid: row.room_nid, eventNid: row.event_nid }))
  }
}

const keyOf = (order: RoomOrder, jsonText: Reader['dialect']['jsonText']): string => {
  const ofSummary = (name: string): string => jsonText('s.summary', [name])
  switch (order) {
    case 'name':
      return `LOWER(${ofSummary('name')})`
    case 'canonical_alias':
    case 'encryption':
      return ofSummary(order)
    case 'join_rules':
      return ofSummary('join_rule')
    case 'guest_access':
    case 'history_visibility':
      return jsonText('j.json', ['content', order])
    case 'joined_members':
      return 'COALESCE(s.joined, 0)'
    case 'joined_local_members':
      return HERE
    case 'state_events':
      return STATES
    case 'federatable':
      return 's.is_federated'
    case 'public':
      return 'r.is_public'
    case 'version':
    case 'creator':
      return `r.${order}`
  }
}

const filterOf = ({ term, isPublic, isEmpty }: RoomFilter): (string | number)[] => {
  const either = (flag: boolean | undefined): number[] =>
    flag === undefined ? [-1, -1] : [flag ? 1 : 0, flag ? 1 : 0]
  return [
    ...[term === undefined ? 1 : 0, term ?? '', containing(foldText(term ?? ''))],
    ...either(isPublic),
    ...either(isEmpty),
  ]
}

const catalogued = (row: Columns): CataloguedRoom => ({
  nid: row.room_nid,
  roomId: row.room_id,
  version: row.version,
  creator: row.creator,
  isPublic: row.is_public !== 0,
  isFederated: row.is_federated !== 0,
  members: row.joined ?? 0,
  localMembers: Number(row.here),
  stateEvents: Number(row.states),
  summary: row.summary === null ? undefined : (JSON.parse(row.summary) as RoomSummary),
})
