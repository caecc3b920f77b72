import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { defaultConfig } from '../config/load.ts'
import { silentLog } from '../core/log.ts'
import { parseStreamToken } from '../core/stream-token.ts'
import { COUNTER, FollowedStreams } from '../storage/followed-streams.ts'
import { bothDatabases } from '../test-kit/database.ts'
import { FakeClock } from '../test-kit/fake-clock.ts'
import { aliceAndBob } from '../test-kit/person.ts'
import { bodyText } from '../test-kit/room-sync.ts'
import { requesterOf } from '../test-kit/rooms.ts'
import { startTestServer } from '../test-kit/server.ts'
import { compose } from './index.ts'

bothDatabases(
  test,
  'who asks a server that has just begun learns up to where their counts are right',
  async (t, database, config) => {
    const directory = mkdtempSync(join(tmpdir(), 'tessera-first-'))
    t.teardown(() => rmSync(directory, { recursive: true, force: true }))
    const clock = new FakeClock()
    const server = await startTestServer({ database: config, directory, clock })
    const { alice, bob } = await aliceAndBob(server)
    const roomId = await alice.createOpenRoom()
    await bob.join(roomId)
    const since = String((await bob.get('/sync'))['next_batch'])
    await alice.say(roomId, 'the last before the server was killed')
    await server.close()
    const uncounted = parseStreamToken(since)?.events ?? 0
    await database.commit({ statements: [new FollowedStreams(database).reached(COUNTER, uncounted)] })

    const url = config.kind === 'sqlite' ? `sqlite:${config.path}` : config.url
    const begun = await compose({
      config: defaultConfig(directory, {
        server_name: 'localhost',
        data_directory: directory,
        database: { url },
      }),
      ...{ clock, log: silentLog },
    })
    t.teardown(async () => {
      await begun.stop()
      await begun.processes.close()
      await begun.database.close()
    })
    const asked = { since, timeoutMs: 0, fullState: false, stateAfter: false } as const
    const { signal } = new AbortController()
    const body = await begun.services.sync.sync(requesterOf(bob.userId), asked, signal)
    const { next_batch: next } = JSON.parse(await bodyText(body)) as { next_batch: string }
    t.is(parseStreamToken(next)?.unread, uncounted)
  },
)
