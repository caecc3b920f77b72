import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { inside, textIn } from './json.ts'
import type { LiveServer } from './live-server.ts'
import type { PlayedRoom, World } from './world.ts'

/** What has become of an event on a server; what it has never heard of, or has no place for in the room, is no part of its room. */
export type Fate = 'part of it' | 'soft-failed' | 'rejected' | 'outlier'

const reading = <T>({ directory }: LiveServer, read: (database: DatabaseSync) => T): T => {
  const database = new DatabaseSync(join(directory, 'homeserver.db'), { readOnly: true })
  try {
    return read(database)
  } finally {
    database.close()
  }
}

const ours = `SELECT event_id AS id, CASE WHEN rejected IS NOT NULL THEN 'rejected' WHEN position IS NULL THEN 'outlier'
  WHEN soft_failed = 1 THEN 'soft-failed' ELSE 'part of it' END AS fate
  FROM events JOIN rooms USING (room_nid) WHERE room_id = ?`

const theirs = `SELECT event_id AS id, CASE WHEN rejection_reason IS NOT NULL THEN 'rejected' WHEN outlier = 1 THEN 'outlier'
  WHEN json_extract(internal_metadata, '$.soft_failed') THEN 'soft-failed' ELSE 'part of it' END AS fate
  FROM events JOIN event_json USING (event_id) WHERE events.room_id = ?`

/** The events of a room in a server's database, since no server tells clients which it hides, and why. */
export const fatesOn = (server: LiveServer, room: PlayedRoom): ReadonlyMap<string, Fate> =>
  reading(server, database => {
    const rows = database.prepare(server.kind === 'ours' ? ours : theirs).all(room.id)
    return new Map(rows.map(row => [String(row['id']), row['fate'] as Fate]))
  })

/** Events whose redactions a server has soft-failed: these don't count there, nor do its clients hear of them. */
export const spared = (server: LiveServer, room: PlayedRoom): ReadonlySet<string> => {
  const found = new Set<string>()
  for (const [eventId, fate] of fatesOn(server, room)) {
    const event = fate === 'soft-failed' ? eventOn(server, eventId) : undefined
    if (textIn(event, 'type') !== 'm.room.redaction') continue
    found.add(textIn(event, 'redacts') || textIn(event, 'content', 'redacts'))
  }
  return found
}

/** Whether a Synapse has failed to fetch events of a room: it does not try again before ten minutes have passed. */
export const hasGivenUp = (server: LiveServer, room: PlayedRoom): boolean =>
  server.kind === 'synapse' &&
  reading(server, database =>
    database.prepare('SELECT 1 FROM event_failed_pull_attempts WHERE room_id = ?').get(room.id),
  ) !== undefined

const eventOn = (server: LiveServer, eventId: string): unknown => {
  const table = server.kind === 'ours' ? 'event_json JOIN events USING (event_nid)' : 'event_json'
  const row = reading(server, database =>
    database.prepare(`SELECT json FROM ${table} WHERE event_id = ?`).get(eventId),
  )
  return row === undefined ? undefined : JSON.parse(String(row['json']))
}

/** What an event is, from whoever has it. */
export const describe = (world: World, eventId: string): string => {
  for (const server of world.servers) {
    const event = eventOn(server, eventId)
    if (event === undefined) continue
    const isState = typeof inside(event, 'state_key') === 'string'
    const key = isState ? ` '${world.labelOf(textIn(event, 'state_key'))}'` : ''
    const content = JSON.stringify(inside(event, 'content')).slice(0, 160)
    return `${textIn(event, 'type')}${key} of ${world.labelOf(textIn(event, 'sender'))} at depth ${inside(event, 'depth')} ${content}`
  }
  return 'known to nobody'
}
