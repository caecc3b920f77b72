import test from 'ava'
import { silentLog } from '../../../core/log.ts'
import { FederationError } from '../../../network/federation-client.ts'
import { FakeClock } from '../../../test-kit/fake-clock.ts'
import type { Attempt } from './asked-in-turn.ts'
import { firstToHelp } from './candidates.ts'

/** Servers that never answer, refuse at once, or prepare an event after some seconds; those that take none in the end. */
const setUp = (
  servers: Readonly<Record<string, 'hangs' | 'refuses' | number>>,
  takesNone: readonly string[] = [],
) => {
  const clock = new FakeClock()
  const asked: string[] = []
  const aborted: string[] = []
  const prepare = async ({ server, signal }: Attempt): Promise<string> => {
    asked.push(server)
    const how = servers[server] ?? 'refuses'
    if (how === 'refuses')
      throw new FederationError('response', server, 'no', { status: 403, errcode: 'M_FORBIDDEN' })
    signal.addEventListener('abort', () => aborted.push(server))
    if (how === 'hangs') return await new Promise((_, reject) => signal.addEventListener('abort', reject))
    await clock.sleep(how * 1_000)
    return `event of ${server}`
  }
  const finish = async (server: string, prepared: string): Promise<string> => {
    if (takesNone.includes(server)) throw new FederationError('timeout', server, 'too slow')
    return prepared
  }
  const ask = () =>
    firstToHelp(Object.keys(servers), { clock, log: silentLog, purpose: 'test' }, { prepare, finish })
  return { clock, asked, aborted, ask }
}

test('servers that do not answer keep nobody waiting for the next', async t => {
  const { clock, asked, aborted, ask } = setUp({ a: 'hangs', b: 'hangs', c: 1, d: 0 })
  const helped = ask()
  await clock.advance(3_999)
  t.deepEqual(asked, ['a'])
  await clock.advance(1)
  t.deepEqual(asked, ['a', 'b'])
  await clock.advance(5_000)
  t.is(await helped, 'event of c')
  t.deepEqual(asked, ['a', 'b', 'c'])
  t.deepEqual(aborted, ['a', 'b', 'c'], 'nobody waits for the others any more')
})

test('who is slow may still be the one that helps', async t => {
  const { clock, ask } = setUp({ a: 7, b: 'refuses', c: 9 })
  const helped = ask()
  await clock.advance(7_000)
  t.is(await helped, 'event of a')
})

test('where one takes no event in the end, another has prepared one meanwhile', async t => {
  const { clock, asked, ask } = setUp({ a: 5, b: 2, c: 0 }, ['a'])
  const helped = ask()
  await clock.advance(6_000)
  t.is(await helped, 'event of c')
  t.deepEqual(asked, ['a', 'b', 'c'])
  const refused = setUp({ a: 'refuses', b: 0 }, ['b'])
  const error = t.throwsAsync(refused.ask(), { message: 'no' }, 'the most telling')
  await refused.clock.advance(10_000)
  await error
})
