import test from 'ava'
import { silentLog } from '../../../../core/log.ts'
import { FakeClock } from '../../../../test-kit/fake-clock.ts'
import { versionOf } from '../../../../test-kit/pdus.ts'
import type { OutboundContext } from '../context.ts'
import type { StatePlace } from './full-state.ts'
import { stateAtOnce } from './state-at-once.ts'

const CREATE = '$create'
const SILENT = ['s1.test', 's2.test']
const place: StatePlace = {
  ...{ roomId: '!r:a.test', eventId: '$join', version: versionOf('11'), createEventId: CREATE },
}

/** Servers of which some never answer, and others tell of a state all of which is here. */
const asking = (servers: readonly string[]) => {
  const clock = new FakeClock()
  const asked: string[] = []
  const start = clock.now()
  const given: string[] = []
  const context = {
    clock,
    log: silentLog,
    federation: {
      getStateIds: async (server: string, _: unknown, { signal }: { signal: AbortSignal }) => {
        asked.push(`${server} ${clock.now() - start}`)
        signal.addEventListener('abort', () => given.push(server), { once: true })
        if (SILENT.includes(server)) await clock.sleep(600_000, signal)
        return { stateIds: [CREATE], authChainIds: [] }
      },
    },
    core: {
      context: { read: { authGraph: { nodes: async (ids: string[]) => new Map(ids.map(id => [id, {}])) } } },
    },
  } as unknown as OutboundContext
  return { clock, asked, given, heard: stateAtOnce(context, place, servers) }
}

test('whoever comes back waits for no server that is gone', async t => {
  const { clock, asked, given, heard } = asking([...SILENT, 'there.test'])
  await clock.advance(8_000)
  t.deepEqual(await heard, [CREATE])
  t.deepEqual(asked, ['s1.test 0', 's2.test 4000', 'there.test 8000'])
  t.deepEqual(given.slice(0, 2), SILENT, 'these are given up')
  t.is(clock.sleeping, 0)
})

test('nor for longer than ten seconds where all are', async t => {
  const { clock, heard } = asking(SILENT)
  await clock.advance(10_000)
  t.is(await heard, undefined)
  t.is(clock.sleeping, 0)
})
