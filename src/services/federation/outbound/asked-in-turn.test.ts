import test from 'ava'
import { FakeClock } from '../../../test-kit/fake-clock.ts'
import { type Attempt, answersInTurn, type Turns } from './asked-in-turn.ts'

/** Asks servers that answer after some seconds, or never. */
const asking = (servers: Readonly<Record<string, number>>, bounds: Partial<Turns> = {}) => {
  const clock = new FakeClock()
  const asked: [string, number, number][] = []
  const start = clock.now()
  const ask = async ({ server, timeoutMs, signal }: Attempt): Promise<string> => {
    asked.push([server, clock.now() - start, timeoutMs])
    const seconds = servers[server] ?? 0
    await clock.sleep(Math.min(seconds * 1_000, timeoutMs), signal)
    if (seconds * 1_000 > timeoutMs) throw new Error('too slow')
    return `of ${server}`
  }
  const turns = { clock, totalMs: 60_000, eachMs: 30_000, ...bounds }
  const heard = (async () => {
    const all: unknown[] = []
    for await (const one of answersInTurn(Object.keys(servers), turns, ask))
      all.push('answer' in one ? one.answer : one.server)
    return all
  })()
  return { clock, asked, heard }
}

test('of servers that do not answer only so many are asked at a time', async t => {
  const never = Number.POSITIVE_INFINITY
  const { clock, asked, heard } = asking({ a: never, b: never, c: 1, d: 1 }, { atOnce: 2 })
  await clock.advance(29_999)
  t.deepEqual(asked, [
    ['a', 0, 30_000],
    ['b', 4_000, 30_000],
  ])
  await clock.advance(40_000)
  t.deepEqual(await heard, ['a', 'of c', 'of d', 'b'])
  t.deepEqual(asked.slice(2), [
    ['c', 30_000, 30_000],
    ['d', 31_000, 29_000],
  ])
})

test('after the time for all of them no further server is begun with, and none is waited for', async t => {
  const never = Number.POSITIVE_INFINITY
  const { clock, asked, heard } = asking({ a: never, b: never, c: never }, { totalMs: 6_000 })
  await clock.advance(8_000)
  t.deepEqual(asked, [
    ['a', 0, 6_000],
    ['b', 4_000, 2_000],
  ])
  t.deepEqual(await heard, ['a', 'b'])
})
