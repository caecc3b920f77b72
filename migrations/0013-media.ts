import { execute, type SqlTypes } from './columns.ts'
import type { Migration } from './index.ts'

/** Files that users share, copies of those of other servers, their thumbnails, and previews of links. */
export const media: Migration = {
  name: '0013-media',
  breaking: false,
  up: knex => execute(knex, tables),
}

const tables = ({ integer, text, clustered }: SqlTypes): string[] => {
  return [
    // kind is upload, remote or preview. Without content_hash there is nothing yet: it may be uploaded until
    // expires_ts, or was quarantined before it came. created_ts: when the content was stored here.
    `CREATE TABLE media (
      origin ${text} NOT NULL,
      media_id ${text} NOT NULL,
      kind ${text} NOT NULL,
      user_id ${text},
      content_hash ${text},
      size ${integer} NOT NULL,
      content_type ${text} NOT NULL,
      file_name ${text},
      created_ts ${integer} NOT NULL,
      accessed_ts ${integer} NOT NULL,
      expires_ts ${integer},
      quarantined_ts ${integer},
      PRIMARY KEY (origin, media_id)
    )`,
    'CREATE INDEX media_content ON media (content_hash)',
    'CREATE INDEX media_of_user ON media (user_id, created_ts) WHERE user_id IS NOT NULL',
    'CREATE INDEX media_pending ON media (expires_ts) WHERE content_hash IS NULL',
    'CREATE INDEX media_access ON media (kind, accessed_ts)',
    // What each user's uploads come to.
    `CREATE TABLE media_usage (
      user_id ${text} PRIMARY KEY,
      bytes ${integer} NOT NULL,
      files ${integer} NOT NULL
    )${clustered}`,
    // By the content they are made of; spec says how, such as crop-96x96.
    `CREATE TABLE media_thumbnails (
      content_hash ${text} NOT NULL,
      spec ${text} NOT NULL,
      thumbnail_hash ${text} NOT NULL,
      size ${integer} NOT NULL,
      content_type ${text} NOT NULL,
      created_ts ${integer} NOT NULL,
      PRIMARY KEY (content_hash, spec)
    )${clustered}`,
    'CREATE INDEX media_thumbnails_hash ON media_thumbnails (thumbnail_hash)',
    // Content that nothing may refer to any more; removed after a while if that is so.
    `CREATE TABLE media_garbage (
      content_hash ${text} PRIMARY KEY,
      since_ts ${integer} NOT NULL
    )${clustered}`,
    'CREATE INDEX media_garbage_since ON media_garbage (since_ts)',
    // preview is JSON as clients get it.
    `CREATE TABLE url_previews (
      url_hash ${text} PRIMARY KEY,
      preview ${text} NOT NULL,
      fetched_ts ${integer} NOT NULL,
      expires_ts ${integer} NOT NULL
    )`,
    'CREATE INDEX url_previews_expiry ON url_previews (expires_ts)',
  ]
}
