import type { Mxc } from '../../core/media.ts'
import { containing } from '../../core/search-text.ts'
import type { Prepared, Reader, WriteStatement } from '../database.ts'
import { FollowedStreams } from '../followed-streams.ts'
import { ACCESS_PRECISION_MS } from './media.ts'
import type { Expendable } from './retention.ts'

/** The name under which it is remembered how far events have been looked through. */
const FOLLOWER = 'files named in events'

/** Every member has a picture, which is looked for where it matters; and what is inside encrypted events nobody knows. */
const NOT_LOOKED_INTO = ['m.room.member', 'm.room.encrypted']

/** A file that a message of somebody's no longer shows. */
export interface Release extends Mxc {
  readonly sender: string
}

/** Builds the statements that go with a redaction, or the removal of events. */
export class ReleaseWriter {
  readonly #db: Reader
  readonly #release: Prepared
  readonly #watch: Prepared
  readonly #releaseOf: Prepared
  readonly #watchOf: Prepared
  readonly #forgetOf: Prepared

  constructor(db: Reader) {
    this.#db = db
    const ofEvents = db.dialect.inInteger('f.event_nid')
    this.#releaseOf = db.prepare(
      `INSERT INTO media_releases (origin, media_id, sender, since_ts)
       SELECT DISTINCT f.origin, f.media_id, e.sender, CAST(? AS bigint)
       FROM media_references f JOIN events e ON e.event_nid = f.event_nid WHERE ${ofEvents}
       ON CONFLICT (origin, media_id, sender) DO UPDATE SET since_ts = excluded.since_ts`,
    )
    const watch = 'UPDATE media SET accessed_ts = ? WHERE accessed_ts > ? AND'
    this.#watch = db.prepare(`${watch} origin = ? AND media_id = ?`)
    this.#watchOf = db.prepare(
      `${watch} (origin, media_id) IN (SELECT f.origin, f.media_id FROM media_references f WHERE ${ofEvents})`,
    )
    this.#forgetOf = db.prepare(`DELETE FROM media_references WHERE ${db.dialect.inInteger('event_nid')}`)
    this.#release = db.prepare(
      `INSERT INTO media_releases (origin, media_id, sender, since_ts) VALUES (?, ?, ?, ?)
       ON CONFLICT (origin, media_id, sender) DO UPDATE SET since_ts = excluded.since_ts`,
    )
  }

  /**
   * Files of a message that is redacted now. Whoever asks for them from now on is noted, however lately somebody has: they show that
   * the files are of use elsewhere, as in encrypted messages.
   */
  release(files: readonly Release[], now: number): WriteStatement[] {
    if (files.length === 0) return []
    const rows = files.map(({ origin, mediaId, sender }) => [origin, mediaId, sender, now])
    const noted = now - ACCESS_PRECISION_MS
    return [
      { prepared: this.#release, rows },
      { prepared: this.#watch, rows: files.map(({ origin, mediaId }) => [noted, noted, origin, mediaId]) },
    ]
  }

  /** The same of files that events show which are about to be removed. */
  releaseOf(eventNids: readonly number[], now: number): WriteStatement[] {
    const nids = this.#db.list(eventNids)
    const noted = now - ACCESS_PRECISION_MS
    return [
      { prepared: this.#watchOf, rows: [[noted, noted, nids]] },
      { prepared: this.#releaseOf, rows: [[now, nids]] },
      { prepared: this.#forgetOf, rows: [[nids]] },
    ]
  }
}

/** Which messages show which files, and which files were given up. */
export class MediaReferences {
  readonly #db: Reader
  readonly #followed: FollowedStreams
  readonly #events: Prepared
  readonly #insert: Prepared
  readonly #expendable: Prepared
  readonly #dropReleases: Prepared
  readonly #dropReferences: Prepared
  readonly #ownData: Prepared
  readonly #memberPicture: Prepared
  readonly #inState: Prepared

  constructor(db: Reader) {
    this.#db = db
    this.#followed = new FollowedStreams(db)
    const others = NOT_LOOKED_INTO.map(type => `'${type}'`).join(', ')
    this.#events = db.prepare(
      `SELECT e.event_nid, e.position FROM events e JOIN event_json j ON j.event_nid = e.event_nid
       WHERE e.position > ? AND e.position <= ? AND e.type NOT IN (${others}) AND e.rejected IS NULL
         AND e.redacted_by IS NULL AND j.json LIKE '%mxc://%' ORDER BY e.position LIMIT ?`,
    )
    this.#insert = db.prepare(
      'INSERT INTO media_references (origin, media_id, event_nid) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    )
    // Only its uploader gives up a file: whoever has seen its name could show it, and redact that. One that was asked for since is shown
    // somewhere, perhaps in encrypted messages; a copy can be fetched again.
    this.#expendable = db.prepare(
      `SELECT m.origin, m.media_id AS "mediaId", m.user_id AS "userId", m.content_hash AS hash, m.size,
         m.created_ts AS "createdTs"
       FROM media_releases r JOIN media m ON m.origin = r.origin AND m.media_id = r.media_id
       WHERE r.since_ts < ? AND m.content_hash IS NOT NULL AND m.quarantined_ts IS NULL
         AND (m.kind = 'remote' OR (m.user_id = r.sender AND m.accessed_ts <= r.since_ts))
         AND NOT EXISTS (SELECT 1 FROM media_references f JOIN events e ON e.event_nid = f.event_nid
           WHERE f.origin = r.origin AND f.media_id = r.media_id AND e.redacted_by IS NULL)
       ORDER BY r.since_ts LIMIT ?`,
    )
    this.#dropReleases = db.prepare('DELETE FROM media_releases WHERE since_ts < ?')
    this.#ownData = db.prepare(
      `SELECT content AS text FROM account_data WHERE content LIKE '%mxc://%'
       UNION ALL SELECT fields AS text FROM profiles WHERE fields LIKE '%mxc://%'`,
    )
    this.#memberPicture = db.prepare(
      `SELECT 1 AS one FROM memberships m JOIN event_json j ON j.event_nid = m.event_nid
       WHERE m.user_id = ? AND m.membership = 'join' AND j.json LIKE ? ESCAPE '!' LIMIT 1`,
    )
    this.#inState = db.prepare(
      `SELECT 1 AS one FROM media_references f JOIN events e ON e.event_nid = f.event_nid
       JOIN room_state s ON s.room_nid = e.room_nid AND s.type = e.type AND s.state_key = e.state_key
         AND s.event_nid = e.event_nid AND s.valid_to IS NULL
       WHERE f.origin = ? AND f.media_id = ? AND e.redacted_by IS NULL LIMIT 1`,
    )
    this.#dropReferences = db.prepare('DELETE FROM media_references WHERE origin = ? AND media_id = ?')
  }

  /** How far events have been looked through. */
  position(): Promise<number> {
    return this.#followed.position(FOLLOWER)
  }

  reached(position: number): WriteStatement {
    return this.#followed.reached(FOLLOWER, position)
  }

  /** The next events that may name files (positions of the `events` stream). */
  async events(after: number, upTo: number, limit: number): Promise<{ nid: number; position: number }[]> {
    const rows = await this.#db.scan<{ event_nid: number; position: number }>(this.#events, [
      after,
      upTo,
      limit,
    ])
    return rows.map(row => ({ nid: row.event_nid, position: row.position }))
  }

  insert(references: readonly (Mxc & { readonly nid: number })[]): WriteStatement[] {
    if (references.length === 0) return []
    return [
      { prepared: this.#insert, rows: references.map(({ origin, mediaId, nid }) => [origin, mediaId, nid]) },
    ]
  }

  /** Texts that name files which users keep for themselves, such as their stickers, or show in their profiles. Reads both tables. */
  async ownData(): Promise<string[]> {
    return (await this.#db.scan<{ text: string }>(this.#ownData)).map(row => row.text)
  }

  /** Whether a user is shown by a file in a room that they are in. */
  async isMemberPicture(userId: string, uri: string): Promise<boolean> {
    return (await this.#db.get(this.#memberPicture, [userId, containing(uri)])) !== undefined
  }

  /** Whether the state of a room names a file now, other than for a member: its picture, or a pack of stickers. */
  async isInState({ origin, mediaId }: Mxc): Promise<boolean> {
    return (await this.#db.get(this.#inState, [origin, mediaId])) !== undefined
  }

  /** Files that were given up before an instant, and that no event names any more. */
  expendable(before: number, limit: number): Promise<Expendable[]> {
    return this.#db.scan<Expendable>(this.#expendable, [before, limit])
  }

  /** A file that is being deleted. */
  forget({ origin, mediaId }: Mxc): WriteStatement {
    return { prepared: this.#dropReferences, rows: [[origin, mediaId]] }
  }

  /** What was given up before an instant has been looked at. */
  dropReleases(before: number): WriteStatement {
    return { prepared: this.#dropReleases, rows: [[before]] }
  }
}
