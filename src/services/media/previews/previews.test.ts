import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import test, { type ExecutionContext } from 'ava'
import { silentLog } from '../../../core/log.ts'
import { DirectoryStore } from '../../../storage/media/directory-store.ts'
import { testDatabase } from '../../../test-kit/database.ts'
import { FakeClock } from '../../../test-kit/fake-clock.ts'
import { temporaryDirectory } from '../../../test-kit/temporary-directory.ts'
import { mediaContext } from '../context.ts'
import { Previews } from './previews.ts'

/** Previews, in a world in which the sites under `slow.test` answer only once they are let. */
const slowWorld = async (t: ExecutionContext) => {
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
      if (new URL(url).hostname.endsWith('slow.test')) await slow.promise
      const headers = { 'content-type': 'text/html' }
      return consume(
        { status: 200, headers, body: Readable.from([Buffer.from(`<title>${url}</title>`)]) },
        new URL(url),
      )
    },
    close: async () => {},
  })
  return { previews, slow }
}

test('links to a slow site leave those to others their places', async t => {
  const { previews, slow } = await slowWorld(t)
  const links = Array.from({ length: 20 }, (_, n) => `https://slow.test/${n}`)
  const waiting = links.map((link, n) => previews.get(`@u${n}:here.test`, link))
  t.is((await previews.get('@a:here.test', 'https://quick.test/'))['og:title'], 'https://quick.test/')
  slow.resolve()
  t.deepEqual(
    (await Promise.all(waiting)).map(preview => preview['og:title']),
    links,
  )
})

test('somebody who knows of many slow sites leaves others their places', async t => {
  const { previews, slow } = await slowWorld(t)
  const links = Array.from({ length: 40 }, (_, n) => `https://s${n}.slow.test/`)
  const waiting = links.map(link => previews.get('@a:here.test', link))
  t.is((await previews.get('@b:here.test', 'https://quick.test/'))['og:title'], 'https://quick.test/')
  slow.resolve()
  t.is((await Promise.all(waiting)).length, 40)
})

test('a link for which somebody waits behind slow sites comes to others at once', async t => {
  const { previews, slow } = await slowWorld(t)
  const links = Array.from({ length: 4 }, (_, n) => `https://s${n}.slow.test/`)
  const waiting = [...links, 'https://quick.test/'].map(link => previews.get('@a:here.test', link))
  t.is((await previews.get('@b:here.test', 'https://quick.test/'))['og:title'], 'https://quick.test/')
  slow.resolve()
  t.is((await Promise.all(waiting)).length, 5)
})
