import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { DirectoryStore } from '../../storage/media/directory-store.ts'
import { MediaReader } from '../../storage/media/media.ts'
import { markImport } from '../../storage/synapse/mark.ts'
import { SynapseUnreadable } from '../../storage/synapse/source.ts'
import { testImports } from '../../test-kit/synapse.ts'
import { temporaryDirectory } from '../../test-kit/temporary-directory.ts'
import { hiddenRemoteFiles, uploads } from './media.ts'
import { runImport } from './run.ts'

const ANN = '@ann:a.test'
const ROW = {
  ...{ media_type: 'image/png', media_length: 3, created_ts: 2, user_id: ANN, url_cache: null },
  ...{ last_access_ts: 4, safe_from_quarantine: false, quarantined_by: null },
}

const ROWS = {
  local_media_repository: [
    { ...ROW, media_id: 'abcdefgh', upload_name: 'Täglich.png' },
    { ...ROW, media_id: 'ABcd_-efg', upload_name: null, media_type: null, quarantined_by: '@adm:a.test' },
    { ...ROW, media_id: 'lostlost', upload_name: null },
    { ...ROW, media_id: '../../etc', upload_name: null },
    { ...ROW, media_id: 'preview1', upload_name: null, url_cache: 'https://x.test' },
    { ...ROW, media_id: 'pending1', upload_name: null, media_length: null },
  ],
  remote_media_cache: [
    { media_origin: 'b.test', media_id: 'hidden', quarantined_by: '@adm:a.test' },
    { media_origin: 'b.test', media_id: 'shown', quarantined_by: null },
  ],
}

/** A directory of Synapse's with two files. */
const files = (t: ExecutionContext): string => {
  const from = temporaryDirectory(t)
  for (const path of ['ab/cd/efgh', 'AB/cd/_-efg']) {
    const file = join(from, 'local_content', path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, path)
  }
  return from
}

const pathOf = (root: string, hash: string): string =>
  join(root, hash.slice(0, 2), hash.slice(2, 4), hash.slice(4))

testImports(test, 'files are copied with what is known of them', async (t, db, open, config) => {
  const source = await open(ROWS)
  const root = temporaryDirectory(t)
  const to = new DirectoryStore(root, () => 5)
  await markImport(config, 'synapse a.test')
  const world = { source, db, serverName: 'a.test', now: 5, media: { from: files(t), to } }
  const { came, left } = await runImport([uploads, hiddenRemoteFiles], world)
  t.deepEqual(Object.fromEntries(came), { files: 2, 'hidden files of other servers': 1 })
  t.deepEqual([...left.values()], [1, 1])
  const reader = new MediaReader(db)
  const file = await reader.one('a.test', 'abcdefgh')
  t.like(file, {
    ...{ kind: 'upload', userId: ANN, size: 10, contentType: 'image/png', fileName: 'Täglich.png' },
    ...{ createdTs: 2, accessedTs: 4, quarantinedTs: undefined, isProtected: false },
  })
  t.is(readFileSync(pathOf(root, file?.hash ?? ''), 'utf8'), 'ab/cd/efgh')
  t.like(await reader.one('a.test', 'ABcd_-efg'), {
    ...{ contentType: 'application/octet-stream', quarantinedTs: 5, quarantinedBy: '@adm:a.test' },
  })
  t.like(await reader.one('b.test', 'hidden'), { kind: 'remote', hash: undefined, quarantinedTs: 5 })
  t.is(await reader.one('b.test', 'shown'), undefined)
  t.deepEqual({ ...(await reader.usage(ANN)) }, { bytes: 21, files: 2 })
})

testImports(test, 'files are linked, or left behind, as is asked for', async (t, db, open, config) => {
  const source = await open(ROWS)
  const from = files(t)
  const root = join(dirname(from), `${from}-ours`)
  const to = new DirectoryStore(root, () => 5)
  await markImport(config, 'synapse a.test')
  const world = { source, db, serverName: 'a.test', now: 5 }
  const behind = await runImport([uploads], world)
  t.deepEqual([...behind.left.values()], [4])
  const linking = { ...uploads, name: 'linked files' }
  const link = (path: string) => to.adopt(path)
  const { came } = await runImport([linking], { ...world, media: { from, to, link } })
  t.deepEqual(Object.fromEntries(came), { files: 2 })
  const file = await new MediaReader(db).one('a.test', 'abcdefgh')
  t.is(statSync(pathOf(root, file?.hash ?? '')).ino, statSync(join(from, 'local_content/ab/cd/efgh')).ino)
})

testImports(test, 'a file that may not be read is none that is missing', async (t, db, open, config) => {
  const source = await open(ROWS)
  const from = files(t)
  mkdirSync(join(from, 'local_content/lo/st'), { recursive: true })
  symlinkSync('lost', join(from, 'local_content/lo/st/lost'))
  await markImport(config, 'synapse a.test')
  const media = { from, to: new DirectoryStore(temporaryDirectory(t), () => 5) }
  const imported = runImport([uploads], { source, db, serverName: 'a.test', now: 5, media })
  await t.throwsAsync(imported, { instanceOf: SynapseUnreadable, message: /lo\/st\/lost cannot be read/ })
})
