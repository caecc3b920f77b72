import { execute, type SqlTypes } from './columns.ts'
import type { Migration } from './index.ts'

/** Which messages show which files, so that files of redacted messages can be deleted. */
export const mediaReferences: Migration = {
  name: '0020-media-references',
  breaking: false,
  up: knex => execute(knex, tables),
}

const tables = ({ integer, text, clustered }: SqlTypes): string[] => [
  `CREATE TABLE media_references (
    origin ${text} NOT NULL,
    media_id ${text} NOT NULL,
    event_nid ${integer} NOT NULL,
    PRIMARY KEY (origin, media_id, event_nid)
  )${clustered}`,
  'CREATE INDEX media_references_event ON media_references (event_nid)',
  // Files that a message showed which was redacted, or whose room was removed. sender: whose message it was.
  `CREATE TABLE media_releases (
    origin ${text} NOT NULL,
    media_id ${text} NOT NULL,
    sender ${text} NOT NULL,
    since_ts ${integer} NOT NULL,
    PRIMARY KEY (origin, media_id, sender)
  )${clustered}`,
  'CREATE INDEX media_releases_since ON media_releases (since_ts)',
]
