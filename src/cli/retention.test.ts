import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { run } from '../test-kit/command-runs.ts'
import { temporaryDirectory } from '../test-kit/temporary-directory.ts'
import type { CliServices } from './ports.ts'

const SIZE = { events: 7, bytes: 2048, files: 0, fileBytes: 0 }

test('the server is asked about all rooms at once, and what it refuses keeps nothing else from being told', async t => {
  const cwd = temporaryDirectory(t)
  mkdirSync(join(cwd, 'data'))
  writeFileSync(join(cwd, 'data/homeserver.db'), '')
  const asked: string[] = []
  const rooms: Pick<CliServices['rooms'], 'expired' | 'purge' | 'outcome'> = {
    expired: async function* () {
      for (const roomId of ['!a', '!b', '!c']) yield { roomId, before: 5, size: SIZE }
    },
    purge: async ({ roomId }) => {
      asked.push(roomId)
      return roomId
    },
    outcome: async id => {
      // It looks once a minute: whoever asks for the next when the one before it is done waits for minutes.
      if (asked.length < 3) return undefined
      return { ...SIZE, refusal: id === '!b' ? 'the room is not known here' : undefined }
    },
  }
  const module = { openCliServices: async () => ({ rooms, close: async () => undefined }) as never }
  const { code, host } = await run(t, 'retention --wait 0', { cwd, module })
  t.deepEqual(asked, ['!a', '!b', '!c'])
  t.regex(host.out(), /!a: deleted 7 events .*\n!c: deleted 7 events/)
  t.is(host.err(), '!b: the room is not known here\n')
  t.is(code, 1)
})
