import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import test from 'ava'
import { type LogFields, silentLog } from '../../core/log.ts'
import { DirectoryStore } from '../../storage/media/directory-store.ts'
import { chunksOf } from '../../test-kit/blob-stores.ts'
import { testDatabase } from '../../test-kit/database.ts'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import { temporaryDirectory } from '../../test-kit/temporary-directory.ts'
import { Arrivals } from './arrivals.ts'
import { mediaContext } from './context.ts'
import { Downloads } from './downloads.ts'
import { RemoteMedia } from './remote-media.ts'
import { Uploads } from './uploads.ts'

test('that files are missing is logged now and then, not at each request', async t => {
  const clock = new FakeClock()
  const directory = temporaryDirectory(t)
  const lines: LogFields[] = []
  const context = mediaContext({
    ...{ database: await testDatabase(t), clock, serverName: 'here.test', random: randomBytes },
    blobs: new DirectoryStore(directory, () => clock.now()),
    log: { ...silentLog, error: fields => lines.push(fields) },
    options: {
      ...{ maxUploadSize: 9, maxRemoteSize: 1, maxPendingUploads: 1, pendingLifetime: 1, remoteLifetime: 1 },
      ...{ remoteCacheSize: 1, legacyEndpoints: false, maxThumbnailPixels: 1 },
    },
  })
  const arrivals = new Arrivals(clock)
  const remote = new RemoteMedia(context, () => Promise.reject(new Error('there are no others')))
  const downloads = new Downloads(context, arrivals, remote)
  const uri = await new Uploads(context, arrivals).upload('@a:here.test', { content: chunksOf('x') })
  rmSync(directory, { recursive: true })
  const open = async () => {
    const wanted = { origin: 'here.test', mediaId: uri.slice('mxc://here.test/'.length) }
    const file = await downloads.download(wanted)
    await t.throwsAsync(file.open(), { message: /not found/ })
  }
  for (let count = 0; count < 3; count++) await open()
  await clock.advance(60_000)
  await open()
  t.deepEqual(
    lines.map(({ more }) => more),
    [undefined, 2],
  )
})
