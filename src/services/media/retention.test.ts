import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { silentLog } from '../../core/log.ts'
import type { Database } from '../../storage/database.ts'
import { DirectoryStore } from '../../storage/media/directory-store.ts'
import { chunksOf } from '../../test-kit/blob-stores.ts'
import { testDatabases } from '../../test-kit/database.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { temporaryDirectory } from '../../test-kit/temporary-directory.ts'
import { createMedia, type MediaOptions } from './index.ts'

const DAY = 86_400_000

const OPTIONS: MediaOptions = {
  maxUploadSize: 1_000,
  maxRemoteSize: 1_000,
  maxPendingUploads: 5,
  pendingLifetime: DAY,
  remoteLifetime: 10 * DAY,
  remoteCacheSize: 1_000,
  legacyEndpoints: false,
  maxThumbnailPixels: 1_000_000,
}

const start = (t: ExecutionContext, database: Database, changes: Partial<MediaOptions> = {}) => {
  const directory = temporaryDirectory(t)
  const clock = new FakeClock()
  const media = createMedia({
    database,
    blobs: new DirectoryStore(directory, () => clock.now()),
    clock,
    log: silentLog,
    serverName: 'here.test',
    options: { ...OPTIONS, ...changes },
    random: randomBytes,
    previews: { enabled: false, maxPageSize: 0, maxImageSize: 0, lifetime: 0 },
    pages: {
      mayVisit: () => false,
      get: () => Promise.reject(new Error('no pages here')),
      close: async () => {},
    },
    fetchMedia: (_origin, mediaId, _options, consume) =>
      consume({ contentType: undefined, contentDisposition: undefined, body: chunksOf(mediaId.repeat(200)) }),
  })
  t.teardown(() => media.close())
  const stored = () =>
    readdirSync(directory, { recursive: true, withFileTypes: true }).filter(each => each.isFile()).length
  const get = (uri: string) => {
    const [origin = '', mediaId = ''] = uri.slice('mxc://'.length).split('/')
    return media.downloads.find({ origin, mediaId, timeoutMs: 0, allowRemote: false })
  }
  const fetch = (mediaId: string) => media.downloads.find({ origin: 'there.test', mediaId })
  const upload = (text: string) => media.uploads.upload('@a:here.test', { content: chunksOf(text) })
  return { media, clock, stored, get, fetch, upload }
}

testDatabases(
  test,
  'copies go when nobody asks for them, or when there are too many',
  async (t, database) => {
    const { media, clock, stored, fetch, get, upload } = start(t, database)
    const mine = await upload('mine')
    for (const id of ['a', 'b', 'c', 'd', 'e']) {
      await fetch(id)
      await clock.advance(2 * 3_600_000)
    }
    t.deepEqual(await media.retention.purge({ dryRun: true }), { files: 0, bytes: 0 })
    await fetch('f')
    await fetch('a')
    await media.downloads.close()
    t.deepEqual(await media.retention.purge({ dryRun: true }), { files: 1, bytes: 200 })
    t.is(stored(), 7)
    t.deepEqual(await media.retention.purge(), { files: 1, bytes: 200 })
    await t.throwsAsync(get('mxc://there.test/b'), { message: /not found/ }, 'the least recently used')
    await get('mxc://there.test/a')
    await media.retention.collect()
    t.is(stored(), 7, 'content has a grace time')
    await clock.advance(3_600_001)
    await media.retention.collect()
    t.is(stored(), 6)

    await clock.advance(5 * DAY)
    await fetch('c')
    await media.downloads.close()
    await clock.advance(6 * DAY)
    t.deepEqual(await media.retention.purge(), { files: 4, bytes: 800 })
    await get('mxc://there.test/c')
    await get(mine)
    t.deepEqual(await media.retention.usage(), [
      { kind: 'remote', files: 1, bytes: 200 },
      { kind: 'upload', files: 1, bytes: 4 },
    ])
  },
)

testDatabases(test, 'a purge deletes all that is to go, however much there is', async (t, database) => {
  const { media, clock, stored, fetch } = start(t, database)
  await fetch('one')
  const copies = database.prepare(
    `INSERT INTO media (origin, media_id, kind, content_hash, size, content_type, created_ts, accessed_ts)
     SELECT 'far.test', ?, 'remote', ?, 1, '', created_ts, accessed_ts FROM media WHERE media_id = 'one'`,
  )
  const hashes = Array.from({ length: 1_600 }, (_, n) => n.toString(16).padStart(64, '0'))
  await database.commit({
    statements: [{ prepared: copies, rows: hashes.map((hash, n) => [`copy-${n}`, hash]) }],
  })
  t.is((await media.retention.purge({ dryRun: true })).files, 1_200, 'what does not fit')
  await clock.advance(10 * DAY + 1)
  t.is((await media.retention.purge({ dryRun: true })).files, 1_601)
  t.is((await media.retention.purge()).files, 1_601)
  await clock.advance(2 * 3_600_000)
  await media.retention.collect()
  const left = database.prepare('SELECT count(*) AS n FROM media_garbage')
  t.like(await database.get(left), { n: 0 })
  t.is(stored(), 0)
})

