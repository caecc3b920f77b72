import type { SynapseSource } from '../source.ts'
import { inLists } from './in-lists.ts'

/** A room of Synapse that has a timeline. */
export interface SourceRoom {
  readonly roomId: string
  /** Where its newest event stands in the stream of all events. */
  readonly newest: number
}

/** What Synapse knows of a room beside its events. */
export interface SourceRoomRow {
  readonly version: string | undefined
  readonly isPublished: boolean
  readonly creator: string | undefined
}

/** An event as Synapse has it. */
export interface SourceEvent {
  readonly eventId: string
  /** The event in JSON, with what Synapse has put into `unsigned`. */
  readonly json: string
  /** Synapse's own notes on the event, in JSON. */
  readonly notes: string
  /** Why Synapse has rejected it. */
  readonly rejected: string | null
  readonly receivedTs: number | null
}

/** An event of a room's timeline. */
export interface TimelineRow extends SourceEvent {
  /** Decimal: depths may be greater than what a double holds. */
  readonly depth: string
  readonly stream: number
  /** The group of the state after it, or before it where it is rejected. */
  readonly stateGroup: number | null
}

/** A point of a room's present state has another event, or none. */
export interface PresentChange {
  readonly stream: number
  readonly type: string
  readonly stateKey: string
  readonly eventId: string | null
  /** Where the event stands, if that is in the timeline. */
  readonly eventStream: number | null
}

/** The first schema with an index by which the changes of a room are found. */
const WITH_CHANGES = 88

/** Where somebody has read what was fetched of a room's past up to. */
export interface PastCursor {
  readonly depth: string
  readonly stream: number
}

const EVENT = `e.event_id AS "eventId", j.json AS json, j.internal_metadata AS notes, r.reason AS rejected,
  e.received_ts AS "receivedTs"`
const JOINS = 'JOIN event_json j ON j.event_id = e.event_id LEFT JOIN rejections r ON r.event_id = e.event_id'

const TIMELINE = `SELECT ${EVENT}, CAST(e.topological_ordering AS text) AS depth, e.stream_ordering AS stream,
    g.state_group AS "stateGroup"
  FROM events e ${JOINS} LEFT JOIN event_to_state_groups g ON g.event_id = e.event_id
  WHERE e.room_id = ? AND NOT e.outlier`

/** Reads rooms and their events from a database of Synapse. */
export class SynapseRooms {
  readonly #source: SynapseSource

  constructor(source: SynapseSource) {
    this.#source = source
  }

  /** How many events stand in timelines. */
  async countEvents(): Promise<number> {
    const row = await this.#source.get<{ n: number }>('SELECT count(*) AS n FROM events WHERE NOT outlier')
    return Number(row?.n ?? 0)
  }

