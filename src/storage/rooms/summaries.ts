import type { RoomSummary } from '../../core/room-summary.ts'
import { containing } from '../../core/search-text.ts'
import type { Prepared, Reader, WriteStatement } from '../database.ts'

/** A room as it is shown to people who think about joining it. */
export interface SummaryRow {
  readonly roomNid: number
  readonly roomId: string
  readonly isPublished: boolean
  readonly joinedMembers: number
  readonly summary: RoomSummary
}

/** A place in the directory, which is ordered by members, most first. */
export interface DirectoryPlace {
  readonly joinedMembers: number
  readonly roomNid: number
}

/** What is wanted of the directory. */
export interface DirectoryQuery {
  /** Folded words that have to occur; at most `MAX_DIRECTORY_WORDS`. */
  readonly words: readonly string[]
  /** If given, only rooms of these types; the empty text is no type. */
  readonly roomTypes: readonly string[] | undefined
  /** `after`: rooms that follow the place, in order; `before`: those that precede it, in reverse. */
  readonly direction: 'after' | 'before'
  /** Rooms of one bridged network (its instance ID), or of all networks and this server; else this server's alone. */
  readonly network?: string | 'all' | undefined
  /** Without rooms that are closed to other servers. */
  readonly forServers: boolean
  readonly place: DirectoryPlace | undefined
  readonly limit: number
}

interface SummaryColumns {
  room_nid: number
  room_id: string
  is_public: number
  joined: number
  summary: string
}

const summaryRow = (row: SummaryColumns): SummaryRow => ({
  roomNid: row.room_nid,
  roomId: row.room_id,
  isPublished: row.is_public !== 0,
  joinedMembers: row.joined,
  summary: JSON.parse(row.summary) as RoomSummary,
})

/** Which rooms a page is of. */
type Shelf = 'own' | 'network' | 'all'

/** Further words of a search are not looked for. */
export const MAX_DIRECTORY_WORDS = 3

/** Reads what rooms are shown by, and the directory of the published ones. */
export class SummaryReader {
  readonly #db: Reader
  readonly #ofRooms: Prepared
  readonly #pages: Readonly<Record<Shelf, { readonly after: Prepared; readonly before: Prepared }>>
  readonly #count: Prepared

