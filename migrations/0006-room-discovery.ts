import { execute, type SqlTypes } from './columns.ts'
import type { Migration } from './index.ts'

/** What rooms and events are found by: projections of the rooms, kept in the commits that change these. */
export const roomDiscovery: Migration = {
  name: '0006-room-discovery',
  breaking: true,
  up: knex => execute(knex, tables),
}

const tables = ({ integer, text, clustered, isPostgres }: SqlTypes): string[] => {
  return [
    // What every room is shown by; the published ones are the room directory.
    `CREATE TABLE room_summaries (
      room_nid ${integer} PRIMARY KEY,
      is_public ${integer} NOT NULL,
      is_open ${integer} NOT NULL,
      joined ${integer} NOT NULL,
      room_type ${text},
      search_text ${text} NOT NULL,
      summary ${text} NOT NULL
    )`,
    'CREATE INDEX room_summaries_public ON room_summaries (joined, room_nid) WHERE is_public = 1',
    `CREATE INDEX events_by_time ON events (room_nid, origin_server_ts, position)
      WHERE position IS NOT NULL AND rejected IS NULL AND soft_failed = 0`,
    // Events that relate to others, while they are shown and not redacted. The parent need not be here (yet).
    `CREATE TABLE relations (
      event_nid ${integer} PRIMARY KEY,
      event_id ${text} NOT NULL,
      room_nid ${integer} NOT NULL,
      parent_id ${text} NOT NULL,
      rel_type ${text} NOT NULL,
      type ${text} NOT NULL,
      sender ${text} NOT NULL,
      annotation_key ${text},
      is_replacement ${integer} NOT NULL,
      position ${integer} NOT NULL,
      origin_server_ts ${integer} NOT NULL
    )`,
    'CREATE INDEX relations_parent ON relations (room_nid, parent_id, position)',
    'CREATE INDEX relations_typed ON relations (room_nid, parent_id, rel_type, position)',
    'CREATE INDEX relations_sender ON relations (room_nid, parent_id, rel_type, sender)',
    `CREATE INDEX relations_replacements
      ON relations (room_nid, parent_id, sender, type, origin_server_ts, event_id) WHERE is_replacement = 1`,
    // The threads of a room by their newest event.
    `CREATE TABLE threads (
      room_nid ${integer} NOT NULL,
      root_id ${text} NOT NULL,
      latest_nid ${integer} NOT NULL,
      latest_position ${integer} NOT NULL,
      count ${integer} NOT NULL,
      PRIMARY KEY (room_nid, root_id)
    )${clustered}`,
    'CREATE INDEX threads_latest ON threads (room_nid, latest_position)',
    // By what people are found: their IDs and what they are called, as folded tokens with a space before each.
    `CREATE TABLE user_directory (user_id ${text} PRIMARY KEY, search_text ${text} NOT NULL)`,
    'CREATE INDEX room_summaries_open ON room_summaries (room_nid) WHERE is_open = 1',
    ...(isPostgres ? POSTGRES_WORDS : SQLITE_WORDS),
  ]
}

/** Words of messages by the nid of their event. The text itself stays with the event. */
const SQLITE_WORDS = [
  `CREATE VIRTUAL TABLE message_words
    USING fts5(words, room, content='', contentless_delete=1, tokenize='ascii')`,
]

const POSTGRES_WORDS = [
  'CREATE TABLE message_words (event_nid bigint PRIMARY KEY, room_nid bigint NOT NULL, words tsvector NOT NULL)',
  'CREATE INDEX message_words_words ON message_words USING gin (words)',
]
