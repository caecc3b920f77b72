import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import test from 'ava'
import { silentLog } from '../../../core/log.ts'
import { DirectoryStore } from '../../../storage/media/directory-store.ts'
import { testDatabase } from '../../../test-kit/database.ts'
import { FakeClock } from '../../../test-kit/fake-clock.ts'
import { temporaryDirectory } from '../../../test-kit/temporary-directory.ts'
import { mediaContext } from '../context.ts'
import { Previews } from './previews.ts'

test('links to a slow site leave those to others their places', async t => {
  const clock = new FakeClock()
  const context = mediaContext({
    database: await testDatabase(t),
    blobs: new DirectoryStore(temporaryDirectory(t), () => clock.now()),
    clock,
    log: silentLog,
    serverName: 'here.test',
    options: {
      ...{ maxUploadSize: 1, maxRemoteSize: 1, maxPendingUploads: 1, pendingLifetime: 1, remoteLifetime: 1 },
      ...{ remoteCacheSize: 1, legacyEndpoints: false, maxThumbnailPixels: 1 },
    },
    random: randomBytes,
  })
  const slow = Promise.withResolvers<void>()
  const options = { enabled: true, maxPageSize: 1_000, maxImageSize: 1_000, lifetime: 1_000 }
  const previews = new Previews(context, options, {
    mayVisit: () => true,
    get: async (url, _accept, consume) => {
      if (url.startsWith('https://slow.test/')) await slow.promise
      const headers = { 'content-type': 'text/html' }
      return consume(
        { status: 200, headers, body: Readable.from([Buffer.from(`<title>${url}</title>`)]) },
        new URL(url),
      )
    },
    close: async () => {},
  })
  const links = Array.from({ length: 10 }, (_, n) => `https://slow.test/${n}`)
  const waiting = links.map(link => previews.get(link))
  t.is((await previews.get('https://quick.test/'))['og:title'], 'https://quick.test/')
  slow.resolve()
  t.deepEqual(
    (await Promise.all(waiting)).map(preview => preview['og:title']),
    links,
  )
})