  constructor(db: Reader) {
    this.#db = db
    const select = `SELECT s.room_nid, r.room_id, s.is_public, s.joined, s.summary
      FROM room_summaries s JOIN rooms r ON r.room_nid = s.room_nid`
    // Where nobody is left, nobody can let anybody in.
    const matching = `s.joined > 0 AND s.is_federated >= CAST(? AS integer)
      AND s.search_text LIKE ? ESCAPE '!' AND s.search_text LIKE ? ESCAPE '!' AND s.search_text LIKE ? ESCAPE '!'
      AND (CAST(? AS integer) = 1 OR ${db.dialect.inText(`COALESCE(s.room_type, '')`)})`
    const pages = (shelf: string) => ({
      after: db.prepare(
        `${select} WHERE ${shelf} AND ${matching} AND (s.joined, s.room_nid) < (?, ?)
         ORDER BY s.joined DESC, s.room_nid DESC LIMIT ?`,
      ),
      before: db.prepare(
        `${select} WHERE ${shelf} AND ${matching} AND (s.joined, s.room_nid) > (?, ?)
         ORDER BY s.joined, s.room_nid LIMIT ?`,
      ),
    })
    const listed = 'SELECT 1 FROM app_service_rooms a WHERE a.room_nid = s.room_nid'
    this.#ofRooms = db.prepare(`${select} WHERE ${db.dialect.inInteger('s.room_nid')}`)
    this.#pages = {
      own: pages('s.is_public = 1'),
      network: pages(`EXISTS (${listed} AND a.instance_id = ?)`),
      all: pages(`(s.is_public = 1 OR EXISTS (${listed}))`),
    }
    this.#count = db.prepare('SELECT COUNT(*) AS n FROM room_summaries WHERE is_public = 1 AND joined > 0')
  }

  /** What these rooms are shown by, those that are known, by nid. */
  async ofRooms(roomNids: readonly number[]): Promise<Map<number, SummaryRow>> {
    const rows = await this.#db.all<SummaryColumns>(this.#ofRooms, [this.#db.list(roomNids)])
    return new Map(rows.map(row => [row.room_nid, summaryRow(row)]))
  }

  async ofRoom(roomNid: number): Promise<SummaryRow | undefined> {
    return (await this.ofRooms([roomNid])).get(roomNid)
  }

  /** A stretch of the directory. */
  async directory(query: DirectoryQuery): Promise<SummaryRow[]> {
    const isAfter = query.direction === 'after'
    const place = query.place ?? { joinedMembers: isAfter ? Number.MAX_SAFE_INTEGER : 0, roomNid: 0 }
    const patterns = Array.from({ length: MAX_DIRECTORY_WORDS }, (_, index) =>
      containing(query.words[index] ?? ''),
    )
    const { network } = query
    const pages = this.#pages[network === undefined ? 'own' : network === 'all' ? 'all' : 'network']
    const rows = await this.#db.scan<SummaryColumns>(isAfter ? pages.after : pages.before, [
      ...(network === undefined || network === 'all' ? [] : [network]),
      query.forServers ? 1 : 0,
      ...patterns,
      query.roomTypes === undefined ? 1 : 0,
      this.#db.list(query.roomTypes ?? []),
      place.joinedMembers,
      place.roomNid,
      query.limit,
    ])
    return rows.map(summaryRow)
  }

  /** How many rooms the directory has. */
  async countPublished(): Promise<number> {
    const [row] = await this.#db.scan<{ n: number }>(this.#count)
    return row?.n ?? 0
  }
}

/** What is stored of a room for those who look for it. */
export interface NewSummary {
  readonly roomNid: number
  /** Whether the room is published; counts only for a room that was not known before. */
  readonly isPublished: boolean
  /** Whether anybody may join or read it. */
  readonly isOpen: boolean
  /** Whether users of other servers may ever come in (`m.federate`). */
  readonly isFederated: boolean
  readonly joinedMembers: number
  /** Folded. */
  readonly searchText: string
  readonly summary: RoomSummary
}

/** Builds the statements that keep the projection. */
export class SummaryWriter {
  readonly #put: Prepared
  readonly #setJoined: Prepared
  readonly #publish: Prepared

  constructor(db: Reader) {
    this.#put = db.prepare(
      `INSERT INTO room_summaries (room_nid, is_public, is_open, is_federated, joined, room_type, search_text, summary)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (room_nid) DO UPDATE SET is_open = excluded.is_open, is_federated = excluded.is_federated, joined = excluded.joined,
         room_type = excluded.room_type, search_text = excluded.search_text, summary = excluded.summary`,
    )
    this.#setJoined = db.prepare('UPDATE room_summaries SET joined = ? WHERE room_nid = ?')
    this.#publish = db.prepare('UPDATE room_summaries SET is_public = ? WHERE room_nid = ?')
  }

  put(row: NewSummary): WriteStatement {
    return {
      prepared: this.#put,
      rows: [
        [
          row.roomNid,
          row.isPublished ? 1 : 0,
          row.isOpen ? 1 : 0,
          row.isFederated ? 1 : 0,
          row.joinedMembers,
          row.summary.room_type ?? null,
          row.searchText,
          JSON.stringify(row.summary),
        ],
      ],
    }
  }

  setJoined(roomNid: number, joinedMembers: number): WriteStatement {
    return { prepared: this.#setJoined, rows: [[joinedMembers, roomNid]] }
  }

  publish(roomNid: number, isPublished: boolean): WriteStatement {
    return { prepared: this.#publish, rows: [[isPublished ? 1 : 0, roomNid]] }
  }
}
