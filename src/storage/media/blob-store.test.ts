import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { S3Client, S3Error } from '../../network/s3-client.ts'
import { systemClock } from '../../system-clock.ts'
import { chunksOf, testBlobStore } from '../../test-kit/blob-stores.ts'
import { S3_KEY, startS3 } from '../../test-kit/s3-server.ts'
import { temporaryDirectory } from '../../test-kit/temporary-directory.ts'
import { StorageFull } from './blob-store.ts'
import { DirectoryStore } from './directory-store.ts'
import { S3Store } from './s3-store.ts'

const sizeOf = async (directory: string): Promise<number> => {
  const files = await readdir(directory, { recursive: true, withFileTypes: true })
  const sizes = files
    .filter(each => each.isFile())
    .map(async each => (await stat(join(each.parentPath, each.name))).size)
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

testBlobStore(test, 'directory', async (t, now) => {
  const root = join(temporaryDirectory(t), 'media')
  return { store: new DirectoryStore(root, now), used: () => sizeOf(root) }
})

testBlobStore(test, 's3', async (t, now) => {
  const { endpoint, bucket, used } = await startS3(t)
  const client = new S3Client({ endpoint, bucket, ...S3_KEY, clock: systemClock })
  t.teardown(() => client.close())
  const spool = join(temporaryDirectory(t), 'spool')
  const store = new S3Store(client, { prefix: 'tessera/', spool, now })
  return { store, used: async () => (await used()) + (await sizeOf(spool).catch(() => 0)) }
})

test('a store that refuses is named, and nothing is taken for stored', async t => {
  const { endpoint } = await startS3(t)
  const client = new S3Client({ endpoint, bucket: 'none', ...S3_KEY, clock: systemClock })
  t.teardown(() => client.close())
  const spool = join(temporaryDirectory(t), 'spool')
  const store = new S3Store(client, { prefix: '', spool, now: () => 0 })
  await t.throwsAsync(store.put(chunksOf('abc'), 100), {
    instanceOf: S3Error,
    message: /NoSuchBucket/,
  })
  t.is(await sizeOf(spool), 0)
})

test('a directory is fanned out, and swept of what was half-written long ago', async t => {
  const root = temporaryDirectory(t)
  const store = new DirectoryStore(root, () => 0)
  const { hash } = await store.put(chunksOf('abc'), 100)
  t.true((await stat(join(root, hash.slice(0, 2), hash.slice(2, 4), hash.slice(4)))).isFile())
  await writeFile(join(root, 'incoming', 'half'), 'x')
  await store.sweep(Date.now() - 60_000)
  t.deepEqual(await readdir(join(root, 'incoming')), ['half'], 'it may still be written')
  await store.sweep(Date.now() + 60_000)
  t.deepEqual(await readdir(join(root, 'incoming')), [])
})

test('content that is stored again while it is removed stays', async t => {
  const root = temporaryDirectory(t)
  let now = 0
  const store = new DirectoryStore(root, () => now)
  for (let round = 0; round < 100; round++) {
    now = 0
    const { hash } = await store.put(chunksOf('abc'), 100)
    now = 1_000_000
    let removing: Promise<boolean> | undefined
    const content = async function* () {
      yield Buffer.from('abc')
      removing = store.remove(hash, 500_000)
    }
    await store.put(content(), 100)
    await removing
    t.is(await sizeOf(root), 3, `in round ${round}`)
    now = 2_000_000
    t.true(await store.remove(hash, 1_500_000))
  }
  t.is(await sizeOf(root), 0)
})

test('a full disk is told from other failures', async t => {
  const full = async function* () {
    yield Buffer.from('x')
    throw Object.assign(new Error('no space'), { code: 'ENOSPC' })
  }
  const root = temporaryDirectory(t)
  await t.throwsAsync(new DirectoryStore(root, () => 0).put(full(), 100), { instanceOf: StorageFull })
  t.is(await sizeOf(root), 0)
  await mkdir(join(root, 'no'))
  await writeFile(join(root, 'no', 'incoming'), '')
  await t.throwsAsync(new DirectoryStore(join(root, 'no'), () => 0).put(full(), 100), { code: 'ENOTDIR' })
})
