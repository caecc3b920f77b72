import { randomBytes } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { silentLog } from '../../core/log.ts'
import type { BlobStore } from '../../storage/media/blob-store.ts'
import { DirectoryStore } from '../../storage/media/directory-store.ts'
import { chunksOf } from '../../test-kit/blob-stores.ts'
import { testDatabase } from '../../test-kit/database.ts'
import { eventually } from '../../test-kit/eventually.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { temporaryDirectory } from '../../test-kit/temporary-directory.ts'
import { Arrivals } from './arrivals.ts'
import { mediaContext } from './context.ts'
import { Downloads } from './downloads.ts'
import { RemoteMedia } from './remote-media.ts'
import { Thumbnails } from './thumbnails.ts'
import { Uploads } from './uploads.ts'

/** Counts how often files are lent. */
class CountingStore extends DirectoryStore {
  lent = 0

  override withFile<T>(hash: string, use: (path: string) => Promise<T>): Promise<T> {
    this.lent++
    return super.withFile(hash, use)
  }
}

/** Thumbnails over a store, of a server to which Alice and Bob upload. */
const thumbnailWorld = async (t: ExecutionContext, blobs: BlobStore, clock: FakeClock) => {
  const context = mediaContext({
    ...{ database: await testDatabase(t), blobs, clock, log: silentLog, serverName: 'here.test' },
    options: {
      ...{
        maxUploadSize: 100,
        maxRemoteSize: 1,
        maxPendingUploads: 1,
        pendingLifetime: 1,
        remoteLifetime: 1,
      },
      ...{ remoteCacheSize: 1, legacyEndpoints: false, maxThumbnailPixels: 1_000 },
    },
    random: randomBytes,
  })
  const arrivals = new Arrivals(clock)
  const remote = new RemoteMedia(context, () => Promise.reject(new Error('there are no others')))
  const thumbnails = new Thumbnails(context, new Downloads(context, arrivals, remote))
  const uploads = new Uploads(context, arrivals)
  /** Answers what has a thumbnail made of a file that is uploaded. */
  const upload = async (userId: string, text: string) => {
    const uri = await uploads.upload(userId, { content: chunksOf(text) })
    const wanted = { origin: 'here.test', mediaId: uri.slice('mxc://here.test/'.length) }
    return (size: number) => thumbnails.get(wanted, { width: size, height: size })
  }
  return { upload }
}

test('a file of which no thumbnails can be made is not looked into each time', async t => {
  const clock = new FakeClock()
  const blobs = new CountingStore(temporaryDirectory(t), () => clock.now())
  const { upload } = await thumbnailWorld(t, blobs, clock)
  const make = await upload('@a:here.test', 'no picture')
  const get = (size: number) => t.throwsAsync(make(size), { message: /no thumbnails/ })
  await Promise.all([get(32), get(32)])
  for (const size of [32, 96, 320]) await get(size)
  t.is(blobs.lent, 1)
  await clock.advance(10 * 60_000)
  await get(32)
  t.is(blobs.lent, 2)
})

/** Lends files only once it is let. */
class SlowStore extends CountingStore {
  readonly gate = Promise.withResolvers<void>()

  override async withFile<T>(hash: string, use: (path: string) => Promise<T>): Promise<T> {
    return super.withFile(hash, async path => {
      await this.gate.promise
      return use(path)
    })
  }
}

test('pictures of one user that take long keep nobody else waiting', async t => {
  const clock = new FakeClock()
  const blobs = new SlowStore(temporaryDirectory(t), () => clock.now())
  const { upload } = await thumbnailWorld(t, blobs, clock)
  const get = async (userId: string, text: string) => {
    const make = await upload(userId, text)
    return t.throwsAsync(make(32), { message: /no thumbnails/ })
  }
  const slow = ['1', '2', '3', '4'].map(text => get('@a:here.test', text))
  await eventually('some are looked into', () => blobs.lent === 2)
  const other = get('@b:here.test', '5')
  await eventually('that of somebody else, too', () => blobs.lent === 3)
  blobs.gate.resolve()
  await Promise.all([...slow, other])
  t.is(blobs.lent, 5)
})
