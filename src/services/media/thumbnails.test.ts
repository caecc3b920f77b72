import { randomBytes } from 'node:crypto'
import test from 'ava'
import { silentLog } from '../../core/log.ts'
import { DirectoryStore } from '../../storage/media/directory-store.ts'
import { chunksOf } from '../../test-kit/blob-stores.ts'
import { testDatabase } from '../../test-kit/database.ts'
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

test('a file of which no thumbnails can be made is not looked into each time', async t => {
  const clock = new FakeClock()
  const blobs = new CountingStore(temporaryDirectory(t), () => clock.now())
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
  const uri = await new Uploads(context, arrivals).upload('@a:here.test', { content: chunksOf('no picture') })
  const wanted = { origin: 'here.test', mediaId: uri.slice('mxc://here.test/'.length) }
  const get = (size: number) =>
    t.throwsAsync(thumbnails.get(wanted, { width: size, height: size }), { message: /no thumbnails/ })
  await Promise.all([get(32), get(32)])
  for (const size of [32, 96, 320]) await get(size)
  t.is(blobs.lent, 1)
  await clock.advance(10 * 60_000)
  await get(32)
  t.is(blobs.lent, 2)
})
