import test from 'ava'
import { FakeClock } from '../../test-kit/fake-clock.ts'
import type { Processes } from '../processes.ts'
import { LocalPresence } from './local-presence.ts'

/** Presence by the devices of one process, and what it has judged. */
const createPresence = (clock: FakeClock) => {
  const judged: string[] = []
  const presence = new LocalPresence({
    clock,
    processes: { id: 'one', bulletin: { isAlone: true } } as unknown as Processes,
    judged: (_, judgement) => judged.push(judgement.presence),
  })
  return { presence, judged }
}

test('a device that syncs on and on is not judged at each request, and is gone half a minute after the last', async t => {
  const clock = new FakeClock()
  const { presence, judged } = createPresence(clock)
  let ended = presence.syncing('@a:x', 'D', 'online')
  for (let second = 0; second < 20; second++) {
    await clock.advance(1_000)
    ended()
    ended = presence.syncing('@a:x', 'D', 'online')
  }
  t.deepEqual(judged, ['online', 'online'], 'when it came, and when it might have been about to go')
  await clock.advance(40_000)
  t.true(
    judged.every(each => each === 'online'),
    'it waits still',
  )
  ended()
  await clock.advance(29_000)
  t.is(judged.at(-1), 'online')
  await clock.advance(1_200)
  t.is(judged.at(-1), 'offline')

  presence.syncing('@a:x', 'D', 'online')
  t.is(judged.at(-1), 'online', 'whoever comes back is there at once')
  presence.syncing('@a:x', 'D', 'unavailable')
  t.is(judged.at(-1), 'unavailable', 'and what they choose counts')
  await presence.close()
})

test('one that syncs on and on without being seen is judged no more often', async t => {
  const clock = new FakeClock()
  const { presence, judged } = createPresence(clock)
  for (let second = 0; second < 20; second++) {
    const ended = presence.syncing('@a:x', 'D', 'offline')
    await clock.advance(1_000)
    ended()
  }
  t.deepEqual(judged, ['offline', 'offline'])
  presence.active('@a:x', 'D')
  t.deepEqual(judged, ['offline', 'offline'], 'and does not show itself by what it does')
  presence.syncing('@a:x', 'D', 'online')
  t.is(judged.at(-1), 'online')
  await presence.close()
})

/** Presence at two processes, which hear of each other what they post; what each of them has last judged. */
const createTwo = (clock: FakeClock, clockOfTwo = clock) => {
  const heard: ((all: unknown) => void)[] = []
  const create = (id: string, clock: FakeClock) => {
    const judged: string[] = []
    const bulletin = {
      isAlone: false,
      on: (_: string, listener: (all: unknown) => void) => heard.push(listener),
      post: async (_: string, all: unknown) => {
        for (const listener of heard) listener(all)
      },
    }
    const presence = new LocalPresence({
      ...{ clock, processes: { id, bulletin } as unknown as Processes },
      judged: (_, judgement) => judged.push(judgement.presence),
    })
    return { presence, last: () => judged.at(-1) }
  }
  return [create('one', clock), create('two', clockOfTwo)] as const
}

test('of one device that comes to several processes the last word counts', async t => {
  const clock = new FakeClock()
  const [one, two] = createTwo(clock)
  const then = async (act: () => unknown): Promise<void> => {
    await clock.advance(1_000)
    act()
  }
  let end = one.presence.syncing('@a:x', 'D', 'online')
  await then(() => two.presence.choose('@a:x', 'D', 'unavailable'))
  t.is(two.last(), 'unavailable', 'though a sync that made it online waits at the other')
  await then(() => one.presence.choose('@a:x', 'D', 'offline'))
  t.is(one.last(), 'offline')
  await then(() => two.presence.active('@a:x', 'D'))
  t.not(two.last(), 'online', 'it is to seem offline, wherever it does something')
  await then(() => end())
  await then(() => {
    end = two.presence.syncing('@a:x', 'D', 'online')
  })
  t.is(two.last(), 'online')
  await then(() => one.presence.syncing('@a:x', 'D', 'offline'))
  await then(() => one.presence.choose('@a:x', 'OTHER', 'unavailable'))
  t.is(one.last(), 'online', 'a sync that is not to be seen changes nothing, as at one process')
  await then(() => one.presence.choose('@a:x', 'D', 'offline'))
  t.is(one.last(), 'unavailable')
  await then(() => two.presence.choose('@a:x', 'OTHER', 'online'))
  await then(() => one.presence.choose('@a:x', 'D', 'unavailable'))
  t.is(one.last(), 'online', 'another device has its own word')
  await then(() => end())
  await Promise.all([one.presence.close(), two.presence.close()])
})

test('the last word of a device counts, whichever clock is ahead', async t => {
  const [ahead, behind] = [new FakeClock(1_000_000_000_000 + 5_000), new FakeClock(1_000_000_000_000)]
  const [one, two] = createTwo(ahead, behind)
  one.presence.syncing('@a:x', 'D', 'online')
  two.presence.choose('@a:x', 'D', 'unavailable')
  one.presence.choose('@a:x', 'OTHER', 'offline')
  t.deepEqual([one.last(), two.last()], ['unavailable', 'unavailable'])
  one.presence.choose('@a:x', 'D', 'online')
  two.presence.choose('@a:x', 'D', 'offline')
  one.presence.choose('@a:x', 'OTHER', 'offline')
  t.deepEqual([one.last(), two.last()], ['offline', 'offline'])
  await Promise.all([one.presence.close(), two.presence.close()])
})

test('who stays is told of once when a process is gone where they were, too', async t => {
  const clock = new FakeClock()
  const [one, two] = createTwo(clock)
  one.presence.syncing('@a:x', 'D', 'online')
  two.presence.syncing('@a:x', 'D', 'online')
  two.presence.syncing('@b:x', 'D', 'online')
  one.presence.syncing('@c:x', 'D', 'online')
  t.deepEqual(await two.presence.tellAgain(), [])
  // The first tells no more: it has ended without a word.
  await clock.advance(200_000)
  t.deepEqual(await two.presence.tellAgain(), ['@a:x'])
  t.deepEqual(await two.presence.tellAgain(), [])
  await one.presence.close()
  await two.presence.close()
})
