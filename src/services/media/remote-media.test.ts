import { randomBytes } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { silentLog } from '../../core/log.ts'
import { FederationError } from '../../network/federation-client.ts'
import { DirectoryStore } from '../../storage/media/directory-store.ts'
import { chunksOf } from '../../test-kit/blob-stores.ts'
import { testDatabase } from '../../test-kit/database.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { temporaryDirectory } from '../../test-kit/temporary-directory.ts'
import { mediaContext } from './context.ts'
import { type FetchMedia, RemoteMedia } from './remote-media.ts'

const start = async (t: ExecutionContext, fetchMedia: FetchMedia) => {
  const clock = new FakeClock()
  const context = mediaContext({
    database: await testDatabase(t),
    blobs: new DirectoryStore(temporaryDirectory(t), () => clock.now()),
    clock,
    log: silentLog,
    serverName: 'here.test',
    options: {
      maxUploadSize: 1_000,
      maxRemoteSize: 1_000,
      maxPendingUploads: 5,
      pendingLifetime: 1_000,
      remoteLifetime: 1_000,
      remoteCacheSize: 1_000,
      legacyEndpoints: false,
      maxThumbnailPixels: 1_000,
    },
    random: randomBytes,
  })
  const remote = new RemoteMedia(context, fetchMedia)
  t.teardown(() => remote.close())
  return { clock, fetch: (origin: string, mediaId: string) => remote.fetch({ origin, mediaId }, 0) }
}

const file = (text: string) => ({
  contentType: undefined,
  contentDisposition: undefined,
  body: chunksOf(text),
})

test('files come though many servers do not answer', async t => {
  const { promise: silence, reject } = Promise.withResolvers<never>()
  const { fetch } = await start(t, (origin, mediaId, _options, consume) =>
    origin.startsWith('gone') ? silence : consume(file(mediaId)),
  )
  const lost = Array.from({ length: 100 }, (_, n) =>
    t.throwsAsync(fetch(`gone${n}.test`, 'a'), { message: /cannot be reached/ }),
  )
  t.is((await fetch('there.test', 'hello')).size, 5)
  reject(new FederationError('unreachable', 'gone.test', 'no'))
  await Promise.all(lost)
})

test('files that trickle from all servers of a domain leave others their places', async t => {
  const { promise: end, resolve } = Promise.withResolvers<void>()
  async function* trickle() {
    yield Buffer.from('a')
    await end
  }
  let [coming, most] = [0, 0]
  const { fetch } = await start(t, async (origin, mediaId, _options, consume) => {
    if (!origin.endsWith('.slow.test')) return consume(file(mediaId))
    most = Math.max(most, ++coming)
    const result = await consume({ ...file(''), body: trickle() })
    coming--
    return result
  })
  const slow = Array.from({ length: 100 }, (_, n) => fetch(`s${n}.slow.test`, 'a'))
  t.is((await fetch('there.test', 'hello')).size, 5)
  resolve()
  await Promise.all(slow)
  t.is(most, 12)
})

test('servers of a country are no domain', async t => {
  const { promise: end, resolve } = Promise.withResolvers<void>()
  const { fetch } = await start(t, async (origin, mediaId, _options, consume) => {
    if (origin.endsWith('.slow.co.uk')) await end
    return consume(file(mediaId))
  })
  const slow = Array.from({ length: 20 }, (_, n) => fetch(`s${n}.slow.co.uk`, 'a'))
  t.is((await fetch('there.co.uk', 'hello')).size, 5)
  resolve()
  await Promise.all(slow)
})

test('a server that cannot be reached is not asked for each of its files', async t => {
  let asked = 0
  let isThere = false
  const { clock, fetch } = await start(t, async (origin, mediaId, _options, consume) => {
    asked++
    if (isThere) return consume(file(mediaId))
    await clock.sleep(10_000)
    throw new FederationError('timeout', origin, 'no')
  })
  const fails = (mediaId: string) => t.throwsAsync(fetch('far.test', mediaId), { message: /^far\.test / })
  const all = Promise.all(Array.from({ length: 50 }, (_, n) => fails(`f${n}`)))
  await clock.advance(10_000)
  await all
  t.is(asked, 6)
  isThere = true
  await fails('once')
  await clock.advance(10_000)
  t.is((await fetch('far.test', 'hello')).size, 5)
  t.is((await fetch('far.test', 'again')).size, 5)
})