  /** All rooms that have a timeline, those first where nothing has happened for the longest time. */
  rooms(): Promise<SourceRoom[]> {
    return this.#source.all<SourceRoom>(
      `SELECT room_id AS "roomId", MAX(stream_ordering) AS newest FROM events WHERE NOT outlier
       GROUP BY room_id ORDER BY newest`,
    )
  }

  async row(roomId: string): Promise<SourceRoomRow> {
    const row = await this.#source.get<{
      version: string | null
      published: number | null
      creator: string | null
    }>('SELECT room_version AS version, is_public AS published, creator FROM rooms WHERE room_id = ?', [
      roomId,
    ])
    return {
      version: row?.version ?? undefined,
      isPublished: Boolean(row?.published),
      creator: row?.creator ?? undefined,
    }
  }

  /** What made the room. */
  createEvent(roomId: string): Promise<SourceEvent | undefined> {
    return this.#source.get<SourceEvent>(
      `SELECT ${EVENT} FROM state_events s JOIN events e ON e.event_id = s.event_id ${JOINS}
       WHERE e.room_id = ? AND e.type = 'm.room.create' AND s.state_key = ''
       ORDER BY e.topological_ordering, e.stream_ordering LIMIT 1`,
      [roomId],
    )
  }

  /** The next events of those that have come to a room while Synapse was in it, in the order in which they came. */
  live(roomId: string, after: number, limit: number): Promise<TimelineRow[]> {
    return this.#source.all<TimelineRow>(
      `${TIMELINE} AND e.stream_ordering > ? ORDER BY e.stream_ordering LIMIT ${limit}`,
      [roomId, after],
    )
  }

  /** How many events were fetched of a room's past. */
  async countPast(roomId: string): Promise<number> {
    const row = await this.#source.get<{ n: number }>(
      'SELECT count(*) AS n FROM events WHERE room_id = ? AND stream_ordering < 0 AND NOT outlier',
      [roomId],
    )
    return Number(row?.n ?? 0)
  }

  /** The next of these, by depth. */
  past(roomId: string, { depth, stream }: PastCursor, limit: number): Promise<TimelineRow[]> {
    return this.#source.all<TimelineRow>(
      `${TIMELINE} AND e.stream_ordering < 0
         AND (e.topological_ordering, e.stream_ordering) > (CAST(? AS bigint), CAST(? AS bigint))
       ORDER BY e.topological_ordering, e.stream_ordering LIMIT ${limit}`,
      [roomId, depth, String(stream)],
    )
  }

  /** The end of the stream of events. */
  async newest(): Promise<number> {
    const row = await this.#source.get<{ n: number | null }>('SELECT MAX(stream_ordering) AS n FROM events')
    return Number(row?.n ?? 0)
  }

  /** Events by their IDs, wherever they stand, as far as they are there. */
  events(eventIds: readonly string[]): Promise<SourceEvent[]> {
    return inLists(
      eventIds,
      marks => `SELECT ${EVENT} FROM events e ${JOINS} WHERE e.event_id IN (${marks})`,
      this.#source,
    )
  }

  /** Those of some events that stand in a timeline. */
  async inTimeline(eventIds: readonly string[]): Promise<Set<string>> {
    const rows = await inLists<{ eventId: string }>(
      eventIds,
      marks => `SELECT event_id AS "eventId" FROM events WHERE event_id IN (${marks}) AND NOT outlier`,
      this.#source,
    )
    return new Set(rows.map(row => row.eventId))
  }

  /** The groups of the states after events. */
  async groupsOf(eventIds: readonly string[]): Promise<Map<string, number>> {
    const rows = await inLists<{ eventId: string; stateGroup: number }>(
      eventIds,
      marks =>
        `SELECT event_id AS "eventId", state_group AS "stateGroup" FROM event_to_state_groups
       WHERE event_id IN (${marks})`,
      this.#source,
    )
    return new Map(rows.map(row => [row.eventId, row.stateGroup]))
  }

  /** The room's present state; empty where Synapse has left it. */
  currentState(roomId: string): Promise<{ type: string; stateKey: string; eventId: string }[]> {
    return this.#source.all(
      'SELECT type, state_key AS "stateKey", event_id AS "eventId" FROM current_state_events WHERE room_id = ?',
      [roomId],
    )
  }

  /** Whether Synapse can tell quickly how a room's present state has changed. */
  get tellsChanges(): boolean {
    return this.#source.schemaVersion >= WITH_CHANGES && this.#source.has('current_state_delta_stream')
  }

  /** How a room's present state has changed after one position of the stream up to another, in order. */
  changes(roomId: string, after: number, upTo: number): Promise<PresentChange[]> {
    return this.#source.all<PresentChange>(
      `SELECT d.stream_id AS stream, d.type AS type, d.state_key AS "stateKey", d.event_id AS "eventId",
         e.stream_ordering AS "eventStream"
       FROM current_state_delta_stream d
       LEFT JOIN events e ON e.event_id = d.event_id AND NOT e.outlier
       WHERE d.room_id = ? AND d.stream_id > ? AND d.stream_id <= ? ORDER BY d.stream_id`,
      [roomId, after, upTo],
    )
  }

  async forwardExtremities(roomId: string): Promise<string[]> {
    const rows = await this.#source.all<{ eventId: string }>(
      'SELECT event_id AS "eventId" FROM event_forward_extremities WHERE room_id = ?',
      [roomId],
    )
    return rows.map(row => row.eventId)
  }

  /** The join by which a room was entered whose members Synapse has not been told of yet, and who else was in it then. */
  async partialJoin(roomId: string): Promise<{ joinEventId: string; servers: string[] } | undefined> {
    if (!this.#source.has('partial_state_rooms', 'join_event_id')) return undefined
    const row = await this.#source.get<{ joinEventId: string | null }>(
      'SELECT join_event_id AS "joinEventId" FROM partial_state_rooms WHERE room_id = ?',
      [roomId],
    )
    if (row?.joinEventId == null) return undefined
    const servers = await this.#source.all<{ server: string }>(
      'SELECT server_name AS server FROM partial_state_rooms_servers WHERE room_id = ?',
      [roomId],
    )
    return { joinEventId: row.joinEventId, servers: servers.map(({ server }) => server) }
  }
}