testDatabases(
  test,
  'uploads of one instant are counted once each, however many are kept',
  async (t, database) => {
    const { media, clock } = start(t, database, { localLifetime: DAY })
    const upload = database.prepare(
      `INSERT INTO media (origin, media_id, kind, user_id, content_hash, size, content_type, created_ts, accessed_ts)
     VALUES ('here.test', ?, 'upload', '@a:here.test', ?, 1, '', ?, 0)`,
    )
    const picture = database.prepare(
      `INSERT INTO profiles (user_id, avatar_url, fields, position) VALUES (?, ?, '{}', 0)`,
    )
    const ids = Array.from({ length: 1_200 }, (_, n) => `file-${String(n).padStart(4, '0')}`)
    await database.commit({
      statements: [
        { prepared: upload, rows: ids.map((id, n) => [id, n.toString(16).padStart(64, '0'), clock.now()]) },
        {
          prepared: picture,
          rows: ids.slice(0, 600).map(id => [`@${id}:here.test`, `mxc://here.test/${id}`]),
        },
      ],
    })
    await clock.advance(DAY + 1)
    t.is((await media.retention.purge({ dryRun: true })).files, 600)
    t.is((await media.retention.purge()).files, 600)
    t.is((await media.retention.purge()).files, 0)
  },
)

testDatabases(
  test,
  'uploads go by rule, never while shown, and content only with its last name',
  async (t, database) => {
    const { media, clock, stored, get, upload } = start(t, database, {
      localLifetime: 30 * DAY,
      userQuota: 20,
    })
    const [shown, old] = [await upload('avatar'), await upload('old')]
    const insert = database.prepare(
      "INSERT INTO profiles (user_id, avatar_url, fields, position) VALUES ('@a:here.test', ?, '{}', 1)",
    )
    await database.commit({ statements: [{ prepared: insert, rows: [[shown]] }] })
    const named = [shown, old].map(uri => uri.slice('mxc://here.test/'.length))
    const reference = database.prepare(
      "INSERT INTO media_references (origin, media_id, event_nid) VALUES ('here.test', ?, 1)",
    )
    await database.commit({ statements: [{ prepared: reference, rows: named.map(id => [id]) }] })
    await clock.advance(31 * DAY)
    const again = await upload('old')
    await t.throwsAsync(upload('x'.repeat(15)), { message: /space/ })
    t.deepEqual(await media.retention.purge(), { files: 1, bytes: 3 })
    const references = database.prepare('SELECT media_id AS id FROM media_references')
    t.deepEqual(await database.all(references), [{ id: named[0] }], 'what names the other is of no use')
    await upload('x'.repeat(11))
    await t.throwsAsync(get(old), { message: /not found/ })
    await get(shown)
    await clock.advance(2 * 3_600_000)
    await media.retention.collect()
    await get(again)
    t.is(stored(), 3)
    await clock.advance(31 * DAY)
    await media.retention.purge()
    await clock.advance(2 * 3_600_000)
    await media.retention.collect()
    t.is(stored(), 1, 'the avatar')
  },
)

testDatabases(
  test,
  'names expire, and what is quarantined stays hidden under all of them',
  async (t, database) => {
    const { media, clock, get, fetch, upload } = start(t, database)
    const { content_uri } = await media.uploads.create('@a:here.test')
    await t.throwsAsync(get(content_uri), { message: /not been uploaded/ })
    await clock.advance(DAY + 1)
    await media.retention.purge()
    const find = database.prepare('SELECT COUNT(*) AS n FROM media')
    t.like(await database.get(find), { n: 0 })

    const [one, two] = [await upload('bad'), await upload('bad')]
    t.is(await media.moderation.quarantineUri(one, true), 2)
    for (const uri of [one, two]) await t.throwsAsync(get(uri), { message: /not found/ })
    t.is(await media.moderation.quarantineUri('mxc://there.test/x', true), 1)
    await t.throwsAsync(fetch('x'), { message: /not found/ }, 'it is not even fetched')
    t.is(await media.moderation.quarantineUri(one, false), 2)
    t.is((await get(two)).size, 3)
    const copy =
      database.prepare(`INSERT INTO media (origin, media_id, kind, content_hash, size, content_type, created_ts, accessed_ts)
      SELECT origin, ?, kind, content_hash, size, content_type, created_ts, accessed_ts FROM media WHERE media_id = ?`)
    const { length } = 'mxc://here.test/'
    const rows = Array.from({ length: 600 }, (_, n) => [`copy-${n}`, one.slice(length)])
    await database.commit({ statements: [{ prepared: copy, rows }] })
    t.is(await media.moderation.quarantineUri(one, true), 602, 'however many there are')
    await t.throwsAsync(get('mxc://here.test/copy-599'), { message: /not found/ })
    await t.throwsAsync(media.moderation.quarantineUri('mxc://there.test/../x', true), { message: /no mxc/ })
  },
)

testDatabases(test, 'what one user uploads within a time is limited, exactly', async (t, database) => {
  const { media, clock, stored, upload } = start(t, database, {
    uploadLimits: [
      { within: DAY, size: 10 },
      { within: 7 * DAY, size: 25 },
    ],
  })
  const refused = { message: /for now/ }
  await upload('a'.repeat(6))
  await t.throwsAsync(upload('b'.repeat(5)), refused)
  await t.throwsAsync(
    media.uploads.upload('@a:here.test', { content: chunksOf('x'), contentLength: 5 }),
    refused,
  )
  await media.uploads.upload('@b:here.test', { content: chunksOf('c'.repeat(10)) })
  const both = await Promise.allSettled([upload('d'.repeat(4)), upload('e'.repeat(4))])
  t.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected'], 'at the same time, too')
  await clock.advance(DAY)
  await upload('f'.repeat(10))
  await clock.advance(DAY)
  await t.throwsAsync(upload('g'.repeat(6)), refused, 'in a week')
  await upload('h'.repeat(5))
  await clock.advance(6 * DAY)
  await upload('i'.repeat(10))
  await clock.advance(2 * 3_600_000)
  await media.retention.collect()
  t.is(stored(), 6, 'of what was refused nothing is left')
})
