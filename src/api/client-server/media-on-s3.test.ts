import test from 'ava'
import sharp from 'sharp'
import { S3Client } from '../../network/s3-client.ts'
import { copyBlobs } from '../../services/media/copy.ts'
import { DirectoryStore } from '../../storage/media/directory-store.ts'
import { S3Store } from '../../storage/media/s3-store.ts'
import { openDatabase } from '../../storage/open.ts'
import { systemClock } from '../../system-clock.ts'
import { sqliteConfig } from '../../test-kit/database.ts'
import { S3_KEY, startS3 } from '../../test-kit/s3-server.ts'
import { startTestServer } from '../../test-kit/server.ts'
import { temporaryDirectory } from '../../test-kit/temporary-directory.ts'

test('files live in an S3 store, and are copied out of it', async t => {
  const { endpoint, bucket, used } = await startS3(t)
  const config = await sqliteConfig(t)
  const directory = temporaryDirectory(t)
  const { accessKey, secretKey } = S3_KEY
  const s3 = { endpoint, bucket, access_key: accessKey, secret_key: secretKey, prefix: 'tessera/' }
  const server = await startTestServer({
    database: config,
    settings: { media: { store: 's3', s3, directory } },
  })
  t.teardown(server.close)
  const { accessToken: token } = await server.register('alice')
  const picture = await sharp({ create: { width: 300, height: 200, channels: 3, background: 'red' } })
    .png()
    .toBuffer()
  const uploaded = await server.request('POST', '/_matrix/media/v3/upload', {
    token,
    body: picture,
    headers: { 'content-type': 'image/png' },
  })
  const name = (uploaded.body as { content_uri: string }).content_uri.slice('mxc://'.length)
  t.is(await used(), picture.length)
  const download = (headers = {}) =>
    server.request('GET', `/_matrix/client/v1/media/download/${name}`, { token, headers })
  t.true((await download()).bytes.equals(picture))
  const part = await download({ range: 'bytes=10-19' })
  t.is(part.status, 206)
  t.true(part.bytes.equals(picture.subarray(10, 20)))
  const thumbnail = await server.request(
    'GET',
    `/_matrix/client/v1/media/thumbnail/${name}?width=96&height=96&method=crop`,
    { token },
  )
  t.like(await sharp(thumbnail.bytes).metadata(), { width: 96, height: 96 })
  t.true((await used()) > picture.length, 'thumbnails are files too')

  const database = await openDatabase(config)
  t.teardown(() => database.close())
  const disk = (path: string) => new DirectoryStore(path, () => 0)
  const client = new S3Client({ endpoint, bucket, ...S3_KEY, clock: systemClock })
  t.teardown(() => client.close())
  const [spool, path] = [temporaryDirectory(t), temporaryDirectory(t)]
  const from = new S3Store(client, { prefix: 'tessera/', spool, now: () => 0 })
  const told: number[] = []
  const copied = await copyBlobs(database, { from, to: disk(path) }, ({ files }) => told.push(files))
  t.deepEqual(copied, { files: 2, bytes: await used(), missing: 0 })
  t.deepEqual(told, [2])
  t.deepEqual(await copyBlobs(database, { from: disk(path), to: from }, () => {}), copied)
  const empty = disk(temporaryDirectory(t))
  t.like(await copyBlobs(database, { from: empty, to: disk(path) }, () => {}), { files: 0, missing: 2 })
})
