import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { chunksOf, testBlobStore } from '../../test-kit/blob-stores.ts'
import { temporaryDirectory } from '../../test-kit/temporary-directory.ts'
import { StorageFull } from './blob-store.ts'
import { DirectoryStore } from './directory-store.ts'

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
